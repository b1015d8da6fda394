"""Makes a call with a key once: what is done is stored before the call is sent, and its answer before it is given.

Whoever repeats the request waits for the first one's answer. Where the process of the first one died in between, the
answer is that nobody knows, since a second call could do the same again; calls that only read are made again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.database import Database
from platform_api.core.errors import Conflict, PlatformError
from platform_api.idempotency.lifespan import HeldKeys
from platform_api.idempotency.models import IdempotencyKey
from platform_api.idempotency.service import (
    Claimed,
    Guarded,
    abandon,
    check_key,
    claim,
    digest_of,
    has_lease,
    record,
    renounce,
    take_over,
)
from platform_api.integrations.calls.gateway import Gateway, OpenConnection
from platform_api.integrations.invocations import stored_answers
from platform_api.integrations.invocations.stored_answers import Facts, Outcome
from platform_api.integrations.outgoing.caller import UpstreamAnswer
from platform_api.integrations.requests.multipart import Attachments
from platform_api.integrations.schemas import CallWrite

log = structlog.stdlib.get_logger()

_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_MAX_WAIT_SECONDS = 90.0
_RETRY_AFTER_SECONDS = 15
_MIN_PAUSE_SECONDS, _MAX_PAUSE_SECONDS = 0.02, 1.0
# With the other parts that close, less than the control plane is given to stop (`platform_api/supervisor`).
_CLOSING_SECONDS, _CANCELLING_SECONDS = 6.0, 2.0
_RECORD_ATTEMPTS, _RECORD_PAUSE_SECONDS = 5, 1.0


class CallWithoutAnswer(Conflict):
    """Reports a call that was sent, or may have been, whose answer cannot be given; knows what became of it."""

    def __init__(
        self, message: str, *, invocation_id: UUID, facts: Facts, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message, headers=headers, extra={"invocation_id": str(invocation_id)})
        self._invocation_id = invocation_id
        self._facts = facts

    def facts(self) -> dict[str, Any]:
        """Returns what the reply says of the call, as of one with an answer."""
        return describe_facts(self._invocation_id, self._facts)


class CallUnderWay(CallWithoutAnswer):
    """Reports that the first request with the key has not been answered yet."""

    code = "call_under_way"


class AnswerNotKept(CallWithoutAnswer):
    """Reports that a call was made before, and that its answer was too large to keep."""

    code = "answer_not_kept"


def describe_facts(invocation_id: UUID | None, facts: Facts) -> dict[str, Any]:
    """Returns what a reply says of a call beside its answer."""
    return {
        "invocation_id": None if invocation_id is None else str(invocation_id),
        "outcome": str(facts.outcome),
        "business_ok": facts.business_ok,
        "may_have_executed": facts.may_have_executed,
    }


@dataclass(frozen=True, slots=True)
class Invocation:
    """Holds the answer to a call, and the id under which it can be looked up; None for one without a key."""

    answer: UpstreamAnswer
    id: UUID | None = None

    def facts(self) -> dict[str, Any]:
        """Returns what the reply says of the call beside its answer."""
        return describe_facts(self.id, Facts.of(self.answer))


def subject_of(integration_id: str) -> str:
    """Returns the subject of the keys of an integration's calls."""
    return f"call:{integration_id}"


