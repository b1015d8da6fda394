"""Answers the questions that services ask of a new address; no run is started for them."""

import base64
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

from automio._paths import ABSENT, at
from platform_api.core.errors import BadRequest, Unauthenticated
from platform_api.webhooks.forms import parse_form
from platform_api.webhooks.signatures.signed_text import Delivery, is_form
from platform_api.webhooks.signatures.verification import is_one_of
from platform_api.webhooks.signatures.verifications import JsonPath, Word

_MAX_CHARACTERS = 2000
# A stranger chooses the text that is signed for them: with braces or colons in it, it could be the body of a
# delivery.
_WORD = re.compile(r"[A-Za-z0-9_=.~+/-]{1,200}")
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_|~-]{1,100}")
_URL_VERIFICATION: Mapping[str, JsonValue] = {"type": "url_verification"}


class Proof(BaseModel):
    """Describes an HMAC of the question, made with the webhook's secret, that the answer holds under `name`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Word
    algorithm: Literal["sha1", "sha256", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = Field(default="", max_length=50)


class Challenge(BaseModel):
    """Describes a question that some services ask of a new address; it is answered without starting a run.

    `query`: a request (`methods`) whose query parameter `name` is given back, as text. `body`: a JSON body that holds
    the values of `when` is answered with JSON: the value at the path `name` under `answer_name`, or the constant
    `answer`; with an empty `when`, whatever holds the path is a question. `form`: a form of the field `name` alone,
    which need not be signed, is answered with its value, as text. `header`: a request with the header `name` is
    answered with it, in a header of the same name or of `answer_name`. `answer_as` chooses another form.
    With `proof` the answer holds an HMAC of the value beside it, or instead of it without `answer_name`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    place: Literal["query", "body", "form", "header"]
    name: JsonPath | None = None
    methods: Annotated[list[Literal["GET", "POST"]], Field(min_length=1)] = Field(
        default=["GET"], description="Of a question in the query or a header"
    )
    token_name: Word | None = Field(default=None, description="Query parameter that must hold a secret")
    when: Annotated[dict[JsonPath, str | int | bool], Field(max_length=10)] | None = Field(
        default=None, description='Values that a question in the body has; `{"type": "url_verification"}` when absent'
    )
    answer_name: Word | None = Field(default=None, description="Key of the value in a JSON answer")
    answer_as: Literal["text", "json", "header"] | None = Field(
        default=None, description="Text for a question in the query or a form, JSON in the body, else a header"
    )
    answer: dict[str, JsonValue] | None = Field(default=None, description="A constant answer")
    proof: Proof | None = None

    @field_validator("answer")
    @classmethod
    def _is_short(cls, value: dict[str, JsonValue] | None) -> dict[str, JsonValue] | None:
        if value is not None and len(str(value)) > _MAX_CHARACTERS:
            raise ValueError(f"answer: has more than {_MAX_CHARACTERS} characters")
        return value

    @model_validator(mode="after")
    def _check_consistency(self) -> "Challenge":
        if (self.name is None) == (self.answer is None):
            raise ValueError("give either the name of the value to return, or a constant answer")
        if self.place == "form" and (self.answer or self.answer_name or self.when or self.token_name or self.proof):
            raise ValueError("a challenge in a form takes only name: its value is returned as text")
        if self.answer is not None and (self.place == "query" or self.proof or self.answer_name):
            raise ValueError("a constant answer is only for a challenge in the body, without answer_name and proof")
        if self.answer is not None and (self.when == {} or self.answer_as not in (None, "json")):
            raise ValueError("a constant answer is JSON, and needs values in when")
        if self.place == "header":
            if self.when is not None or self.token_name is not None or self.proof is not None:
                raise ValueError("a challenge in a header takes only name: its value is returned")
            if not _HEADER.fullmatch(self.name or "") or not _HEADER.fullmatch(self.answer_name or "x"):
                raise ValueError("name and answer_name must be names of headers, such as X-Hook-Secret")
        elif self.answer_as == "header":
            raise ValueError("answer_as header is only for a challenge in a header")
        if self.answer_as == "json" and self.answer is None and self.answer_name is None and self.place != "body":
            raise ValueError("answer_as json needs answer_name: the key of the value")
        if self.answer_as == "text" and (self.answer_name is not None or self.proof is not None):
            raise ValueError("answer_as text takes neither answer_name nor proof")
        if self.place == "query" and self.when is not None:
            raise ValueError("when is only for a challenge in the body; one in the query is known by its parameter")
        if self.place == "body" and self.token_name is not None:
            raise ValueError(
                "token_name is only for a challenge in the query; one in the body is verified like any request"
            )
        return self

    @property
    def needs_secret(self) -> bool:
        return self.token_name is not None or self.proof is not None


