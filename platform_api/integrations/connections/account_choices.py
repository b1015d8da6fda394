"""Asks a service what a connected account can be used with (tenants, sites, hosts), and chooses one of them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from urllib.parse import quote

from yarl import URL

from platform_api.core.errors import PlatformError
from platform_api.integrations.answers import rejects_credentials
from platform_api.integrations.definitions.addresses import check_web_address
from platform_api.integrations.definitions.after_connect import AfterConnect, Choice
from platform_api.integrations.definitions.definition import (
    IntegrationDefinition,
    OAuth2Auth,
    fill_base_url,
    fill_headers,
    fill_url,
    is_key_in_path,
)
from platform_api.integrations.outgoing import json_text
from platform_api.integrations.outgoing.caller import UpstreamAnswer, UpstreamRequest
from platform_api.integrations.outgoing.redaction import shown
from platform_api.integrations.requests.credentials import Proof, prove, secrets_of
from platform_api.integrations.requests.signing import signature

QUESTION_SECONDS = 20.0
MAX_CHOICES = 200
_MAX_NAME = 150
_MAX_VALUE = 500


class ChoicesUnavailable(PlatformError):
    """Signals that the service did not say what the account can be used with, so the connection is unusable."""

    status_code = 502
    code = "choices_unavailable"

    def __init__(self, message: str, *, is_refusal: bool = False, rejects_credentials: bool = False) -> None:
        super().__init__(message)
        self.is_refusal = is_refusal
        """Whether the service answered, so that asking again would not help."""
        self.rejects_credentials = rejects_credentials


def build_question(
    definition: IntegrationDefinition, placeholders: Mapping[str, str], credentials: Mapping[str, Any]
) -> UpstreamRequest:
    """Returns the request that asks for the choices. Raises ChoicesUnavailable when it cannot be built."""
    asked = _after_connect(definition)
    try:
        if asked.url.startswith("/"):
            url = URL(fill_base_url(definition, placeholders, credentials) + asked.url)
        else:
            url = URL(check_web_address(fill_url(asked.url, placeholders)))
        # Headers with values that the answer will give are left out.
        unknown = {
            header.lower()
            for header, value in definition.headers.items()
            if any(f"{{{name}}}" in value for name in asked.values)
        }
        headers = fill_headers(definition, placeholders, credentials, without=unknown)
    except ValueError as error:
        raise ChoicesUnavailable(str(error), is_refusal=True) from error
    proof = _question_credentials(definition, credentials, asked.header_prefix)
    return UpstreamRequest(
        "GET",
        url.extend_query(proof.query) if proof.query else url,
        {"Accept": "application/json", **headers, **proof.headers},
        sign=signature(definition, credentials),
        key_in_path=quote(credentials["api_key"], safe=":") if is_key_in_path(definition) else None,
    )


def read_choices(
    definition: IntegrationDefinition,
    placeholders: Mapping[str, str],
    credentials: Mapping[str, Any],
    answer: UpstreamAnswer,
) -> list[Choice]:
    """Returns the choices in the answer, at least one. Raises ChoicesUnavailable, saying what was wrong."""
    asked = _after_connect(definition)
    subject = f"{definition.name} was asked for {', '.join(asked.values)} and"
    if answer.failure is not None:
        raise ChoicesUnavailable(f"{subject} did not answer: {answer.failure}")
    is_rejected = rejects_credentials(definition, answer)
    if not 200 <= answer.status < 300 or is_rejected:
        text = shown(answer.text, secrets_of(definition, credentials))
        raise ChoicesUnavailable(
            f"{subject} answered {answer.status}{f' ({text})' if text else ''}",
            is_refusal=answer.status < 500 and answer.status != 429,
            rejects_credentials=is_rejected,
        )
    listed = answer.data if asked.items in (None, "") else json_text.value_at(answer.data, asked.items)
    if asked.items is not None and not isinstance(listed, list):
        raise ChoicesUnavailable(f"{subject} its answer has no list at {asked.items!r}", is_refusal=True)
    items: Sequence[Any] = listed if asked.items is not None else [listed]
    if not items:
        raise ChoicesUnavailable(f"{subject} listed none: the account has access to none there", is_refusal=True)
    choices, fault = _usable(definition, placeholders, credentials, items)
    if not choices:
        raise ChoicesUnavailable(f"{subject} {fault}", is_refusal=True)
    return choices


def choose(
    choices: Sequence[Choice], *, requested: Mapping[str, str], former: Mapping[str, str], account: str | None = None
) -> Choice:
    """Returns the choice with the values `requested`, else the one that the connection used before, else the first.

    Raises ChoicesUnavailable, listing all choices, when none has the requested values.
    """
    if requested:
        chosen = next((choice for choice in choices if requested.items() <= choice.values.items()), None)
        if chosen is None:
            missing = ", ".join(f"{name} {value[:100]!r}" for name, value in requested.items())
            raise ChoicesUnavailable(f"the account has no {missing}; it has {_list(choices)}", is_refusal=True)
        return chosen
    by_rank = (
        [choice for choice in choices if former and choice.is_in(former)],
        [choice for choice in choices if account is not None and choice.name == account],
        [choice for choice in choices if choice.is_preferred],
    )
    return next((ranked[0] for ranked in by_rank if ranked), choices[0])


def account_name(definition: IntegrationDefinition, choice: Choice | None, person: str | None) -> str | None:
    """Returns the name of a connection: that of the choice, where it has one, and the person whose account it is."""
    if choice is None or definition.after_connect is None or definition.after_connect.name is None:
        return person
    return choice.name if person is None else f"{choice.name[: _MAX_NAME - len(person) - 3]} ({person})"[:_MAX_NAME]


def _after_connect(definition: IntegrationDefinition) -> AfterConnect:
    assert definition.after_connect is not None
    return definition.after_connect


def _question_credentials(
    definition: IntegrationDefinition, credentials: Mapping[str, Any], header_prefix: str | None
) -> Proof:
    auth = definition.auth
    if header_prefix is not None and isinstance(auth, OAuth2Auth):
        return Proof(headers={"Authorization": header_prefix + credentials["access_token"]})
    return prove(definition, credentials)


def _usable(
    definition: IntegrationDefinition,
    placeholders: Mapping[str, str],
    credentials: Mapping[str, Any],
    items: Sequence[Any],
) -> tuple[list[Choice], str]:
    """Returns the distinct choices that calls can be made with, and what is wrong with the last unusable one."""
    choices: dict[tuple[str, ...], Choice] = {}
    fault = ""
    for item in items:
        try:
            choice = _read_choice(_after_connect(definition), item)
            filled = {**placeholders, **choice.values}
            fill_base_url(definition, filled, credentials)
            fill_headers(definition, filled, credentials)
        except ValueError as error:
            fault = str(error)
            continue
        choices.setdefault(tuple(choice.values.values()), choice)
        if len(choices) == MAX_CHOICES:
            break
    return list(choices.values()), fault


def _read_choice(asked: AfterConnect, item: Any) -> Choice:
    values = {}
    for name, path in asked.values.items():
        if (text := _text(json_text.value_at(item, path))) is None:
            raise ValueError(f"its answer has no {path!r}")
        if len(text) > _MAX_VALUE:
            raise ValueError(f"its answer has more than {_MAX_VALUE} characters at {path!r}")
        values[name] = text
    label = None if asked.name is None else _text(json_text.value_at(item, asked.name))
    name = label[:_MAX_NAME] if label and label.isprintable() else next(iter(values.values()))[:_MAX_NAME]
    return Choice(name, values, asked.preferred is not None and json_text.value_at(item, asked.preferred) is True)


def _text(value: Any) -> str | None:
    return (str(value).strip() or None) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _list(choices: Sequence[Choice]) -> str:
    def lines() -> Iterator[str]:
        for choice in islice(choices, 20):
            yield f"{choice.name} ({', '.join(f'{name} {value}' for name, value in choice.values.items())})"

    return ", ".join(lines())