class Invocations:
    """Makes calls, those with a key once."""

    def __init__(self, database: Database, gateway: Gateway, held: HeldKeys) -> None:
        self._database = database
        self._gateway = gateway
        self._held = held
        self._tasks: set[asyncio.Task[Invocation]] = set()

    async def send(
        self,
        opened: OpenConnection,
        call: CallWrite,
        attachments: Attachments | None = None,
        *,
        key: str | None,
        item: int | None = None,
    ) -> Invocation:
        """Returns the answer to a call, or that of an earlier one with the same key; `item` is its place in a list.

        Raises IdempotencyKeyReused, CallUnderWay, AnswerNotKept, and as Gateway.send does.
        """
        if key is None:
            return Invocation(await self._gateway.send(opened, call, attachments))
        guarded = Guarded(
            app_id=opened.actor.app_id,
            subject=subject_of(opened.definition.id),
            key=check_key(key) if item is None else f"{check_key(key)} {item}",
            digest=_digest(opened, call, attachments),
        )
        is_safe = call.method in _SAFE_METHODS
        claimed = await self._claim(opened, guarded, is_safe=is_safe)
        if isinstance(claimed, Claimed):
            # A reader that goes away does not end a call that is recorded as begun.
            task = asyncio.create_task(self._carry_out(claimed, opened, call, attachments))
            self._tasks.add(task)
            task.add_done_callback(self._forget)
            return await asyncio.shield(task)
        stored = stored_answers.read(claimed)
        if stored.answer is not None:
            return Invocation(stored.answer, claimed.id)
        if is_safe:
            return Invocation(await self._gateway.send(opened, call, attachments), claimed.id)
        raise AnswerNotKept(
            f"the call was made before ({stored.facts.outcome}) and is not made again; its answer was larger than"
            f" {stored_answers.MAX_KEPT_BYTES} bytes and was not kept",
            invocation_id=claimed.id,
            facts=stored.facts,
        )

    async def close(self) -> None:
        """Waits a while for the calls whose readers have left; cancels what is then still under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CLOSING_SECONDS)
        # Cancelling stores that nobody knows; without a database, that has to be given up.
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_CANCELLING_SECONDS)

    async def _claim(self, opened: OpenConnection, guarded: Guarded, *, is_safe: bool) -> Claimed | IdempotencyKey:
        """Claims the key; of a call made before, waits for the outcome. Raises IdempotencyKeyReused, CallUnderWay."""
        ends = time.monotonic() + _MAX_WAIT_SECONDS
        pause = _MIN_PAUSE_SECONDS
        while True:
            async with self._database.transaction() as session:
                claimed = await claim(session, opened.actor, guarded, is_leased=True)
                if isinstance(claimed, Claimed) or claimed.outcome is not None:
                    return claimed
                if not await has_lease(session, claimed):
                    if not is_safe:
                        return claimed
                    if (taken := await take_over(session, claimed)) is not None:
                        return taken
            if time.monotonic() + pause > ends:
                raise CallUnderWay(
                    f"the call with the key {guarded.key!r} has not ended yet; send the same request again after"
                    f" {_RETRY_AFTER_SECONDS} seconds",
                    headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
                    invocation_id=claimed.id,
                    facts=Facts(Outcome.UNKNOWN, may_have_executed=True),
                )
            await asyncio.sleep(pause)
            pause = min(2 * pause, _MAX_PAUSE_SECONDS)

    async def _carry_out(
        self, claimed: Claimed, opened: OpenConnection, call: CallWrite, attachments: Attachments | None
    ) -> Invocation:
        with self._held.holding(claimed.id):
            try:
                answer = await self._gateway.send(opened, call, attachments)
            except PlatformError:
                # Refused before anything was sent.
                await self._store(lambda session: renounce(session, claimed))
                raise
            except BaseException:
                await asyncio.shield(self._store(lambda session: abandon(session, claimed)))
                raise
            if answer.failure is not None and not answer.may_have_executed:
                await self._store(lambda session: renounce(session, claimed))
                return Invocation(answer)
            outcome = stored_answers.write(answer)
            await self._store(lambda session: record(session, claimed, outcome))
        return Invocation(answer, claimed.id)

    async def _store(self, change: Callable[[AsyncSession], Awaitable[None]]) -> None:
        """Stores what became of a call; without a database for a while, the key will say that nobody knows."""
        for attempt in range(1, _RECORD_ATTEMPTS + 1):
            try:
                async with self._database.transaction() as session:
                    await change(session)
                return
            except Exception as error:  # the call was made: its answer must reach the caller all the same
                log.warning("integrations.outcome_not_stored", attempt=attempt, exc_info=error)
                if attempt < _RECORD_ATTEMPTS:
                    await asyncio.sleep(_RECORD_PAUSE_SECONDS)

    def _forget(self, task: asyncio.Task[Invocation]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Whoever waits for it has it; without a reader, nobody asks.
            task.exception()


def _digest(opened: OpenConnection, call: CallWrite, attachments: Attachments | None) -> bytes:
    parts: list[Any] = [opened.id, call.model_dump(exclude_defaults=True)]
    if attachments is not None:
        parts.append(list(attachments.fields))
        for upload in attachments.uploads:
            parts += [[upload.name, upload.filename, upload.content_type], upload.content]
    return digest_of(*parts)
