"""What is taken of documents that are not as OpenAPI says: the rest of them, with a note about what was left out."""

from typing import Any

import pytest

from platform_api.integrations.openapi.description.reading import UnusableDocument
from tests.platform_api.integrations.openapi.describing import api, described, described_with

OBJECT = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}


def names(description: Any) -> list[tuple[str, str]]:
    return [(operation.method, operation.path) for operation in description.operations]


def body_of(schema: Any) -> dict[str, Any]:
    return {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}


def shape_of(schema: Any, **more: Any) -> Any:
    [operation] = described(api({"/a": body_of(schema)}, **more)).operations
    return operation.request_body and operation.request_body.shape


UNREAD = {"$ref": "https://elsewhere.example/a.json"}


@pytest.mark.parametrize(
    "operation",
    [
        {"responses": {"200": UNREAD}},
        {"responses": "none"},
        {"tags": 5, "deprecated": "no", "callbacks": UNREAD},
        {"x-code": UNREAD},
        {"externalDocs": UNREAD},
        {"parameters": [{"name": "q", "in": "query", "schema": {"type": "string", "default": UNREAD}}]},
        {"parameters": [{"name": "q", "in": "query", "example": UNREAD, "examples": {"a": UNREAD}}]},
        {"requestBody": {"content": {"a/b": {"example": UNREAD, "schema": {"enum": [UNREAD], "const": UNREAD}}}}},
        {"parameters": [{"name": "q", "in": "query", "schema": {"minimum": -(2**63), "maximum": 2**80}}]},
    ],
)
def test_parts_that_nobody_calls_are_not_looked_at(operation: Any) -> None:
    description = described(api({"/a": {"get": operation}}))
    assert (names(description), description.notes) == ([("GET", "/a")], [])


@pytest.mark.parametrize(
    ("item", "note"),
    [
        (None, "#/paths/~1b: a path must be an object, not nothing; it is skipped"),
        ([], "#/paths/~1b: a path must be an object, not a list"),
        ({"get": "list"}, "#/paths/~1b/get: an operation must be an object, not text; it is skipped"),
        ({"get": None}, "#/paths/~1b/get: an operation must be an object, not nothing"),
        ({"$ref": "#/nowhere"}, "#/paths/~1b: the reference '#/nowhere' leads to nothing"),
        ({"$ref": "#/paths/~1b"}, "#/paths/~1b: the reference '#/paths/~1b' leads in a circle"),
        ({"fetch": {}}, "#/paths/~1b/fetch: this is no method that OpenAPI has"),
    ],
)
def test_a_broken_operation_is_skipped_and_the_others_are_kept(item: Any, note: str) -> None:
    description = described(api({"/a": {"get": {}}, "/b": item, "/c": {"post": {}}}))
    assert names(description) == [("GET", "/a"), ("POST", "/c")]
    assert [text for text in description.notes if text.startswith(note)], description.notes


@pytest.mark.parametrize(
    ("operation", "note"),
    [
        ({"parameters": [{"in": "query"}]}, "#/paths/~1a/get/parameters/0: a parameter must have a `name`"),
        ({"parameters": [{"name": "q", "in": "where"}]}, "#/paths/~1a/get/parameters/0: `in` must be one of"),
        ({"parameters": [{"$ref": "#/no"}]}, "#/paths/~1a/get/parameters/0: the reference '#/no' leads to nothing"),
        ({"parameters": 5}, "#/paths/~1a/get/parameters: parameters must be a list"),
        ({"requestBody": []}, "#/paths/~1a/get/requestBody: a body must be an object, not a list"),
        ({"operationId": {}}, "#/paths/~1a/get/operationId: this must be text, not an object"),
        ({"security": {}}, "#/paths/~1a/get/security: security must be a list"),
        ({"servers": [{}]}, "#/paths/~1a/get/servers/0: a server must have a `url`"),
    ],
)
def test_a_broken_part_is_left_out_and_the_operation_is_kept(operation: Any, note: str) -> None:
    description = described(api({"/a": {"get": operation}}))
    assert names(description) == [("GET", "/a")]
    assert [text for text in description.notes if text.startswith(note)], description.notes


def test_what_is_written_in_another_type_is_understood() -> None:
    text = """
openapi: 3.0
info: {title: 2024, version: 1.10}
servers: https://a.example
paths:
  pets:
    GET: {operationId: on, parameters: {a: {name: no, in: query, required: 'true', type: [string, 'null']}}}
"""
    description = described(text)
    assert (description.title, description.version) == ("2024", "1.10")
    [operation] = description.operations
    assert (operation.method, operation.path, operation.operation_id) == ("GET", "/pets", "on")
    [parameter] = operation.parameters
    assert (parameter.name, parameter.required, parameter.type) == ("no", True, "string")
    assert len(description.notes) == 3


