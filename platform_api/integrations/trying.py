"""New credentials are tried before they are stored: what the service refuses is no connection."""

from collections.abc import Iterable

from platform_api.accounts.actor import Actor
from platform_api.core.errors import Unprocessable
from platform_api.integrations.credentials import secrets_of
from platform_api.integrations.definition import IntegrationDefinition
from platform_api.integrations.gateway import Gateway
from platform_api.integrations.outgoing import UpstreamAnswer
from platform_api.integrations.redaction import redacted
from platform_api.integrations.refused_credentials import are_refused
from platform_api.integrations.schemas import ConnectionTest, ConnectionWrite

_MAX_SHOWN, _MAX_READ = 200, 100_000


async def try_credentials(
    gateway: Gateway, definition: IntegrationDefinition, body: ConnectionWrite, actor: Actor
) -> ConnectionTest | None:
    """What the service answered; None when there is nothing to try.

    Raises Unprocessable when it refuses them. A service that cannot be reached refuses nothing.
    """
    if definition.status_check_url is None or not definition.credential_fields:
        return None
    answer = await gateway.try_credentials(
        definition, placeholders=body.placeholders, credentials=body.credentials, actor=actor
    )
    test = tested(definition, answer)
    if are_refused(definition, answer):
        said = _shown(answer.text, secrets_of(definition, body.credentials))
        raise Unprocessable(
            f"credentials: {definition.name} does not accept them, so nothing was stored: it answered"
            f" {answer.status}{f' ({said})' if said else ''}"
        )
    return test


def tested(definition: IntegrationDefinition, answer: UpstreamAnswer) -> ConnectionTest:
    """An answer as the outcome of a test."""
    is_ok = answer.ok and not are_refused(definition, answer)
    message = answer.failure or ("accepted" if is_ok else f"{definition.name} answered {answer.status}")
    return ConnectionTest(ok=is_ok, status_code=answer.status, message=message)


def _shown(text: str, secrets: Iterable[str]) -> str:
    """The beginning of an answer on one line, without the credentials that it may repeat."""
    return " ".join(redacted(text[:_MAX_READ], secrets)[: _MAX_SHOWN * 2].split())[:_MAX_SHOWN]
