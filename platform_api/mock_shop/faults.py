"""Makes the next answers of a path fail, be late or break off, on request."""

import asyncio
from dataclasses import dataclass
from typing import Any, Literal

FaultKind = Literal["status", "delay", "reset", "html", "never", "hold", "endless", "redirect"]


@dataclass(slots=True)
class Fault:
    """Describes what happens to the next `times` requests whose path starts with `path`.

    `status` answers `status` (with `retry_after` seconds in the header when given), `delay` waits `seconds` first,
    `reset` breaks the connection in the middle of the body, `html` answers a page where JSON was promised, `never`
    does not answer, `hold` answers once `is_released` is set, `endless` sends a body without end, `redirect` leads to
    `location`.
    """

    kind: FaultKind
    path: str = "/"
    times: int = 1
    status: int = 503
    seconds: float = 1.0
    retry_after: float | None = None
    location: str = "/"
    is_released: bool = False

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Fault":
        unknown = set(value) - set(cls.__slots__)
        if unknown or value.get("kind") not in FaultKind.__args__:  # type: ignore[attr-defined]  # a Literal has it
            kinds = "|".join(FaultKind.__args__)  # type: ignore[attr-defined]  # a Literal has it
            raise ValueError(
                f"a fault is {{kind: {kinds}, path?, times?, status?, seconds?, retry_after?, location?}}"
            )
        return cls(**value)


class FaultPlan:
    """Holds the faults that are still to happen, in the order in which they were requested."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    @property
    def pending(self) -> int:
        """Returns how many requests are still to get a fault."""
        return sum(fault.times for fault in self._faults)

    def take(self, path: str) -> Fault | None:
        for fault in self._faults:
            if path.startswith(fault.path):
                fault.times -= 1
                if fault.times <= 0:
                    self._faults.remove(fault)
                return fault
        return None


class FaultMiddleware:
    """Looks into the plan before the shop answers (pure ASGI)."""

    def __init__(self, app: Any, *, plan: FaultPlan) -> None:
        self._app = app
        self._plan = plan

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        fault = self._plan.take(scope["path"]) if scope["type"] == "http" else None
        if fault is None:
            await self._app(scope, receive, send)
            return
        await _FAULTS[fault.kind](fault, self._app, scope, receive, send)


async def _redirect(fault: Fault, app: Any, scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 302, "headers": [(b"location", fault.location.encode())]})
    await send({"type": "http.response.body", "body": b""})


async def _status(fault: Fault, app: Any, scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"content-type", b"application/json")]
    if fault.retry_after is not None:
        headers.append((b"retry-after", f"{fault.retry_after:g}".encode()))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"error":"fault on request"}'})


async def _delay(fault: Fault, app: Any, scope: Any, receive: Any, send: Any) -> None:
    await asyncio.sleep(fault.seconds)
    await app(scope, receive, send)


async def _reset(fault: Fault, app: Any, scope: Any, receive: Any, send: Any) -> None:
    # A promised length that is not kept: the server closes the connection in the middle of the body.
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"offers": [', "more_body": True})
    raise ConnectionResetError("reset on request")


async def _html(fault: Fault, app: Any, scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/html")]})
    await send({"type": "http.response.body", "body": b"<html><body>We are down for maintenance.</body></html>"})


async def _never(fault: Fault, app: Any, scope: Any, receive: Any, send: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _hold(fault: Fault, app: Any, scope: Any, receive: Any, send: Any) -> None:
    while not fault.is_released:  # noqa: ASYNC110 - it may be set in another thread
        await asyncio.sleep(0.01)
    await app(scope, receive, send)


async def _endless(fault: Fault, app: Any, scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    disconnected = asyncio.ensure_future(_never(fault, app, scope, receive, send))
    while not disconnected.done():
        await send({"type": "http.response.body", "body": b" " * 65_536, "more_body": True})
        await asyncio.sleep(0)


_FAULTS = {
    "status": _status,
    "delay": _delay,
    "reset": _reset,
    "html": _html,
    "never": _never,
    "hold": _hold,
    "endless": _endless,
    "redirect": _redirect,
}
