"""The list of syncs is read to its end, part by part."""

from collections.abc import Callable

from automio import API
from tests.automio.loopback import InTurn, Loopback


def test_all_syncs_are_listed_and_nothing_is_compressed_on_loopback(
    server: Loopback, create_api: Callable[..., API]
) -> None:
    path = "/api/apps/3/syncs/"
    server.on(
        f"GET {path}",
        InTurn(
            {"results": [{"name": "a"}, {"name": "b"}], "next_cursor": "c1"},
            {"results": [{"name": "c"}], "next_cursor": None},
        ),
    )
    assert [sync.name for sync in create_api(app_id=3).syncs.list()] == ["a", "b", "c"]
    first, second = server.seen(f"GET {path}")
    assert (first.query, second.query) == ({"limit": "100"}, {"limit": "100", "cursor": "c1"})
    assert first.headers["accept-encoding"] == "identity"
