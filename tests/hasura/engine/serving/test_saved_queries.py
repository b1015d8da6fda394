"""Saved queries are parsed once: a change of metadata elsewhere does not parse them again."""

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest

from hasura.engine.errors import EngineError
from hasura.engine.execution import guards
from hasura.engine.metadata.types import AllowlistEntry, QueryCollection, RestEndpoint
from hasura.engine.resolve import endpoints
from hasura.engine.schema_cache import SchemaCache
from hasura.engine.session import Session
from hasura.engine.transport import rest

_USER = Session(role="user")
# Depends on names that no other test has used, so that none of it is known yet.
_Texts = Callable[[int], list[str]]


@pytest.fixture
def texts() -> _Texts:
    return lambda count: [f"{{ field_{uuid4().hex} {{ id }} }}" for _ in range(count)]


def _parsed(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> list[str]:
    """The texts that the module has parsed since."""
    seen: list[str] = []
    parse: Any = module.parse  # type: ignore[attr-defined]

    def recording(text: str, **options: Any) -> Any:
        seen.append(text)
        return parse(text, **options)

    monkeypatch.setattr(module, "parse", recording)
    return seen


def _snapshot(version: int, queries: dict[str, str]) -> SchemaCache:
    return SchemaCache(
        version=version,
        resource_version=version,
        tables={},
        query_collections={"saved": QueryCollection("saved", queries)},
        allowlist={"saved": AllowlistEntry("saved", None)},
        api_limits={"depth_limit": {"global": 2}},
    )


def test_the_allow_list_parses_what_is_new(monkeypatch: pytest.MonkeyPatch, texts: _Texts) -> None:
    first, second, added, foreign = texts(4)
    parsed = _parsed(monkeypatch, guards)
    guard = guards.OperationGuards(enable_allowlist=True)
    before = _snapshot(1, {"a": first, "b": second})
    guard.check_document(before, first, _USER)
    with pytest.raises(EngineError, match="not allowed"):
        guard.check_document(before, added, _USER)
    parsed.clear()

    after = _snapshot(2, {"a": first, "b": second, "c": added})
    for text in (first, second, added):
        guard.check_document(after, text, _USER)
    with pytest.raises(EngineError, match="not allowed"):
        guard.check_document(after, foreign, _USER)
    assert sorted(parsed) == sorted([added, second, foreign])  # once as saved, once as sent

    parsed.clear()
    removed = _snapshot(3, {"b": second})
    guard.check_document(removed, second, _USER)
    with pytest.raises(EngineError, match="not allowed"):
        guard.check_document(removed, first, _USER)
    stricter = replace(removed, api_limits={"depth_limit": {"global": 1}}, memo={})
    with pytest.raises(EngineError, match="depth limit"):
        guard.check_document(stricter, second, _USER)
    assert parsed == []


def test_endpoints_parse_what_is_new(monkeypatch: pytest.MonkeyPatch, texts: _Texts) -> None:
    first, second, changed = texts(3)
    subscription = f"subscription {changed}"
    parsed = _parsed(monkeypatch, endpoints)

    def resolved(queries: dict[str, str]) -> tuple[set[str], set[str]]:
        endpoints_by_name = {name: RestEndpoint(name, f"at/{name}", ("GET",), "saved", name) for name in queries}
        served, problems = endpoints.resolve_endpoints(
            endpoints_by_name, {"saved": QueryCollection("saved", queries)}
        )
        return set(served), set(problems)

    assert resolved({"a": first, "b": second}) == ({"a", "b"}, set())
    parsed.clear()
    assert resolved({"a": first, "b": subscription, "c": subscription}) == ({"a"}, {"b", "c"})
    assert resolved({"a": first, "b": second}) == ({"a", "b"}, set())
    assert parsed == [subscription]


def test_an_endpoint_s_query_is_parsed_with_its_first_request(monkeypatch: pytest.MonkeyPatch, texts: _Texts) -> None:
    query = f"query ($n: Int) {texts(1)[0]}"
    parsed = _parsed(monkeypatch, rest)
    for value in ("5", "7"):
        found = rest.read_variables(query, {"n": value}, {}, b"", content_type="application/json")
        assert found == {"n": int(value)}
    assert parsed == [query]