def test_schemas_are_outlined_wherever_their_parts_are() -> None:
    circular = {"type": "object", "properties": {"again": {"$ref": "#/components/schemas/A"}}}
    components = {"schemas": {"A": circular, "B": {"allOf": [{"$ref": "#/components/schemas/B"}, OBJECT]}}}
    assert (
        shape_of({"$ref": "#/components/schemas/A"}, components=components)["properties"]["again"]["type"] == "object"
    )
    assert shape_of({"$ref": "#/components/schemas/B"}, components=components)["required"] == ["name"]
    assert shape_of({"anyOf": [OBJECT, {"type": "null"}]})["properties"] == {"name": {"type": "string"}}
    assert shape_of({"type": "array", "items": [OBJECT]})["items"]["required"] == ["name"]
    assert shape_of({"enum": [-(2**63), 2**64, 1.5, "a", {}]})["enum"] == [-(2**63), str(2**64), 1.5, "a"]
    assert shape_of(True) == {"type": "any"}


def test_swagger_bodies_are_read() -> None:
    description = described(
        {
            "swagger": 2.0,
            "info": {},
            "host": "https://old.example/",
            "basePath": "v1",
            "schemes": ["wss"],
            "consumes": ["application/xml", "application/json"],
            "paths": {
                "/a": {"post": {"parameters": [{"name": "b", "in": "body", "schema": OBJECT}]}},
                "/b": {"post": {"parameters": [{"name": "f", "in": "formData", "type": "file"}]}},
                "/c": {"post": {"parameters": [{"name": "f", "in": "formData", "type": "string", "required": True}]}},
            },
        }
    )
    assert description.servers[0].url == "https://old.example/v1"
    bodies = [operation.request_body for operation in description.operations]
    assert [body.content for body in bodies if body] == [
        "application/json",
        "multipart/form-data",
        "application/x-www-form-urlencoded",
    ]


def test_version_3_2_has_further_methods_and_a_place_of_its_own() -> None:
    document = api(
        {"/a": {"query": {"parameters": [{"name": "q", "in": "querystring"}]}, "additionalOperations": {"COPY": {}}}},
        openapi="3.2.0",
    )
    document["$self"] = "https://shop.example/api/openapi.json"
    document["paths"]["/b"] = {"$ref": "paths/b.json"}
    document["paths"]["/c"] = {"$ref": "https://shop.example/api/openapi.json#/paths/~1a"}
    files = {"b.json": {"$self": "https://shop.example/api/paths/b.json", "get": {}}}
    description = described_with(document, files)
    assert names(description) == [("QUERY", "/a"), ("COPY", "/a"), ("GET", "/b"), ("QUERY", "/c"), ("COPY", "/c")]
    assert any("calls cannot have the method COPY" in note for note in description.notes)


def test_files_refer_to_each_other_by_their_paths() -> None:
    document = api({"/a": {"$ref": "./paths/a.yaml#/item"}, "/b": {"$ref": "../gone.yaml"}})
    files = {
        "paths/a.yaml": "item: {post: {requestBody: {$ref: '../bodies.json#/Order'}, parameters: "
        "[{$ref: '../openapi.yaml#/components/parameters/Id'}]}}",
        "bodies.json": {
            "Order": {"content": {"application/json": {"schema": {"$ref": "#/Schema"}}}},
            "Schema": OBJECT,
        },
    }
    document["components"] = {"parameters": {"Id": {"name": "id", "in": "query"}}}
    for path in ("", "openapi.yaml"):
        description = described_with(document, files, path=path)
        [operation] = description.operations
        assert operation.request_body is not None and operation.request_body.shape["required"] == ["name"]
        assert [parameter.name for parameter in operation.parameters] == ["id"]
        [note] = description.notes
        assert note.startswith("#/paths/~1b") and "add the file '../gone.yaml' to `files`" in note


def test_notes_about_files_name_them() -> None:
    files = {"a.yaml": "get: {parameters: [{in: query}]}", "b.yaml": "a: ["}
    description = described_with(api({"/a": {"$ref": "a.yaml"}, "/b": {"$ref": "b.yaml"}}), files)
    assert names(description) == [("GET", "/a")]
    assert description.notes[0].startswith("b.yaml: the file 'b.yaml' is not YAML")
    assert any(note.startswith("a.yaml#/get/parameters/0: ") for note in description.notes)


def test_a_document_that_is_elsewhere_is_refused_and_says_what_to_add() -> None:
    with pytest.raises(UnusableDocument, match=r"not fetched: add 'paths/a\.yaml' to `files`"):
        described(api({"/a": {"$ref": "paths/a.yaml"}}))


