"""Verifies new credentials before they are stored: what the service rejects becomes no connection."""

from collections.abc import Mapping, Sequence
from typing import Any

from platform_api.accounts.actor import Actor
from platform_api.core.errors import Unprocessable
from platform_api.integrations.answers import rejects_credentials
from platform_api.integrations.calls.gateway import Gateway
from platform_api.integrations.connections.account_choices import ChoicesUnavailable, choose
from platform_api.integrations.connections.service import VerifiedCredentials
from platform_api.integrations.definitions.after_connect import Choice
from platform_api.integrations.definitions.definition import IntegrationDefinition, OAuth2Auth
from platform_api.integrations.definitions.inputs import completed
from platform_api.integrations.oauth.oauth2 import GrantOver, TokenEndpointAway, TokenUnavailable
from platform_api.integrations.outgoing.caller import UpstreamAnswer
from platform_api.integrations.outgoing.redaction import shown
from platform_api.integrations.requests.credentials import secrets_of
from platform_api.integrations.schemas import CallWrite, ConnectionTest, ConnectionWrite


class CredentialsRefused(Unprocessable):
    """Reports that the service accepts no such account, so that nothing was stored."""

    code = "credentials_refused"


async def verify_credentials(
    gateway: Gateway, definition: IntegrationDefinition, body: ConnectionWrite, actor: Actor
) -> VerifiedCredentials:
    """Tests credentials at the service, or gets them at the token endpoint, and returns what to store.

    Raises Unprocessable when they are rejected. A service that cannot be reached rejects nothing.
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
            return VerifiedCredentials({}, test, placeholders, fault=error.message)
        except (TokenUnavailable, GrantOver) as error:
            raise CredentialsRefused(
                f"{definition.name} accepts no such account, so nothing was stored: {error.message}"
            ) from error
        test = ConnectionTest(ok=True, status_code=200, message="the token endpoint gave a token")
    choices: Sequence[Choice] = ()
    if definition.after_connect is not None:
        try:
            choices = await gateway.ask_choices_of_new(definition, placeholders, credentials, actor=actor)
            placeholders = {**placeholders, **choose(choices, requested=requested, former={}).values}
        except ChoicesUnavailable as error:
            if error.is_refusal:
                raise CredentialsRefused(f"nothing was stored: {error.message}") from error
            return VerifiedCredentials(credentials, test, placeholders, fault=error.message)
    if definition.status_check_url is None or not credentials:
        return VerifiedCredentials(credentials, test, placeholders, choices)
    answer = await gateway.send_unstored(
        definition, verification_call(definition), placeholders=placeholders, credentials=credentials, actor=actor
    )
    if rejects_credentials(definition, answer):
        text = shown(answer.text, secrets_of(definition, credentials))
        raise CredentialsRefused(
            f"credentials: {definition.name} does not accept them, so nothing was stored: it answered"
            f" {answer.status}{f' ({text})' if text else ''}",
            field="credentials",
        )
    return VerifiedCredentials(credentials, test_result(definition, answer), placeholders, choices)


def verification_call(definition: IntegrationDefinition) -> CallWrite:
    """Returns the call that tests a connection."""
    check = definition.status_check
    return CallWrite(method=check.method, endpoint=definition.status_check_url or "/", data=check.data)


def test_result(definition: IntegrationDefinition, answer: UpstreamAnswer) -> ConnectionTest:
    """Returns the result of a test call."""
    is_accepted = answer.failure is None and answer.status in definition.status_check.accepted
    is_ok = (answer.ok or is_accepted) and not rejects_credentials(definition, answer)
    message = answer.failure or ("accepted" if is_ok else f"{definition.name} answered {answer.status}")
    return ConnectionTest(ok=is_ok, status_code=answer.status, message=message)
