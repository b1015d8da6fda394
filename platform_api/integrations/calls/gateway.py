"""Calls through a connection: its credentials put in, tried again as its integration allows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from platform_api.accounts.actor import Actor
from platform_api.core.crypto import Vault
from platform_api.core.types import ConnectionId, OrganizationId
from platform_api.integrations.calls.admission import Admission, AdmittedCaller
from platform_api.integrations.calls.log import CallLog
from platform_api.integrations.calls.retrying import send_with_retries
from platform_api.integrations.connections.account_choices import (
    ASKING_SECONDS,
    Choice,
    ChoicesUnavailable,
    build_question,
    read_choices,
)
from platform_api.integrations.connections.broken import refusal
from platform_api.integrations.connections.refused_credentials import are_refused
from platform_api.integrations.definitions.definition import (
    IntegrationDefinition,
    OAuth2Auth,
    is_key_in_path,
    missing_answers,
    missing_values,
)
from platform_api.integrations.definitions.inputs import completed
from platform_api.integrations.models import Connection, ConnectionStatus
from platform_api.integrations.oauth import oauth2 as oauth
from platform_api.integrations.oauth.oauth2 import GrantOver, TokenUnavailable
from platform_api.integrations.oauth.tokens import TokenKeeper, was_renewed_just_now
from platform_api.integrations.outgoing.caller import Caller, UpstreamAnswer
from platform_api.integrations.outgoing.redaction import redacted
from platform_api.integrations.requests.building import build_request
from platform_api.integrations.requests.multipart import Attachments
from platform_api.integrations.schemas import CallWrite

_MOST_ENDPOINT = 500
_NO_CONNECTION = ConnectionId(0)
_TRYING_SECONDS = 15.0


@dataclass(slots=True)
class OpenConnection:
    """A connection with its credentials in the clear, for as long as one request lasts."""

    definition: IntegrationDefinition
    id: ConnectionId
    organization_id: OrganizationId
    name: str
    broken_because: str | None
    placeholders: Mapping[str, str]
    actor: Actor
    """Who is calling."""
    credentials: Mapping[str, Any] = field(repr=False)


class Gateway:
    """What every call through the platform goes by."""

    def __init__(
        self, caller: Caller, vault: Vault, tokens: TokenKeeper, call_log: CallLog, admission: Admission
    ) -> None:
        self._caller = caller
        self._admission = admission
        self._vault = vault
        self._tokens = tokens
        self._call_log = call_log

    def open(self, definition: IntegrationDefinition, connection: Connection, *, actor: Actor) -> OpenConnection:
        """Decrypts the credentials. Raises UnreadableSecret."""
        return OpenConnection(
            definition=definition,
            id=connection.id,
            organization_id=connection.organization_id,
            name=connection.name,
            broken_because=connection.status_reason if connection.status is ConnectionStatus.BROKEN else None,
            placeholders=connection.placeholders,
            actor=actor,
            credentials=self._vault.decrypt(connection.sealed_credentials),
        )

    async def send(
        self, opened: OpenConnection, call: CallWrite, attachments: Attachments | None = None
    ) -> UpstreamAnswer:
        """The answer, whatever the upstream does.

        Raises BadRequest for a call that no request can hold, NotEnoughCredits.
        """
        await self._call_log.take_credit(opened.organization_id)
        answer = await self._answer(opened, call, attachments)
        actor = opened.actor
        # Another organization's script: its app is known to whoever installed it, its people and runs are not.
        is_own = actor.organization_id == opened.organization_id  # tenancy: what the log tells, not what is reached
        self._call_log.record(
            organization_id=opened.organization_id,
            app_id=actor.app_id,
            user_id=actor.user_id if is_own else None,
            run_id=actor.run_id if is_own else None,
            integration_id=opened.definition.id,
            connection_id=opened.id,
            method=call.method,
            endpoint=_logged(opened, call.endpoint or "")[:_MOST_ENDPOINT],
            status_code=answer.status,
            ok=answer.ok,
            elapsed_ms=answer.elapsed_ms,
        )
        return answer

    async def first_tokens(
        self, definition: IntegrationDefinition, *, placeholders: Mapping[str, str], actor: Actor
    ) -> Mapping[str, Any]:
        """What the token endpoint gives the organization's client without a user. Raises as `request_tokens` does."""
        return await self._tokens.first(definition, actor.organization_id, placeholders)

    async def try_credentials(
        self,
        definition: IntegrationDefinition,
        call: CallWrite,
        *,
        placeholders: Mapping[str, str],
        credentials: Mapping[str, Any],
        actor: Actor,
    ) -> UpstreamAnswer:
        """The answer to a call with credentials that are not stored; not counted as a call. Raises BadRequest."""
        request = build_request(definition, placeholders, credentials, call)
        return await self._caller_for(actor).send(request, deadline_seconds=_TRYING_SECONDS)

    async def ask_new(
        self,
        definition: IntegrationDefinition,
        placeholders: Mapping[str, str],
        credentials: Mapping[str, Any],
        *,
        actor: Actor,
    ) -> list[Choice]:
        """What an account can be used with that is not stored yet. Raises ChoicesUnavailable."""
        request = build_question(definition, placeholders, credentials)
        answer = await self._caller_for(actor).send(request, deadline_seconds=ASKING_SECONDS)
        return read_choices(definition, placeholders, credentials, answer)

    def _caller_for(self, actor: Actor) -> AdmittedCaller:
        """Returns what sends an organization's requests with credentials that are not stored."""
        return AdmittedCaller(
            self._caller,
            self._admission,
            organization_id=actor.organization_id,
            connection_id=_NO_CONNECTION,
            limit=None,
        )

    async def ask(self, opened: OpenConnection) -> list[Choice]:
        """What the account of a connection can be used with, also of one that lacks nothing but that.

        Neither logged nor counted as a call, as trying new credentials is not. Raises ChoicesUnavailable.
        """
        definition, placeholders = opened.definition, completed(opened.definition.inputs, opened.placeholders)
        if opened.broken_because is not None and not missing_answers(definition, opened.placeholders):
            raise ChoicesUnavailable(refusal(opened.name, opened.broken_because))
        try:
            if is_due(opened):
                await self._renew_early(opened)
            try:
                return await self.ask_new(definition, placeholders, opened.credentials, actor=opened.actor)
            except ChoicesUnavailable as error:
                if not error.refuses_credentials or not _may_renew(opened):
                    raise
            opened.credentials = await self._tokens.renew(definition, opened.id, opened.credentials)
        except (GrantOver, TokenUnavailable) as error:
            raise ChoicesUnavailable(error.message) from error
        return await self.ask_new(definition, placeholders, opened.credentials, actor=opened.actor)

    async def require_credits(self, organization_id: OrganizationId) -> None:
        """Raises NotEnoughCredits: for many calls at once, before the first."""
        await self._call_log.require_credits(organization_id)

    async def _answer(
        self, opened: OpenConnection, call: CallWrite, attachments: Attachments | None
    ) -> UpstreamAnswer:
        if opened.broken_because is not None:
            return _unusable(refusal(opened.name, opened.broken_because))
        try:
            if is_due(opened) or (missing_values(opened.definition, opened.credentials) and _may_renew(opened)):
                await self._renew_early(opened)
            answer = await self._send(opened, call, attachments)
            if are_refused(opened.definition, answer) and _may_renew(opened):
                opened.credentials = await self._tokens.renew(opened.definition, opened.id, opened.credentials)
                answer = await self._send(opened, call, attachments)
        except GrantOver as error:
            opened.broken_because = error.message
            return _unusable(refusal(opened.name, error.message))
        except TokenUnavailable as error:
            return _unusable(error.message, status=error.status_code)
        return answer

    async def _send(self, opened: OpenConnection, call: CallWrite, attachments: Attachments | None) -> UpstreamAnswer:
        definition = opened.definition
        request = build_request(definition, opened.placeholders, opened.credentials, call, attachments)
        caller = AdmittedCaller(
            self._caller,
            self._admission,
            # Whoever calls takes the place: an owner's script does not crowd out the organization it calls for.
            organization_id=opened.actor.organization_id,
            connection_id=opened.id,
            limit=definition.rate_limit,
        )
        return await send_with_retries(caller, request, definition.retry)

    async def _renew_early(self, opened: OpenConnection) -> None:
        opened.credentials = await self._tokens.renew_early(opened.definition, opened.id, opened.credentials)


def _logged(opened: OpenConnection, endpoint: str) -> str:
    """An endpoint without its query; a whole URL, as a next page has it, also without a key in its path."""
    path = endpoint.partition("?")[0]
    return redacted(path, [opened.credentials["api_key"]]) if is_key_in_path(opened.definition) else path


def is_due(opened: OpenConnection) -> bool:
    """Whether the connection needs new tokens before it is used."""
    return isinstance(opened.definition.auth, OAuth2Auth) and oauth.is_due(opened.credentials)


def _may_renew(opened: OpenConnection) -> bool:
    auth = opened.definition.auth
    if not isinstance(auth, OAuth2Auth) or was_renewed_just_now(opened.credentials):
        return False
    return auth.grant == "client_credentials" or auth.renewal is not None or "refresh_token" in opened.credentials


def _unusable(reason: str, *, status: int = 401) -> UpstreamAnswer:
    return UpstreamAnswer(
        status=status, headers={}, text=reason, data=None, url="", elapsed_ms=0, failure=reason, is_final=True
    )
