"""Lines from bytes, batches from lines."""

import asyncio
import os

import pytest
from pydantic import SecretStr

from sandbox_runner.control_plane import ControlPlane
from sandbox_runner.protocol import LogLine
from sandbox_runner.reports.log_sender import LogSender
from sandbox_runner.reports.output import LineSplitter, RunOutput
from sandbox_runner.testing import RUNNER_TOKEN, TwinControlPlane


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        ([b"a\nb\n"], ["a", "b"]),
        ([b"a", b"b\nc"], ["ab", "c"]),
        ([b"\n\n"], ["", ""]),
        ([b"a\r\nb"], ["a", "b"]),
        (["Łódź\n".encode()[:1], "Łódź\n".encode()[1:]], ["Łódź"]),
        ([b"\xff\xfe\n"], ["\ufffd\ufffd"]),
        ([b"nul\0\n"], ["nul\ufffd"]),
        ([b"x" * 20_000, b"\n"], ["x" * 16_384, "x" * 3_616]),
        ([b"x" * 20_000 + b"\nend"], ["x" * 16_384, "x" * 3_616, "end"]),
        ([], []),
    ],
)
def test_bytes_become_lines(parts: list[bytes], lines: list[str]) -> None:
    splitter = LineSplitter()
    found = [line for part in parts for line in splitter.feed(part)]
    assert found + splitter.finish() == lines


class SlowSink:
    """Takes a few lines, then says it is full until told otherwise."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.resume: object = None

    def put(self, line: LogLine) -> None:
        self.lines.append(line)

    @property
    def is_full(self) -> bool:
        return len(self.lines) >= 3 and self.resume is not False

    def on_room(self, resume: object) -> None:
        self.resume = resume


def test_reading_stops_while_the_log_is_full() -> None:
    async def test() -> None:
        sink = SlowSink()
        output = RunOutput(sink, limit_bytes=1 << 20)  # type: ignore[arg-type]
        pipes = [os.pipe() for _ in range(3)]
        output.attach(framed=pipes[0][0], stdout=pipes[1][0], stderr=pipes[2][0])
        for number in range(6):
            os.write(pipes[1][1], f"{number}\n".encode())
            await asyncio.sleep(0.01)
        assert [line.text for line in sink.lines] == ["0", "1", "2"]
        resume, sink.resume = sink.resume, False
        resume()  # type: ignore[operator]
        await asyncio.sleep(0.01)
        assert [line.text for line in sink.lines] == ["0", "1", "2", "3", "4", "5"]
        output.finish()
        for pair in pipes:
            for descriptor in pair:
                os.close(descriptor)

    asyncio.run(test())


def test_lines_are_sent_in_order_across_an_outage_and_bounded_in_memory() -> None:
    async def test() -> None:
        async with (
            TwinControlPlane() as twin,
            ControlPlane(twin.base_url, SecretStr(RUNNER_TOKEN), runner_id="test") as control_plane,
        ):
            run = twin.submit("x = 1")
            (claim,) = await control_plane.claim(slots=1, isolation="none", wait_seconds=0)
            sender = LogSender(control_plane, run_id=claim.run_id, fence=claim.fence)
            twin.is_away = True
            for number in range(1, 6001):
                sender.put(LogLine(number, "stdout", str(number), "2030-01-01T00:00:00+00:00"))
            assert sender.is_full
            room = asyncio.Event()
            sender.on_room(room.set)
            await asyncio.sleep(0.3)
            assert not room.is_set() and run.lines == {}
            twin.is_away = False
            async with asyncio.timeout(240):
                await room.wait()
                await sender.close()
            assert run.text.split("\n") == [str(number) for number in range(1, 6001)]

    asyncio.run(test())
