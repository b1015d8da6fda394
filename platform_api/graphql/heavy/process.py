"""Runs an engine for heavy requests, below the control plane and with a lower priority than it.

Reads frames from standard input: first what the engine is started with, then a request each. Ends with its input.
"""

import asyncio
import ctypes
import os
import resource
import signal
import sys
from typing import Any

import structlog
import uvloop

from hasura.engine.engine import Engine
from hasura.engine.errors import EngineError, Unexpected
from hasura.engine.options import EngineOptions
from hasura.engine.session import Session
from platform_api.core.logs.configuration import configure_logging
from platform_api.graphql.heavy.frames import MAX_REQUEST_SECONDS, frame, read_frame

log = structlog.stdlib.get_logger()

# The kernel gives it a third of what it gives the control plane where both have something to do.
_NICE = 5
# A document or a list that needs more fails with an error of its own; nothing else is in this process.
_MAX_MEMORY_BYTES = 2 * 1024**3
_PR_SET_PDEATHSIG = 1
_PIPE_BYTES = 1024 * 1024


async def _serve() -> None:
    reader, writer = await _standard_streams()
    header, _ = await read_frame(reader)
    configure_logging(level=header["log_level"], log_format=header["log_format"])
    engine = Engine(EngineOptions(**header["options"]))
    await engine.start()
    _send(writer, {"ready": True})
    tasks: set[asyncio.Task[None]] = set()
    try:
        while True:
            try:
                header, body = await read_frame(reader)
            except asyncio.IncompleteReadError:
                return
            task = asyncio.create_task(_answer(engine, writer, header, body))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            task.add_done_callback(_end_if_failed)
    finally:
        for task in tasks:
            task.cancel()
        await engine.stop()


async def _answer(engine: Engine, writer: asyncio.StreamWriter, header: dict[str, Any], body: bytes) -> None:
    status, content = await _execute(engine, header, body)
    _send(writer, {"id": header["id"], "status": status}, content)
    await writer.drain()


async def _execute(engine: Engine, header: dict[str, Any], body: bytes) -> tuple[int, bytes]:
    """Returns the status and the body of the answer, whatever fails."""
    session = Session(**header["session"])
    try:
        if engine.schema_cache.resource_version < header["resource_version"]:
            # The control plane knows of a change that was not told here yet.
            await _refresh(engine)
        async with asyncio.timeout(MAX_REQUEST_SECONDS):
            answer = await engine.execute(body, session)
    except EngineError as refused:
        error = refused
    except TimeoutError:
        error = EngineError(
            f"the request took longer than {MAX_REQUEST_SECONDS:.0f} seconds; operations of it that were complete"
            " took effect, the others did not; split it into several"
        )
    except Exception:  # whoever asked waits for an answer
        log.exception("graphql.heavy_request_failed")
        error = Unexpected("internal server error")
    else:
        return answer.status, answer.body
    return 200, engine.render_error(error, session)


async def _refresh(engine: Engine) -> None:
    try:
        await engine.refresh()
    except Exception as error:  # of the database mostly; the next request tries again
        log.warning("graphql.heavy_refresh_failed", exc_info=error)
        raise Unexpected("the newest change of the tables cannot be read at the moment; try again") from error


def _end_if_failed(task: "asyncio.Task[None]") -> None:
    """Ends the process when an answer could not be written: part of it may be, and whoever waits must be told."""
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("graphql.heavy_answer_failed", exc_info=error)
        os._exit(1)


def _send(writer: asyncio.StreamWriter, header: dict[str, Any], body: bytes = b"") -> None:
    writer.writelines(frame(header, body))


async def _standard_streams() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=_PIPE_BYTES)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    # The frames' own descriptor: whatever prints goes to the log.
    descriptor = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.streams.FlowControlMixin(loop=loop), os.fdopen(descriptor, "wb")
    )
    return reader, asyncio.StreamWriter(transport, protocol, None, loop)


def main() -> None:
    # Ends also when the control plane was killed and could not close the pipe.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    # The supervisor ends the control plane, which ends this.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    resource.setrlimit(resource.RLIMIT_DATA, (_MAX_MEMORY_BYTES, _MAX_MEMORY_BYTES))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve())


if __name__ == "__main__":
    main()
