"""Lenient reading of what a platform sends, and of streams."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automio import (
    Action,
    ActionRunStatusResponse,
    Connection,
    ConnectionsByOrganization,
    GraphQLResponse,
    Integration,
    Page,
    Plugin,
    Sync,
    SyncRun,
    Tag,
)
from automio._decode import WireModel
from automio._graphql_document import is_read_only
from automio._sse import ServerSentEventParser

MODELS: list[type[WireModel]] = [
    *(Integration, Plugin, Action, Tag, Connection, ActionRunStatusResponse),
    *(Sync, SyncRun),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=10,
)


@given(model=st.sampled_from(MODELS), data=st.data())
@pytest.mark.slow
def test_nothing_a_platform_sends_breaks_a_model(model: type[WireModel], data: st.DataObject) -> None:
    keys = st.sampled_from([*model.__dataclass_fields__, "unknown"])
    model.from_wire(data.draw(st.dictionaries(keys, JSON) | JSON))


def test_values_are_read_across_spellings() -> None:
    integration = Integration.from_wire(
        {
            "integration_id": "shop",
            "name": "Shop",
            "version": 2,
            "id": "7",
            "is_sandbox": None,
            "connected_accounts": [5, "6", None, 7.0],
            "type": {"name": "REST"},
            "categories": [{"name": "Sales", "slug": "sales"}],
            "new_field": {"kept": True},
        }
    )
    assert (integration.version, integration.id, integration.is_sandbox) == ("2", 7, False)
    assert integration.connected_accounts == (5, 6, 7)
    assert integration.type is not None and integration.type.name == "REST"
    assert integration.categories[0].slug == "sales"
    assert integration.raw["new_field"] == {"kept": True}


def test_times_are_aware() -> None:
    action = Action.from_wire({"name": "a", "created_at": "2026-01-02T03:04:05Z", "updated_at": "yesterday"})
    assert action.created_at is not None and action.created_at.utcoffset() is not None
    assert action.updated_at is None


def test_a_syncs_times_and_what_its_runs_stand_for_are_read() -> None:
    sync = Sync.from_wire(
        {
            "next_runs": ["2026-03-29T01:00:00Z", "soon", "2026-03-30T00:30:00+00:00"],
            "runs": [{"id": 1, "planned_at": "2026-03-28T01:30:00Z", "ticks": 3, "missed": 2}, {"id": 2}],
        }
    )
    assert [moment.isoformat() for moment in sync.next_runs] == [
        "2026-03-29T01:00:00+00:00",
        "2026-03-30T00:30:00+00:00",
    ]
    [scheduled, older] = sync.runs
    assert (scheduled.ticks, scheduled.missed) == (3, 2)
    assert scheduled.planned_at is not None and scheduled.planned_at.hour == 1
    assert (older.planned_at, older.ticks, older.missed) == (None, 0, 0)


def test_a_graphql_reply_without_errors_has_none() -> None:
    assert GraphQLResponse.from_wire({"data": {"a": 1}}).errors is None
    assert GraphQLResponse.from_wire({"data": None, "errors": ["odd"]}).errors[0].message == "odd"  # type: ignore[index]


def test_connections_are_a_list_and_a_mapping() -> None:
    connections = ConnectionsByOrganization.from_wire(
        {"2": [{"id": 5, "name": "a"}, {"id": 6, "name": "b"}], "3": [{"id": 7, "name": "c"}]}
    )
    assert [connection.id for connection in connections] == [5, 6, 7]
    assert [(organization, [c["id"] for c in items]) for organization, items in connections.items()] == [
        ("2", [5, 6]),
        ("3", [7]),
    ]
    assert connections[2] == connections["2"] == connections.get(2)
    assert (len(connections), bool(connections), "2" in connections, 9 in connections) == (3, True, True, False)
    assert not ConnectionsByOrganization.from_wire({})


def test_a_page_counts_what_it_has_when_the_platform_does_not_say() -> None:
    page = Page.from_wire({"results": [1, 2]}, lambda item: item)
    assert (page.count, page.next, list(page.results)) == (2, None, [1, 2])


EVENTS = [
    b"data: one\n\n",
    b"data:two\r\ndata: more\r\n\r\n",
    b": ping\n\n",
    b"id: 7\revent: x\rdata: \xc5\xbc\xe2\x80\xa8\r\r",
]


@given(cuts=st.lists(st.integers(0, sum(map(len, EVENTS))), max_size=8))
def test_the_way_a_stream_is_cut_does_not_matter(cuts: list[int]) -> None:
    body = b"".join(EVENTS)
    edges = [0, *sorted(cuts), len(body)]
    parser = ServerSentEventParser()
    found: list[Any] = []
    for start, end in pairwise(edges):
        found += parser.feed(body[start:end])
    assert [event.data for event in found] == ["one", "two\nmore", "ż\u2028"]
    assert found[-1].last_event_id == "7"


def test_the_last_event_may_lack_its_blank_line() -> None:
    parser = ServerSentEventParser()
    assert parser.feed(b"data: last") == []
    assert [event.data for event in parser.finish()] == ["last"]


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("{ a }", True),
        ("query Q($x: Int = 1) { a(where: {b: {_eq: $x}}) { c } }", True),
        ('{ a(b: "} mutation { x }") }', True),
        ('{ a(b: """ } mutation " """) }', True),
        ("# mutation\n{ a }", True),
        ("fragment F on a { b } query { ...F }", True),
        ("mutation { a }", False),
        ("query Q { a } mutation M { b }", False),
        ("subscription { a }", False),
    ],
)
def test_a_document_that_only_reads_is_told(document: str, expected: bool) -> None:
    assert is_read_only(document) is expected