def test_schemas_are_found_by_their_ids_and_anchors() -> None:
    schemas = {
        "A": {"$id": "https://s.example/a", "$defs": {"In": OBJECT}, "properties": {"x": {"$ref": "#/$defs/In"}}},
        "B": {"$anchor": "b", **OBJECT},
    }
    for reference in ("https://s.example/a", "#/components/schemas/A"):
        shape = shape_of({"$ref": reference}, components={"schemas": schemas})
        assert shape["properties"]["x"]["required"] == ["name"], reference
    assert shape_of({"$ref": "#b"}, components={"schemas": schemas})["required"] == ["name"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not JSON: Expecting property name enclosed in double quotes in line 1, column 2"),
        ("openapi: 3.0.0\npaths: [", "not YAML: "),
        ("openapi: 3.0.0\n\tpaths: {}", "line 2, column 1"),
        (b"openapi: \xff", "not UTF-8 text (byte 9, line 1)"),
        ("[]", "must be an object with `openapi` or `swagger`"),
        ("", "must be an object"),
        ("swagger: '1.2'", "version '1.2'"),
        ("paths: {}", "no version"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: Any, said: str) -> None:
    with pytest.raises(UnusableDocument) as refused:
        described(text)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbf" + b'{"openapi": "3.0.0", "paths": {"/a": {"get": {}}}}',
        '{"openapi": "3.0.0", "paths": {"/a": {"get": {}}}}'.encode("utf-16"),
        '{"openapi": "3.0.0", "paths": {"/a": {"get": {},}},}',
        "{openapi: 3.0.0, paths: {/a: {get: {}}}}",
        "openapi: 3.0.0\npaths: {/a: {get: {summary: 'a\x07b'}}}",
        'openapi: 3.0.0\npaths: {/a: {get: {summary: "\\ud83d\\ude00"}}}',
        "---\nopenapi: !!str 3.0.0\npaths: {/a: {get: !Custom {}}}\n---\nb: 1",
        "openapi: 3.0.0\npaths: {/a: &a {get: {}}, /a: *a}",
        "openapi: 3.0.0\nx-all: &all {/a: {get: {}}}\npaths: {<<: *all}",
        "openapi: 3.0.0\npaths: {/a: {get: {? [a, b] : c}}}",
    ],
)
def test_unusual_texts_are_read(text: Any) -> None:
    assert names(described(text)) == [("GET", "/a")]


def test_keys_that_stand_twice_are_told_with_their_place() -> None:
    for text in (
        '{"openapi": "3.0.0", "paths": {"/a": {"post": {}}, "/a": {"get": {}}}}',
        "openapi: 3.0.0\npaths:\n  /a: {post: {}}\n  /a: {get: {}}\n",
    ):
        description = described(text)
        assert names(description) == [("GET", "/a")]
        assert "#/paths/~1a: this key stands there more than once; the last one is used" in description.notes


def test_notes_are_bounded() -> None:
    description = described(api({f"/{number}": None for number in range(1_000)}))
    assert len(description.notes) == 201 and description.notes[-1].startswith("and 801 more")


def test_references_are_read_as_they_are_written_in_the_wild() -> None:
    target = {"name": "id", "in": "query"}
    for reference in (
        "#/paths/~1%7Bid%7D/parameters/0",
        " #/paths/~1{id}/parameters/0 ",
        "a\\b.json#/50%25",
        "a/b.json#/50%",
    ):
        document = api({"/{id}": {"parameters": [target]}, "/a": {"get": {"parameters": [{"$ref": reference}]}}})
        description = described_with(document, {"a/b.json": {"50%": target}})
        [operation] = description.operations
        assert [parameter.name for parameter in operation.parameters] == ["id"], description.notes


def test_a_document_on_the_network_may_be_among_the_files() -> None:
    document = api({"/a": {"$ref": "https://shop.example/paths/a.yaml"}, "/b": {"$ref": "https://shop.example/b"}})
    files = {"https://shop.example/paths/a.yaml": {"get": {"requestBody": {"$ref": "../bodies.yaml#/B"}}}}
    files["https://shop.example/bodies.yaml"] = {"B": {"content": {"text/plain": {}}}}
    description = described_with(document, files)
    [operation] = description.operations
    assert operation.request_body is not None and operation.request_body.content == "text/plain"
    [note] = description.notes
    assert "'https://shop.example/b' is in another document, which is not fetched" in note


def test_files_that_refer_to_each_other_in_a_circle_are_told() -> None:
    files = {"a.json": {"$ref": "b.json"}, "b.json": {"$ref": "a.json"}}
    description = described_with(api({"/a": {"$ref": "a.json"}, "/b": {"get": {}}}), files)
    assert names(description) == [("GET", "/b")]
    assert "#/paths/~1a: the reference 'a.json' leads in a circle; it is left out" in description.notes


def test_a_document_with_many_faults_takes_no_long_time() -> None:
    repeated = ",".join(f'"/{number}": {{"a": {{}}, "a": {{}}}}' for number in range(20_000))
    description = described(f'{{"openapi": "3.0.0", "paths": {{{repeated}}}}}')
    assert description.notes[-1].startswith("and ")
