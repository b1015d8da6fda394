"""New tokens for old: exactly one refresh, however many callers and processes find the same token expired.

Callers of one process share one task. Processes exclude each other by a claim on the connection's row, made in a
short transaction, so that a slow provider holds no connection to the database. What the provider answers is committed
before anybody uses it, and the commit is repeated while the database is away: a refresh token that rotates is known
to nobody but us from the provider's answer on.
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
_LOOK_AGAIN_SECONDS = 0.2
_MAX_LEFT_ALONE = 10_000
# A token that was refused right after it had been renewed is not renewed again for this long.
_PATIENCE_SECONDS = 10.0

Credentials = Mapping[str, Any]
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Claim:
    """The right to use a connection's refresh token."""

    client: ClientCredentials
    placeholders: Mapping[str, str]
    credentials: Credentials = field(repr=False)
    is_incomplete: bool = False
    """The connection lacks what its service tells of the account: new tokens do not make it usable."""


class TokenKeeper:
    """Renews the tokens of OAuth 2 connections."""

    def __init__(self, database: Database, caller: Caller, vault: Vault, *, sends_mail: bool) -> None:
        self._database = database
        self._caller = caller
        self._vault = vault
        self._sends_mail = sends_mail
        self._renewals: dict[ConnectionId, asyncio.Task[Credentials]] = {}
        self._left_alone: dict[ConnectionId, float] = {}

    async def renew(
        self, definition: IntegrationDefinition, connection_id: ConnectionId, used: Credentials
    ) -> Credentials:
        """Credentials other than `used`: newly fetched, or those that somebody else fetched meanwhile.

        Raises GrantOver (the connection is broken then), TokenUnavailable. A caller that is cancelled leaves the
        renewal going on.
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
        """As `renew`, but better `used` while it is good than nothing: a provider that gave none is then left alone.

        A token that renews itself is due for weeks before its end: calls would ask for each of them.
        """
        is_good = not is_expired(used)
        if is_good and time.monotonic() < self._left_alone.get(connection_id, 0.0):
            return used
        try:
            return await self.renew(definition, connection_id, used)
        except TokenUnavailable:
            if not is_good:
                raise
            if len(self._left_alone) >= _MAX_LEFT_ALONE:
                self._left_alone.clear()
            self._left_alone[connection_id] = time.monotonic() + _PATIENCE_SECONDS
            return used

    async def first(
        self, definition: IntegrationDefinition, organization_id: OrganizationId, placeholders: Mapping[str, str]
    ) -> Credentials:
        """The tokens of a connection without a user that is not stored yet. Raises GrantOver, TokenUnavailable."""
        auth = definition.auth
        assert isinstance(auth, OAuth2Auth)
        async with self._database.transaction() as session:
            client = await self._client(session, definition, organization_id)
        return {
            **await self._fetch(auth, _Claim(client, completed(definition.inputs, placeholders), {})),
            "renewed_at": time.time(),
        }

    async def close(self) -> None:
        """Lets the renewals that are under way store what they get."""
        if self._renewals:
            await asyncio.wait(self._renewals.values(), timeout=_CLOSING_SECONDS)

    def _forget(self, connection_id: ConnectionId, task: asyncio.Task[Credentials]) -> None:
        del self._renewals[connection_id]
        if not task.cancelled():
            task.exception()  # its callers may all be gone; asyncio must not complain that nobody looked

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
            raise GrantOver("the access has ended, and the provider gave nothing to renew it with")
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
            # A claim that was never given back runs out by itself.
            await asyncio.sleep(_LOOK_AGAIN_SECONDS * random.uniform(0.5, 1.5))

    async def _try_claim(
        self, session: AsyncSession, definition: IntegrationDefinition, connection_id: ConnectionId, used: Credentials
    ) -> _Claim | Credentials | None:
        is_claimed = func.coalesce(Connection.refreshing_until > func.now(), False)
        statement = select(Connection, is_claimed).where(Connection.id == connection_id).with_for_update()
        found = (await session.execute(statement)).one_or_none()
        if found is None:
            raise GrantOver("the connection was disconnected")
        connection, claimed = found
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
            # tenancy: the client of the very organization whose connection is made or renewed
            OAuthClient.organization_id == organization_id,
            OAuthClient.integration_id == definition.id,
        )
        found = await session.scalar(statement)
        if found is None:
            raise TokenUnavailable(f"your organization's OAuth client for {definition.id} was removed; set it again")
        return ClientCredentials(found.client_id, self._vault.decrypt(found.sealed_secret)["client_secret"])

    async def _store(
        self, session: AsyncSession, connection_id: ConnectionId, claim: _Claim, renewed: Credentials
    ) -> Credentials:
        connection = await self._locked(session, connection_id)
        if connection is None:
            raise GrantOver("the connection was disconnected")
        stored = self._vault.decrypt(connection.sealed_credentials)
        if not _is_same_grant(stored, claim.credentials):
            return stored  # connected again meanwhile: those tokens are of a newer consent
        connection.sealed_credentials = self._vault.encrypt(dict(renewed))
        if not claim.is_incomplete:
            # Also when another process took over, found the refresh token used up and called the connection broken.
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
        found: Connection | None = await session.scalar(statement)
        return found

    async def _persist(self, change: Callable[[AsyncSession], Awaitable[Result]]) -> Result:
        """One transaction, repeated while the database cannot be reached; the changes bear being made twice."""

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
    """Whether renewing once more would hardly help a token that the upstream refuses."""
    renewed_at: float = credentials.get("renewed_at", 0.0)
    return time.time() - renewed_at < _PATIENCE_SECONDS


def _is_same_grant(one: Credentials, other: Credentials) -> bool:
    names = ("access_token", "refresh_token")
    return [one.get(name) for name in names] == [other.get(name) for name in names]
