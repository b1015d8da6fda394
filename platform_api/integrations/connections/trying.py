"""New credentials are tried before they are stored: what the service refuses is no connection."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from platform_api.accounts.actor import Actor
from platform_api.core.errors import Unprocessable
from platform_api.integrations.calls.gateway import Gateway
from platform_api.integrations.connections.account_choices import Choice, ChoicesUnavailable, choose
from platform_api.integrations.connections.refused_credentials import are_refused
from platform_api.integrations.definitions.definition import IntegrationDefinition, OAuth2Auth
from platform_api.integrations.definitions.inputs import completed
from platform_api.integrations.oauth.oauth2 import GrantOver, TokenEndpointAway, TokenUnavailable
from platform_api.integrations.outgoing.caller import UpstreamAnswer
from platform_api.integrations.outgoing.redaction import shown
from platform_api.integrations.requests.credentials import secrets_of
from platform_api.integrations.schemas import CallWrite, ConnectionTest, ConnectionWrite


@dataclass(frozen=True, slots=True)
class Tried:
    """Credentials that the service does not refuse."""

    credentials: Mapping[str, Any] = field(repr=False)
    """What a connection keeps: those that were given, or the tokens that the OAuth client gets."""
    test: ConnectionTest | None
    """How the service answered; None when there was nothing to ask."""
    placeholders: Mapping[str, str]
    """Those that were given, the usual ones, and what the service told."""
    choices: Sequence[Choice] = ()
    """What the account can be used with; one of them is among the placeholders."""
    fault: str = ""
    """Why it could not be asked for."""


async def try_credentials(
    gateway: Gateway, definition: IntegrationDefinition, body: ConnectionWrite, actor: Actor
) -> Tried:
    """The credentials, tried at the service, at the token endpoint where a client gets them.

    Raises Unprocessable when they are refused. A service that cannot be reached refuses nothing.
    """
    credentials: Mapping[str, Any] = body.credentials
    requested = {name: value for name, value in body.placeholders.items() if name in definition.asked_values}
    placeholders: Mapping[str, str] = {
        name: value
        for name, value in completed(definition.inputs, body.placeholders).items()
        if name not in requested
    }
    test = None
    if isinstance(definition.auth, OAuth2Auth):
        try:
            credentials = await gateway.first_tokens(definition, placeholders=placeholders, actor=actor)
        except TokenEndpointAway as error:
            test = ConnectionTest(ok=False, status_code=error.status_code, message=error.message)
            return Tried({}, test, placeholders, fault=error.message)
        except (TokenUnavailable, GrantOver) as error:
            raise Unprocessable(
                f"{definition.name} accepts no such account, so nothing was stored: {error.message}"
            ) from error
        test = ConnectionTest(ok=True, status_code=200, message="the token endpoint gave a token")
    choices: Sequence[Choice] = ()
    if definition.after_connect is not None:
        try:
            choices = await gateway.ask_new(definition, placeholders, credentials, actor=actor)
            placeholders = {**placeholders, **choose(choices, requested=requested, former={}).values}
        except ChoicesUnavailable as error:
            if error.is_refusal:
                raise Unprocessable(f"nothing was stored: {error.message}") from error
            return Tried(credentials, test, placeholders, fault=error.message)
    if definition.status_check_url is None or not credentials:
        return Tried(credentials, test, placeholders, choices)
    answer = await gateway.try_credentials(
        definition, test_call(definition), placeholders=placeholders, credentials=credentials, actor=actor
    )
    if are_refused(definition, answer):
        said = shown(answer.text, secrets_of(definition, credentials))
        raise Unprocessable(
            f"credentials: {definition.name} does not accept them, so nothing was stored: it answered"
            f" {answer.status}{f' ({said})' if said else ''}"
        )
    return Tried(credentials, tested(definition, answer), placeholders, choices)


def test_call(definition: IntegrationDefinition) -> CallWrite:
    """The call that tries a connection."""
    check = definition.status_check
    return CallWrite(method=check.method, endpoint=definition.status_check_url or "/", data=check.data)


def tested(definition: IntegrationDefinition, answer: UpstreamAnswer) -> ConnectionTest:
    """An answer as the outcome of a test."""
    is_accepted = answer.failure is None and answer.status in definition.status_check.accepted
    is_ok = (answer.ok or is_accepted) and not are_refused(definition, answer)
    message = answer.failure or ("accepted" if is_ok else f"{definition.name} answered {answer.status}")
    return ConnectionTest(ok=is_ok, status_code=answer.status, message=message)
