"""`automio action run` and `runs logs --follow`: how a run is followed to its end, and what interrupts that."""

from collections.abc import Iterator

import pytest
from click.testing import CliRunner, Result

from automio._development.following import RunEvents
from automio._development.management import Management
from automio._exceptions import ConnectionFailed, InvalidReply, StreamInterrupted
from automio._exchange import Request
from automio.cli import main
from tests.automio.loopback import InTurn, Loopback, Stream

STREAM = "GET /api/actions/run-code-stream/"
END = b'event: end\ndata: {"state": "completed"}\n\n'


@pytest.fixture
def followed(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> Loopback:
    """Provides a platform with run 5, which is completed when it is asked for."""
    for name, value in {"API_BASE_URL": server.url, "APP_TOKEN": "amt_x", "APP_ID": "3"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("automio._sync_driver.backoff", lambda *_: 0.0)
    server.on("GET /api/actions/runs/5/", {"id": 5, "task_id": "t", "status": "completed", "result": 7})
    server.on("POST /api/actions/runs/5/cancel/", {})
    return server


def follow() -> Result:
    return CliRunner().invoke(main, ["runs", "logs", "--follow", "5"])


def test_a_stream_that_ends_in_order_before_the_run_is_resumed_after_the_last_line(followed: Loopback) -> None:
    followed.on(
        STREAM,
        InTurn(
            # The second event has arrived in part: it comes again.
            Stream([b"id: 1\ndata: one\n\nid: 2\ndata: tw"]),
            Stream([b"id: 2\ndata: two\n\n"]),
            Stream([END]),
        ),
    )
    done = follow()
    assert done.exit_code == 0, done.output
    assert [line for line in done.output.splitlines() if line in ("one", "two", "tw")] == ["one", "two"]
    assert [seen.headers.get("last-event-id") for seen in followed.seen(STREAM)] == [None, "1", "2"]


def test_a_stream_that_never_brings_anything_is_given_up_and_the_run_is_not_called_failed(followed: Loopback) -> None:
    followed.on(STREAM, Stream([b": log\n\n"]))
    done = follow()
    assert done.exit_code == 1 and "The run continues on the platform" in done.output
    assert len(followed.seen(STREAM)) == 2


def test_a_run_that_goes_on_after_the_end_of_its_stream_is_not_called_failed(followed: Loopback) -> None:
    followed.on("GET /api/actions/runs/5/", {"id": 5, "task_id": "t", "status": "running", "error": None})
    followed.on(STREAM, Stream([END]))
    done = follow()
    assert "has not ended (running)" in done.output and "no reason" not in done.output


def test_an_event_that_is_not_json_is_named(followed: Loopback) -> None:
    platform = Management.of_token(followed.url, "amt_x")
    followed.on(STREAM, Stream([b"event: progress\ndata: {\n\n"]))
    with pytest.raises(InvalidReply, match="not JSON"):
        list(platform.follow("t"))
    platform.close()


def test_the_source_of_both_drivers_says_that_the_stream_broke(followed: Loopback) -> None:
    events = RunEvents(Request(method="GET", path="/"))
    list(events.read(b"id: 1\ndata: a\n\n"))
    with pytest.raises(ConnectionFailed):
        list(events.ended())
    assert not events.is_finished and events.can_resume()


def test_a_stream_that_is_given_up_is_an_error_of_its_own(followed: Loopback) -> None:
    def reset() -> Iterator[bytes]:
        yield b": log\n\n"

    followed.on(STREAM, lambda _: Stream(reset(), breaks=True))
    platform = Management.of_token(followed.url, "amt_x")
    with pytest.raises(StreamInterrupted):
        list(platform.follow("t"))
    platform.close()
