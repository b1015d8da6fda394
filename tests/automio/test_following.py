"""`automio action run` and `runs logs --follow`: how a run is followed to its end, and what interrupts that."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from automio._development.following import RunEvents
from automio._development.management import Management
from automio._exceptions import ConnectionFailed, InvalidReply, StreamInterrupted
from automio._exchange import Request
from automio.cli import main
from automio.cli.building.following import _tell_reason, _View
from tests.automio.loopback import Answer, InTurn, Loopback, Seen, Stream

STREAM = "GET /api/actions/run-code-stream/"
START = "POST /api/actions/restock/run/"
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


def interrupt() -> None:
    """Presses Ctrl+C while the command waits for an answer."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    time.sleep(0.05)


def interrupting(answer: Any) -> Callable[[Seen], Any]:
    def answered(_: Seen) -> Any:
        interrupt()
        return answer

    return answered


def start() -> Result:
    return CliRunner().invoke(main, ["action", "run", "restock"])


@pytest.fixture
def startable(followed: Loopback) -> Loopback:
    followed.on("GET /api/actions/", [{"id": 9, "slug": "restock"}])
    followed.on(START, {"run_id": 5, "task_id": "t"})
    return followed


def test_a_run_that_was_perhaps_started_is_mentioned(startable: Loopback) -> None:
    startable.on(START, interrupting({"run_id": 5, "task_id": "t"}))
    done = start()
    assert done.exit_code == 130 and "may have been started: automio runs list --action restock" in done.output


def test_an_interruption_before_the_first_event_cancels_the_run(
    startable: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threading.Timer, "start", lambda _: signal.raise_signal(signal.SIGINT))
    done = start()
    assert done.exit_code == 130 and "cancelled run 5" in done.output
    assert startable.seen("POST /api/actions/runs/5/cancel/")


def test_a_second_interruption_while_cancelling_says_that_the_run_may_go_on(startable: Loopback) -> None:
    startable.on(STREAM, interrupting(Stream([b": log\n\n"])))
    startable.on("POST /api/actions/runs/5/cancel/", interrupting({}))
    done = start()
    assert done.exit_code == 130 and "run 5 may go on; cancel it: automio runs cancel 5" in done.output


def test_an_interruption_after_the_end_cancels_nothing(startable: Loopback) -> None:
    startable.on(STREAM, Stream([END]))
    startable.on("GET /api/actions/runs/5/", interrupting({"id": 5, "status": "completed"}))
    done = start()
    assert done.exit_code == 130 and "run 5 has ended" in done.output
    assert not startable.seen("POST /api/actions/runs/5/cancel/")


def test_a_run_that_cannot_be_followed_any_more_is_not_left_without_a_word(startable: Loopback) -> None:
    startable.on(STREAM, Answer(503, json={"detail": "restarting"}))
    done = start()
    assert done.exit_code == 1 and "run 5 may go on; follow it: automio runs logs --follow 5" in done.output


def test_the_thread_that_tells_the_reason_fails_silently(followed: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = Management.of_token(followed.url, "amt_x")
    followed.on("GET /api/actions/runs/5/", {"id": 5, "waiting_reason": "no runner"})
    with (Path() / "errors").open("w") as closed:
        monkeypatch.setattr("sys.stderr", closed)
    _tell_reason(platform, 5, _View(log_to_stderr=False))
    assert followed.seen("GET /api/actions/runs/5/")
    platform.close()
    _tell_reason(platform, 5, _View(log_to_stderr=False))
