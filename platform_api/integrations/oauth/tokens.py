"""Renews tokens: with exactly one refresh, however many callers and processes find the same token expired.

Callers of one process share one task. Processes exclude each other by a claim on the connection's row, made in a
short transaction, so that a slow provider holds no database connection. The provider's answer is committed before it
is used, and the commit is retried while the database is unavailable: only we have a rotated refresh token.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar

import structlog
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from platform_api.core.crypto import Vault
from platform_api.core.database import Database
from platform_api.core.errors import DatabaseUnavailable
from platform_api.core.types import ConnectionId, OrganizationId
from platform_api.integrations.connections.broken import mark_broken
from platform_api.integrations.definitions.definition import IntegrationDefinition, OAuth2Auth, missing_answers
from platform_api.integrations.definitions.inputs import completed
from platform_api.integrations.models import Connection, ConnectionStatus, OAuthClient
from platform_api.integrations.oauth.oauth2 import (
    TOKEN_DEADLINE_SECONDS,
    ClientCredentials,
    GrantOver,
    TokenUnavailable,
    is_due,
    is_expired,
    merged_tokens,
    request_step,
    request_tokens,
)
from platform_api.integrations.outgoing.caller import Caller

log = structlog.stdlib.get_logger()

_CLAIM = timedelta(seconds=TOKEN_DEADLINE_SECONDS + 10)
_STORING_SECONDS = 120.0
_CLOSING_SECONDS = 30.0
_POLL_SECONDS = 0.2
_MAX_PAUSED = 10_000
# A token that is rejected right after its renewal is not renewed again for this long.
_RENEWAL_PAUSE_SECONDS = 10.0

Credentials = Mapping[str, Any]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Claim:
    """Holds the right to use a connection's refresh token."""

    client: ClientCredentials
    placeholders: Mapping[str, str]
    credentials: Credentials = field(repr=False)
    is_incomplete: bool = False
    """Whether the connection lacks values of `after_connect`, so that new tokens alone do not make it usable."""


