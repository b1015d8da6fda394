"""Credential to GraphQL session, remembered for a moment: a repeated request asks PostgreSQL for its rows only."""

import asyncio
from dataclasses import dataclass

from hasura.engine.session import Session
from platform_api.accounts.authentication import (
    authenticate_session,
    authenticate_token,
    read_authorization,
    unauthenticated,
)
from platform_api.accounts.tokens import digest_of
from platform_api.core.database import Database
from platform_api.core.remembered import Remembered
from platform_api.graphql.access import graphql_session

CHANNEL = "automio_access"
"""Notified of ended tokens (with the SHA-256 in hex), memberships, sign-ins and installs (with nothing)."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request brought to prove who it is: a token (which wins) or a sign-in cookie, and an organization."""

    authorization: str | None
    cookie: str | None = None
    organization: str | None = None


_Key = tuple[Credential, str | None]


class SessionResolver:
    """Resolves credentials for apps; concurrent requests with the same credential wait for one resolution."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: Remembered[_Key, Session] = Remembered()
        self._pending: dict[_Key, asyncio.Task[Session]] = {}

    async def resolve(self, credential: Credential, app_reference: str | None) -> Session:
        """The session of a credential on an app (by default on the app its token is bound to).

        Raises `Unauthenticated`, `Forbidden`, `NotFound`, `BadRequest`.
        """
        key = (credential, app_reference)
        found = self._remembered.get(key)
        if found is not None:
            return found
        task = self._pending.get(key)
        if task is None:
            task = self._pending[key] = asyncio.create_task(self._resolve_now(credential, app_reference))
            task.add_done_callback(lambda done: self._no_longer_pending(key, done))
        # A waiter that goes away must not end the resolution for the others.
        session = await asyncio.shield(task)
        return session

    def _no_longer_pending(self, key: _Key, task: "asyncio.Task[Session]") -> None:
        if self._pending.get(key) is task:
            del self._pending[key]

    def forget(self, token_digest: str | None = None) -> None:
        """Makes credentials be looked up again: those with a token (by its SHA-256 in hex), or all."""
        self._pending.clear()  # what is being looked up may have been read before the change
        self._remembered.forget(token_digest)

    async def _resolve_now(self, credential: Credential, app_reference: str | None) -> Session:
        begun = self._remembered.begin()
        token_digest = ""
        async with self._database.transaction() as session:
            if credential.authorization is not None:
                secret = read_authorization(credential.authorization)
                token_digest = digest_of(secret).hex()
                actor = await authenticate_token(session, secret, organization=credential.organization)
            elif credential.cookie:
                actor = await authenticate_session(session, credential.cookie, organization=credential.organization)
            else:
                raise unauthenticated(
                    "the token is missing: send `Authorization: App-Token <token>`, or the same in `connection_init`"
                )
            resolved = await graphql_session(session, actor, app_reference, for_clients=True)
        self._remembered.keep((credential, app_reference), resolved, begun, tag=token_digest)
        return resolved
