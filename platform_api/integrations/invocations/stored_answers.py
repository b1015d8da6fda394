"""Writes answers as text to keep beside their keys, and reads them again."""

import base64
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from platform_api.idempotency.models import IdempotencyKey
from platform_api.integrations.outgoing import json_text
from platform_api.integrations.outgoing.caller import GATEWAY_TIMEOUT, UpstreamAnswer

MAX_KEPT_BYTES = 1024 * 1024
"""The largest answer that is kept, as JSON text."""
_FIELDS = ("status", "text", "url", "elapsed_ms", "failure", "is_final", "may_have_executed")
_SERVER_ERRORS = 500


class Outcome(StrEnum):
    """Lists what can become of a call."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It was sent, or may have been, and no answer arrived."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Tells what became of a call, as far as it is known."""

    outcome: Outcome
    may_have_executed: bool

    @property
    def business_ok(self) -> bool | None:
        """Returns whether the service did what was requested; None when nobody knows."""
        return None if self.outcome is Outcome.UNKNOWN else self.outcome is Outcome.SUCCEEDED

    @classmethod
    def of(cls, answer: UpstreamAnswer) -> "Facts":
        """Returns the facts of an answer. An upstream that reports an error of its own may have done its work."""
        if answer.ok:
            return cls(Outcome.SUCCEEDED, may_have_executed=True)
        if answer.failure is None:
            may_have = answer.may_have_executed or answer.status >= _SERVER_ERRORS
            return cls(Outcome.FAILED, may_have_executed=may_have)
        unknown = answer.may_have_executed
        return cls(Outcome.UNKNOWN if unknown else Outcome.FAILED, may_have_executed=unknown)


@dataclass(frozen=True, slots=True)
class Stored:
    """Holds what is kept of a call: its answer, unless that is too large."""

    facts: Facts
    answer: UpstreamAnswer | None


def write(answer: UpstreamAnswer) -> str:
    """Returns the text to keep of an answer; without the answer itself when that is larger than MAX_KEPT_BYTES."""
    facts = Facts.of(answer)
    kept: dict[str, Any] = {"outcome": facts.outcome, "may_have_executed": facts.may_have_executed}
    if len(answer.text) + len(answer.content or b"") <= MAX_KEPT_BYTES:
        kept["answer"] = {name: getattr(answer, name) for name in _FIELDS} | {"headers": dict(answer.headers)}
        if answer.content is not None:
            kept["answer"]["content"] = base64.b64encode(answer.content).decode()
    # In ASCII: PostgreSQL stores no NUL, and a lone surrogate cannot be encoded.
    text = json.dumps(kept)
    if len(text) > MAX_KEPT_BYTES:
        text = json.dumps({name: value for name, value in kept.items() if name != "answer"})
    return text


def read(known: IdempotencyKey) -> Stored:
    """Returns what is kept of a call; for one without an outcome, that nobody knows it."""
    if known.outcome is None:
        return Stored(Facts(Outcome.UNKNOWN, may_have_executed=True), _unknown(known.id))
    kept = json.loads(known.outcome)
    facts = Facts(Outcome(kept["outcome"]), may_have_executed=kept["may_have_executed"])
    fields = kept.get("answer")
    if fields is None:
        return Stored(facts, None)
    content = fields.pop("content", None)
    data, is_inexact = json_text.parse_carefully(fields["text"]) if fields["failure"] is None else (None, False)
    answer = UpstreamAnswer(
        **fields,
        data=data,
        is_inexact=is_inexact,
        content=None if content is None else base64.b64decode(content),
    )
    return Stored(facts, answer)


def _unknown(invocation_id: UUID) -> UpstreamAnswer:
    reason = (
        "the process that made this call ended before the answer came: the call may have been carried out, and is not"
        f" made again; ask the service what it did (invocation {invocation_id})"
    )
    return UpstreamAnswer(
        status=GATEWAY_TIMEOUT,
        headers={},
        text=reason,
        data=None,
        url="",
        elapsed_ms=0,
        failure=reason,
        is_final=True,
        may_have_executed=True,
    )
