"""Whatever a document holds, it is read, or refused with the one error that says why."""

import json
import math
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from platform_api.core.errors import Unprocessable
from platform_api.integrations.definitions.api_description import ApiDescription
from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.openapi.building import build_fields
from platform_api.integrations.openapi.description.reading import UnusableDocument
from platform_api.integrations.openapi.description.values import cleaned
from tests.lengths import at_length
from tests.platform_api.integrations.openapi.describing import described

WORDS = (
    "$ref $id $anchor type properties items required enum allOf oneOf anyOf in name schema content get post"
    " parameters requestBody servers url variables default security openapi info title paths / /a x-a"
)
KEYS = st.sampled_from(WORDS.split()) | st.just("\ud83d") | st.text(max_size=5)
ADDRESSES = ["#/", "#/paths", "#", "a.yaml#/b", "http://[", "//[", "{a}://b"]
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(
        ["#/", "#/paths", "#", "a.yaml#/b", "http://[", "//[", "{a}://b", "object", "array", "\x00", "\ud800"]
    )
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)


def shop() -> dict[str, Any]:
    """A document with something in each place that is read."""
    schema = {"type": "object", "properties": {"a": {"type": "string", "enum": ["b"]}}, "required": ["a"]}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1", "license": {}, "contact": {"url": "https://a.example"}},
        "externalDocs": {"url": "https://docs.example"},
        "tags": [],
        "servers": [{"url": "https://{r}.example", "variables": {"r": {"default": "eu", "enum": ["eu"]}}}],
        "security": [{"key": []}, {"login": ["read"]}],
        "paths": {
            "/a": {
                "servers": [{"url": "https://up.example"}],
                "parameters": [{"name": "id", "in": "path", "schema": {"type": "string"}}],
                "post": {
                    "operationId": "a",
                    "summary": "b",
                    "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
                    "responses": {"200": {"description": "fine", "content": {}}},
                },
            }
        },
        "components": {
            "schemas": {"A": schema},
            "examples": {},
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
                "login": {
                    "type": "oauth2",
                    "flows": {
                        "authorizationCode": {"authorizationUrl": "/a", "tokenUrl": "/b", "scopes": {"read": ""}}
                    },
                },
            },
        },
    }


UNCALLED = [
    ("tags",),
    ("info", "license"),
    ("externalDocs", "description"),
    ("webhooks",),
    ("components", "examples"),
    ("components", "responses"),
    ("x-more",),
    ("paths", "x-more"),
    ("paths", "/a", "x-more"),
    ("paths", "/a", "post", "responses"),
    ("paths", "/a", "post", "callbacks"),
    ("paths", "/a", "post", "tags"),
    ("paths", "/a", "post", "x-more"),
    *(
        ("paths", "/a", "post", "requestBody", "content", "application/json", *place)
        for place in (("example",), ("examples",), ("schema", "default"), ("schema", "example"), ("schema", "const"))
    ),
    ("paths", "/a", "parameters", 0, "example"),
    ("paths", "/a", "parameters", 0, "schema", "default"),
]


def put(document: Any, place: tuple[Any, ...], value: Any) -> None:
    for key in place[:-1]:
        document = document[key]
    document[place[-1]] = value


def places(value: Any, place: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [
        *([place] if place else []),
        *(found for key, child in children for found in places(child, (*place, key))),
    ]


def imported(document: Any) -> IntegrationDefinition | None:
    """The definition that a document describes; None where it was refused as it should be."""
    try:
        api = described(document)
        api = ApiDescription.model_validate_json(json.dumps(cleaned(api.model_dump())))
        return IntegrationDefinition.model_validate(
            build_fields(api, document_url=None, base_url=None, auth=None).fields
        )
    except (UnusableDocument, Unprocessable) as error:
        assert str(error)
        return None


@settings(max_examples=at_length(60, full=3_000), deadline=None)
@given(st.sampled_from(UNCALLED), VALUES)
def test_any_value_where_nobody_calls_changes_nothing(place: tuple[Any, ...], value: Any) -> None:
    document = shop()
    plain = imported(document)
    put(document, place, value)
    assert plain is not None and imported(json.dumps(document)) == plain


@settings(max_examples=at_length(100, full=10_000), deadline=None)
@given(st.sampled_from(places(shop())), VALUES)
def test_any_value_anywhere_is_read_or_refused(place: tuple[Any, ...], value: Any) -> None:
    document = shop()
    put(document, place, value)
    imported(json.dumps(document))


@settings(max_examples=at_length(60, full=3_000), deadline=None)
@given(st.sampled_from(places(shop())), st.text(max_size=30) | st.binary(max_size=30))
def test_any_damage_to_a_text_is_read_or_refused(place: tuple[Any, ...], damage: str | bytes) -> None:
    raw = damage if isinstance(damage, bytes) else damage.encode(errors="replace")
    for text in (json.dumps(shop()).encode(), yaml.safe_dump(shop()).encode()):
        cut = len(text) * len(place) // 8
        imported(text[:cut] + raw + text[cut:])


def test_numbers_keep_what_they_say() -> None:
    document = shop()
    document["info"]["version"] = math.pi
    api = described(json.dumps(document).replace(str(math.pi), "1.10"))
    assert api.version == "1.10"