@dataclass(frozen=True, slots=True)
class ChallengeAnswer:
    """Holds the answer to a service that tries the address: text, or an object as JSON."""

    content: str | dict[str, Any]
    header: str | None = None
    """Name of the header that the text is put into."""


def answer_query(
    challenge: Challenge, secrets: Sequence[str], method: str, query: Mapping[str, list[str]]
) -> ChallengeAnswer | None:
    """Returns the answer to a question in the query; None when the request asks none.

    A GET must contain the question: it is how these services try an address. A POST may be a delivery as well. Raises
    BadRequest, Unauthenticated.
    """
    if challenge.place != "query" or method not in challenge.methods or challenge.name is None:
        return None
    question = query.get(challenge.name, [""])[0]
    if not question:
        if method != "GET":
            return None
        raise BadRequest(f"the query parameter {challenge.name} is missing")
    if challenge.token_name is not None and not is_one_of(query.get(challenge.token_name, [""])[0], secrets):
        raise Unauthenticated("the webhook's secret is missing or wrong")
    return _answer(challenge, secrets, question)


def answer_header(challenge: Challenge, delivery: Delivery) -> ChallengeAnswer | None:
    """Returns the answer to a question in a header; None when there is none. Raises BadRequest."""
    if challenge.place != "header" or challenge.name is None or delivery.method not in challenge.methods:
        return None
    question = delivery.headers.get(challenge.name.lower(), "")
    if not question:
        return None
    if not _WORD.fullmatch(question):
        raise BadRequest(f"{challenge.name} is not a word of letters, digits and _=.~+/- (200 at most)")
    if challenge.answer_as in ("text", "json"):
        return _answer(challenge, (), question)
    return ChallengeAnswer(question, challenge.answer_name or challenge.name)


def answer_form(challenge: Challenge, delivery: Delivery) -> ChallengeAnswer | None:
    """Returns the answer to a form that only tries the address; None for every other request."""
    if challenge.place != "form" or not is_form(delivery) or len(delivery.body) > _MAX_CHARACTERS:
        return None
    fields = parse_form(delivery.body.decode(errors="replace"))
    if fields.keys() != {challenge.name} or len(fields[challenge.name or ""]) != 1:
        return None
    return ChallengeAnswer(fields[challenge.name or ""][0])


def answer_body(challenge: Challenge, secrets: Sequence[str], content: Any) -> ChallengeAnswer | None:
    """Returns the answer to a question in a JSON body, which has been verified; None when it asks none."""
    if challenge.place != "body" or content is None:
        return None
    for path, value in (_URL_VERIFICATION if challenge.when is None else challenge.when).items():
        actual = at(content, path)
        # True is 1 in Python, and not in JSON.
        if actual != value or isinstance(actual, bool) != isinstance(value, bool):
            return None
    if challenge.answer is not None:
        return ChallengeAnswer(challenge.answer)
    question = at(content, challenge.name or "")
    if challenge.when == {} and not isinstance(question, str):
        return None
    return _answer(challenge, secrets, "" if question is ABSENT else str(question))


def _answer(challenge: Challenge, secrets: Sequence[str], question: str) -> ChallengeAnswer:
    question = question[:_MAX_CHARACTERS]
    if challenge.proof is not None and not _WORD.fullmatch(question):
        raise BadRequest(f"{challenge.name} is not a word of letters, digits and _=.~+/- (200 at most)")
    name = challenge.answer_name
    if name is None and challenge.place == "body" and challenge.proof is None and challenge.answer_as != "text":
        name = "challenge"
    answer = {} if name is None else {name: question}
    if challenge.proof is not None and secrets:
        answer[challenge.proof.name] = _prove(challenge.proof, secrets[0], question)
    return ChallengeAnswer(answer or question)


def _prove(proof: Proof, secret: str, question: str) -> str:
    digest = hmac.digest(secret.encode(), question.encode(errors="replace"), proof.algorithm)
    return proof.prefix + (digest.hex() if proof.encoding == "hex" else base64.b64encode(digest).decode())
