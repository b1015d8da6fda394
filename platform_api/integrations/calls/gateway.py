"""Sends calls with the credentials of a connection, renews these, and retries as the integration allows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from platform_api.accounts.actor import Actor
from platform_api.core.crypto import Vault
from platform_api.core.types import ConnectionId, OrganizationId
from platform_api.integrations.answers import rejects_credentials
from platform_api.integrations.calls.admission import Admission, AdmittedCaller
from platform_api.integrations.calls.log import CallLog
from platform_api.integrations.calls.retrying import send_with_retries
from platform_api.integrations.connections.account_choices import (
    QUESTION_SECONDS,
    ChoicesUnavailable,
    build_question,
    read_choices,
)
from platform_api.integrations.connections.broken import describe_broken
from platform_api.integrations.definitions.after_connect import Choice
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

_MAX_ENDPOINT = 500
_NOT_STORED = ConnectionId(0)
_VERIFICATION_SECONDS = 15.0


@dataclass(slots=True)
class OpenConnection:
    """Holds a connection with decrypted credentials, for the time of a request."""

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
    """Sends every call to an integration."""

    def __init__(
        self, caller: Caller, vault: Vault, tokens: TokenKeeper, call_log: CallLog, admission: Admission
    ) -> None:
        self._caller = caller
        self._admission = admission
        self._vault = vault
        self._tokens = tokens
        self._call_log = call_log

    def open(self, definition: IntegrationDefinition, connection: Connection, *, actor: Actor) -> OpenConnection:
        """Opens a connection by decrypting its credentials. Raises UnreadableSecret."""
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
        """Sends a call and logs it; returns an answer whatever the upstream does.

        Raises BadRequest for an invalid call, NotEnoughCredits.
        """
        await self._call_log.take_credit(opened.organization_id)
        answer = await self._answer(opened, call, attachments)
        actor = opened.actor
        # Of another organization's script, the log shows the app, which was installed, but not its users and runs.
        is_own = actor.organization_id == opened.organization_id  # tenancy: what the log tells, not what is reached
        self._call_log.record(
            organization_id=opened.organization_id,
            app_id=actor.app_id,
            user_id=actor.user_id if is_own else None,
            run_id=actor.run_id if is_own else None,
            integration_id=opened.definition.id,
            connection_id=opened.id,
            method=call.method,
            endpoint=_endpoint_for_log(opened, call.endpoint or "")[:_MAX_ENDPOINT],
            status_code=answer.status,
            ok=answer.ok,
            elapsed_ms=answer.elapsed_ms,
        )
        return answer

    async def first_tokens(
        self, definition: IntegrationDefinition, *, placeholders: Mapping[str, str], actor: Actor
    ) -> Mapping[str, Any]:
        """Returns the first tokens of a client-credentials connection. Raises as `request_tokens` does."""
        return await self._tokens.request_first(definition, actor.organization_id, placeholders)

    async def send_unstored(
        self,
        definition: IntegrationDefinition,
        call: CallWrite,
        *,
        placeholders: Mapping[str, str],
        credentials: Mapping[str, Any],
        actor: Actor,
    ) -> UpstreamAnswer:
        """Sends a call with credentials that are not stored; not counted as a call. Raises BadRequest."""
        request = build_request(definition, placeholders, credentials, call)
        return await self._caller_for(actor).send(request, deadline_seconds=_VERIFICATION_SECONDS)

    async def ask_choices_of_new(
        self,
        definition: IntegrationDefinition,
        placeholders: Mapping[str, str],
        credentials: Mapping[str, Any],
        *,
        actor: Actor,
    ) -> list[Choice]:
        """Returns what an account that is not stored yet can be used with. Raises ChoicesUnavailable."""
        request = build_question(definition, placeholders, credentials)
        answer = await self._caller_for(actor).send(request, deadline_seconds=QUESTION_SECONDS)
        return read_choices(definition, placeholders, credentials, answer)

    def _caller_for(self, actor: Actor) -> AdmittedCaller:
        """Returns the sender of an organization's requests with credentials that are not stored."""
        return AdmittedCaller(
            self._caller,
            self._admission,
            organization_id=actor.organization_id,
            connection_id=_NOT_STORED,
            limit=None,
        )

    async def ask_choices(self, opened: OpenConnection) -> list[Choice]:
        """Returns what the account of a connection can be used with, also of one that is broken for lack of a choice.

        Neither logged nor counted as a call, like the verification of new credentials. Raises ChoicesUnavailable.
        """
        definition, placeholders = opened.definition, completed(opened.definition.inputs, opened.placeholders)
        if opened.broken_because is not None and not missing_answers(definition, opened.placeholders):
            raise ChoicesUnavailable(describe_broken(opened.name, opened.broken_because))
        try:
            if is_due(opened):
                await self._renew_early(opened)
            try:
                return await self.ask_choices_of_new(definition, placeholders, opened.credentials, actor=opened.actor)
            except ChoicesUnavailable as error:
                if not error.rejects_credentials or not _may_renew(opened):
                    raise
            opened.credentials = await self._tokens.renew(definition, opened.id, opened.credentials)
        except (GrantOver, TokenUnavailable) as error:
            raise ChoicesUnavailable(error.message) from error
        return await self.ask_choices_of_new(definition, placeholders, opened.credentials, actor=opened.actor)

    async def require_credits(self, organization_id: OrganizationId) -> None:
        """Raises NotEnoughCredits; parallel calls check it before the first one."""
        await self._call_log.require_credits(organization_id)

    async def _answer(
        self, opened: OpenConnection, call: CallWrite, attachments: Attachments | None
    ) -> UpstreamAnswer:
        if opened.broken_because is not None:
            return _unusable(describe_broken(opened.name, opened.broken_because))
        try:
            if is_due(opened) or (missing_values(opened.definition, opened.credentials) and _may_renew(opened)):
                await self._renew_early(opened)
            answer = await self._send(opened, call, attachments)
            if rejects_credentials(opened.definition, answer) and _may_renew(opened):
                opened.credentials = await self._tokens.renew(opened.definition, opened.id, opened.credentials)
                answer = await self._send(opened, call, attachments)
        except GrantOver as error:
            opened.broken_because = error.message
            return _unusable(describe_broken(opened.name, error.message))
        except TokenUnavailable as error:
            return _unusable(error.message, status=error.status_code)
        return answer

    async def _send(self, opened: OpenConnection, call: CallWrite, attachments: Attachments | None) -> UpstreamAnswer:
        definition = opened.definition
        request = build_request(definition, opened.placeholders, opened.credentials, call, attachments)
        caller = AdmittedCaller(
            self._caller,
            self._admission,
            # The slot is the caller's: an owner's script must not take those of the organization that it calls for.
            organization_id=opened.actor.organization_id,
            connection_id=opened.id,
            limit=definition.rate_limit,
        )
        return await send_with_retries(caller, request, definition.retry)

    async def _renew_early(self, opened: OpenConnection) -> None:
        opened.credentials = await self._tokens.renew_early(opened.definition, opened.id, opened.credentials)


def _endpoint_for_log(opened: OpenConnection, endpoint: str) -> str:
    """Returns an endpoint without its query, and without the key in an absolute URL (the link to a next page)."""
    path = endpoint.partition("?")[0]
    return redacted(path, [opened.credentials["api_key"]]) if is_key_in_path(opened.definition) else path


def is_due(opened: OpenConnection) -> bool:
    """Returns whether the connection needs new tokens before it is used."""
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
