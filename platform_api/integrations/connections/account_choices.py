"""What a connected account can be used with (tenants, sites, hosts): asked of its service, and one of it chosen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any
from urllib.parse import quote

from yarl import URL

from platform_api.core.errors import PlatformError
from platform_api.integrations.connections.refused_credentials import are_refused
from platform_api.integrations.definitions.after_connect import AfterConnect
from platform_api.integrations.definitions.definition import (
    IntegrationDefinition,
    OAuth2Auth,
    fill_base_url,
    fill_headers,
    fill_url,
    is_key_in_path,
)
from platform_api.integrations.oauth.oauth2 import pick
from platform_api.integrations.outgoing.caller import UpstreamAnswer, UpstreamRequest
from platform_api.integrations.outgoing.redaction import shown
from platform_api.integrations.requests.credentials import Proof, prove, secrets_of
from platform_api.integrations.requests.signing import signature

ASKING_SECONDS = 20.0
MAX_CHOICES = 200
_MAX_NAME = 150
_MAX_VALUE = 500


class ChoicesUnavailable(PlatformError):
    """The service did not say what the account can be used with, so the connection cannot be called through."""

    status_code = 502

    def __init__(self, message: str, *, is_refusal: bool = False, refuses_credentials: bool = False) -> None:
        super().__init__(message)
        self.is_refusal = is_refusal
        """Whether asking once more would not help: the service answered."""
        self.refuses_credentials = refuses_credentials


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the things that an account can be used with, and the inputs of a connection that uses it."""

    name: str
    values: Mapping[str, str]
    is_preferred: bool = False

    def is_in(self, placeholders: Mapping[str, str]) -> bool:
        """Whether a connection with these placeholders uses it."""
        return all(placeholders.get(name) == value for name, value in self.values.items())


def build_question(
    definition: IntegrationDefinition, placeholders: Mapping[str, str], credentials: Mapping[str, Any]
) -> UpstreamRequest:
    """Returns the request that asks for the choices. Raises ChoicesUnavailable when it cannot be made."""
    asked = _declared(definition)
    try:
        if asked.url.startswith("/"):
            url = URL(fill_base_url(definition, placeholders, credentials) + asked.url)
        else:
            url = URL(fill_url(asked.url, placeholders))
        # What the answer is to fill is not known yet.
        unknown = {
            header.lower()
            for header, value in definition.headers.items()
            if any(f"{{{name}}}" in value for name in asked.values)
        }
        headers = fill_headers(definition, placeholders, credentials, without=unknown)
    except ValueError as error:
        raise ChoicesUnavailable(str(error), is_refusal=True) from error
    proof = _proof(definition, credentials, asked.header_prefix)
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
    """Returns what the answer lists, at least one. Raises ChoicesUnavailable, saying what was wrong with it."""
    asked = _declared(definition)
    what = f"{definition.name} was asked for {', '.join(asked.values)} and"
    if answer.failure is not None:
        raise ChoicesUnavailable(f"{what} did not answer: {answer.failure}")
    refuses_credentials = are_refused(definition, answer)
    if not 200 <= answer.status < 300 or refuses_credentials:
        said = shown(answer.text, secrets_of(definition, credentials))
        raise ChoicesUnavailable(
            f"{what} answered {answer.status}{f' ({said})' if said else ''}",
            is_refusal=answer.status < 500 and answer.status != 429,
            refuses_credentials=refuses_credentials,
        )
    found = answer.data if asked.items in (None, "") else pick(answer.data, asked.items)
    if asked.items is not None and not isinstance(found, list):
        raise ChoicesUnavailable(f"{what} its answer has no list at {asked.items!r}", is_refusal=True)
    items: Sequence[Any] = found if asked.items is not None else [found]
    if not items:
        raise ChoicesUnavailable(f"{what} listed none: the account has access to none there", is_refusal=True)
    choices, fault = _usable(definition, placeholders, credentials, items)
    if not choices:
        raise ChoicesUnavailable(f"{what} {fault}", is_refusal=True)
    return choices


def choose(
    choices: Sequence[Choice], *, requested: Mapping[str, str], former: Mapping[str, str], account: str | None = None
) -> Choice:
    """Returns the choice with the values `requested`, else what the connection used before, else the first.

    Raises ChoicesUnavailable, listing the choices there are, for requested values that none of them has.
    """
    if requested:
        found = [one for one in choices if all(one.values.get(name) == value for name, value in requested.items())]
        if not found:
            asked = ", ".join(f"{name} {value[:100]!r}" for name, value in requested.items())
            raise ChoicesUnavailable(f"the account has no {asked}; it has {_listed(choices)}", is_refusal=True)
        return found[0]
    by_rank = (
        [one for one in choices if former and one.is_in(former)],
        [one for one in choices if account is not None and one.name == account],
        [one for one in choices if one.is_preferred],
    )
    return next((found[0] for found in by_rank if found), choices[0])


def account_name(definition: IntegrationDefinition, choice: Choice | None, person: str | None) -> str | None:
    """Returns what a connection is called by: the choice, where that has a name, and whose account it is."""
    if choice is None or definition.after_connect is None or definition.after_connect.name is None:
        return person
    return choice.name if person is None else f"{choice.name[: _MAX_NAME - len(person) - 3]} ({person})"[:_MAX_NAME]


def _declared(definition: IntegrationDefinition) -> AfterConnect:
    assert definition.after_connect is not None
    return definition.after_connect


def _proof(definition: IntegrationDefinition, credentials: Mapping[str, Any], header_prefix: str | None) -> Proof:
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
    """The choices that calls could be made with, each once, and what is wrong with the last other one."""
    choices: dict[tuple[str, ...], Choice] = {}
    fault = ""
    for item in items:
        try:
            choice = _read_choice(_declared(definition), item)
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
        if (text := _text(pick(item, path))) is None:
            raise ValueError(f"its answer has no {path!r}")
        if len(text) > _MAX_VALUE:
            raise ValueError(f"its answer has more than {_MAX_VALUE} characters at {path!r}")
        values[name] = text
    called = None if asked.name is None else _text(pick(item, asked.name))
    name = called[:_MAX_NAME] if called and called.isprintable() else next(iter(values.values()))[:_MAX_NAME]
    return Choice(name, values, asked.preferred is not None and pick(item, asked.preferred) is True)


def _text(value: Any) -> str | None:
    return (str(value).strip() or None) if isinstance(value, str | int) and not isinstance(value, bool) else None


def _listed(choices: Sequence[Choice]) -> str:
    def lines() -> Iterator[str]:
        for choice in islice(choices, 20):
            yield f"{choice.name} ({', '.join(f'{name} {value}' for name, value in choice.values.items())})"

    return ", ".join(lines())