class TokenKeeper:
    """Renews the tokens of OAuth 2 connections."""

    def __init__(self, database: Database, caller: Caller, vault: Vault, *, sends_mail: bool) -> None:
        self._database = database
        self._caller = caller
        self._vault = vault
        self._sends_mail = sends_mail
        self._renewals: dict[ConnectionId, asyncio.Task[Credentials]] = {}
        self._paused_until: dict[ConnectionId, float] = {}

    async def renew(
        self, definition: IntegrationDefinition, connection_id: ConnectionId, used: Credentials
    ) -> Credentials:
        """Returns credentials other than `used`: new ones, or those that another caller got meanwhile.

        Raises GrantOver (the connection is broken then), TokenUnavailable. The renewal continues when its caller is
        cancelled.
        """
        task = self._renewals.get(connection_id)
        if task is None:
            task = asyncio.create_task(self._renew(definition, connection_id, used))
            self._renewals[connection_id] = task
            task.add_done_callback(lambda done: self._forget(connection_id, done))
        return await asyncio.shield(task)

    async def renew_early(
        self, definition: IntegrationDefinition, connection_id: ConnectionId, used: Credentials
    ) -> Credentials:
        """Renews as `renew` does, but returns `used` while it is valid when the provider gives no token.

        The provider is then not asked again for a while: a token that renews itself is due for weeks before it
        expires, and every call would ask.
        """
        is_valid = not is_expired(used)
        if is_valid and time.monotonic() < self._paused_until.get(connection_id, 0.0):
            return used
        try:
            return await self.renew(definition, connection_id, used)
        except TokenUnavailable:
            if not is_valid:
                raise
            if len(self._paused_until) >= _MAX_PAUSED:
                self._paused_until.clear()
            self._paused_until[connection_id] = time.monotonic() + _RENEWAL_PAUSE_SECONDS
            return used

    async def request_first(
        self, definition: IntegrationDefinition, organization_id: OrganizationId, placeholders: Mapping[str, str]
    ) -> Credentials:
        """Returns the first tokens of a client-credentials connection. Raises GrantOver, TokenUnavailable."""
        auth = definition.auth
        assert isinstance(auth, OAuth2Auth)
        async with self._database.transaction() as session:
            client = await self._client(session, definition, organization_id)
        return {
            **await self._fetch(auth, _Claim(client, completed(definition.inputs, placeholders), {})),
            "renewed_at": time.time(),
        }

    async def close(self) -> None:
        """Waits until the renewals in progress have stored their tokens."""
        if self._renewals:
            await asyncio.wait(self._renewals.values(), timeout=_CLOSING_SECONDS)

    def _forget(self, connection_id: ConnectionId, task: asyncio.Task[Credentials]) -> None:
        del self._renewals[connection_id]
        if not task.cancelled():
            task.exception()  # all callers may be gone, and asyncio warns of an exception that nobody retrieved

    async def _renew(
        self, definition: IntegrationDefinition, connection_id: ConnectionId, used: Credentials
    ) -> Credentials:
        auth = definition.auth
        assert isinstance(auth, OAuth2Auth)
        claim = await self._claim(definition, connection_id, used)
        if not isinstance(claim, _Claim):
            return claim
        try:
            fetched = await self._fetch(auth, claim)
        except GrantOver as error:
            reason = error.message
            await self._persist(lambda session: self._break(session, connection_id, claim, reason))
            raise
        except BaseException:
            await self._persist(lambda session: self._release(session, connection_id))
            raise
        renewed = {**merged_tokens(claim.credentials, fetched), "renewed_at": time.time()}
        stored = await self._persist(lambda session: self._store(session, connection_id, claim, renewed))
        log.info("integrations.tokens_renewed", connection_id=connection_id)
        return stored

    async def _fetch(self, auth: OAuth2Auth, claim: _Claim) -> dict[str, Any]:
        if auth.grant == "client_credentials":
            scope = auth.scope_separator.join(auth.scopes)
            return await request_tokens(
                self._caller,
                auth,
                claim.client,
                placeholders=claim.placeholders,
                grant_type="client_credentials",
                scope=scope,
            )
        if auth.renewal is not None:
            return await request_step(self._caller, auth, claim.client, auth.renewal, claim.credentials)
        if "refresh_token" not in claim.credentials:
            raise GrantOver("the access has expired, and the provider gave no refresh token")
        return await request_tokens(
            self._caller,
            auth,
            claim.client,
            placeholders=claim.placeholders,
            grant_type="refresh_token",
            refresh_token=claim.credentials["refresh_token"],
        )

    async def _claim(
        self, definition: IntegrationDefinition, connection_id: ConnectionId, used: Credentials
    ) -> _Claim | Credentials:
        while True:
            async with self._database.transaction() as session:
                claim = await self._try_claim(session, definition, connection_id, used)
            if claim is not None:
                return claim
            # A claim that was never released expires.
            await asyncio.sleep(_POLL_SECONDS * random.uniform(0.5, 1.5))

    async def _try_claim(
        self, session: AsyncSession, definition: IntegrationDefinition, connection_id: ConnectionId, used: Credentials
    ) -> _Claim | Credentials | None:
        is_claimed = func.coalesce(Connection.refreshing_until > func.now(), False)
        statement = select(Connection, is_claimed).where(Connection.id == connection_id).with_for_update()
        row = (await session.execute(statement)).one_or_none()
        if row is None:
            raise GrantOver("the connection was disconnected")
        connection, claimed = row
        is_incomplete = bool(missing_answers(definition, connection.placeholders))
        if connection.status is ConnectionStatus.BROKEN and not is_incomplete:
            raise GrantOver(connection.status_reason)
        credentials = self._vault.decrypt(connection.sealed_credentials)
        is_other = credentials.get("access_token") != used.get("access_token")
        if is_other and not is_due(credentials):
            return credentials
        if claimed:
            return None
        client = await self._client(session, definition, connection.organization_id)
        connection.refreshing_until = func.now() + _CLAIM
        placeholders = completed(definition.inputs, connection.placeholders)
        return _Claim(client, placeholders, credentials, is_incomplete=is_incomplete)

    async def _client(
        self, session: AsyncSession, definition: IntegrationDefinition, organization_id: OrganizationId
    ) -> ClientCredentials:
        statement = select(OAuthClient).where(
            # tenancy: the client of the organization whose connection is made or renewed
            OAuthClient.organization_id == organization_id,
            OAuthClient.integration_id == definition.id,
        )
        client = await session.scalar(statement)
        if client is None:
            raise TokenUnavailable(f"your organization's OAuth client for {definition.id} was removed; set it again")
        return ClientCredentials(client.client_id, self._vault.decrypt(client.sealed_secret)["client_secret"])

    async def _store(
        self, session: AsyncSession, connection_id: ConnectionId, claim: _Claim, renewed: Credentials
    ) -> Credentials:
        connection = await self._locked(session, connection_id)
        if connection is None:
            raise GrantOver("the connection was disconnected")
        stored = self._vault.decrypt(connection.sealed_credentials)
        if not _is_same_grant(stored, claim.credentials):
            return stored  # reconnected meanwhile: these tokens belong to a newer consent
        connection.sealed_credentials = self._vault.encrypt(dict(renewed))
        if not claim.is_incomplete:
            # Even when another process took over, found the refresh token used and marked the connection broken.
            connection.status, connection.status_reason = ConnectionStatus.ACTIVE, ""
        connection.refreshing_until = None
        return renewed

    async def _break(self, session: AsyncSession, connection_id: ConnectionId, claim: _Claim, reason: str) -> None:
        connection = await self._locked(session, connection_id)
        if connection is None:
            return
        connection.refreshing_until = None
        if _is_same_grant(self._vault.decrypt(connection.sealed_credentials), claim.credentials):
            await mark_broken(session, connection, reason=reason, sends_mail=self._sends_mail)

    async def _release(self, session: AsyncSession, connection_id: ConnectionId) -> None:
        if (connection := await self._locked(session, connection_id)) is not None:
            connection.refreshing_until = None

    async def _locked(self, session: AsyncSession, connection_id: ConnectionId) -> Connection | None:
        statement = select(Connection).where(Connection.id == connection_id).with_for_update()
        connection: Connection | None = await session.scalar(statement)
        return connection

    async def _persist(self, change: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
        """Runs `change` in a transaction, retried while the database is unavailable; changes must be idempotent."""

        async def attempt() -> Result:
            async with self._database.transaction() as session:
                return await change(session)

        retrying = AsyncRetrying(
            retry=retry_if_exception_type((DatabaseUnavailable, DBAPIError, SQLAlchemyError, OSError)),
            wait=wait_random_exponential(multiplier=0.1, max=5),
            stop=stop_after_delay(_STORING_SECONDS),
            reraise=True,
        )
        result: Result = await retrying(attempt)
        return result


def was_renewed_just_now(credentials: Credentials) -> bool:
    """Returns whether the token was renewed so recently that renewing it again would not help."""
    renewed_at: float = credentials.get("renewed_at", 0.0)
    return time.time() - renewed_at < _RENEWAL_PAUSE_SECONDS


def _is_same_grant(credentials: Credentials, other: Credentials) -> bool:
    names = ("access_token", "refresh_token")
    return [credentials.get(name) for name in names] == [other.get(name) for name in names]
