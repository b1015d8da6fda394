"""Resolves credentials to GraphQL sessions and caches them briefly: repeated requests only query their rows."""

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
from platform_api.accounts.viewing import VIEW_AS_HEADER, view_as
from platform_api.core.database import Database
from platform_api.core.errors import Forbidden
from platform_api.core.remembered import Remembered
from platform_api.graphql.access import graphql_session


@dataclass(frozen=True, slots=True)
class Credential:
    """Holds what authenticates a request: a token, or else a sign-in cookie.

    `organization` is the one that it chooses, `view_as` whose rights a sign-in is narrowed to.
    """

    authorization: str | None
    cookie: str | None = None
    organization: str | None = None
    view_as: str | None = None


_Key = tuple[Credential, str | None]


class SessionResolver:
    """Resolves credentials for apps; concurrent requests with the same credential wait for one resolution."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: Remembered[_Key, Session] = Remembered()
        self._pending: dict[_Key, asyncio.Task[Session]] = {}

    async def resolve(self, credential: Credential, app_reference: str | None) -> Session:
        """Returns the session of a credential on an app, by default on the app its token is bound to.

        Raises `Unauthenticated`, `Forbidden`, `NotFound`, `BadRequest`.
        """
        key = (credential, app_reference)
        cached = self._remembered.get(key)
        if cached is not None:
            return cached
        task = self._pending.get(key)
        if task is None:
            task = self._pending[key] = asyncio.create_task(self._resolve_now(credential, app_reference))
            task.add_done_callback(lambda done: self._no_longer_pending(key, done))
        # A cancelled waiter must not cancel the resolution for the others.
        session = await asyncio.shield(task)
        return session

    def _no_longer_pending(self, key: _Key, task: "asyncio.Task[Session]") -> None:
        if self._pending.get(key) is task:
            del self._pending[key]

    def forget(self, token_digest: str | None = None) -> None:
        """Clears the cache, for one token (by its SHA-256 in hex) or for all."""
        self._pending.clear()  # a pending resolution may have read the state before the change
        self._remembered.forget(token_digest)

    async def _resolve_now(self, credential: Credential, app_reference: str | None) -> Session:
        begun = self._remembered.begin()
        token_digest = ""
        async with self._database.transaction() as session:
            if credential.authorization is not None:
                secret = read_authorization(credential.authorization)
                token_digest = digest_of(secret).hex()
                actor = await authenticate_token(
                    session, secret, organization=credential.organization, may_work_for=True
                )
                if credential.view_as is not None:
                    raise Forbidden(f"{VIEW_AS_HEADER} is for sign-ins; a token has its own rights")
            elif credential.cookie:
                actor = await authenticate_session(session, credential.cookie, organization=credential.organization)
                if credential.view_as is not None:
                    actor = await view_as(session, actor, credential.view_as)
            else:
                raise unauthenticated(
                    "the token is missing: send `Authorization: App-Token <token>`, or the same in `connection_init`"
                )
            resolved = await graphql_session(session, actor, app_reference, for_clients=True)
        self._remembered.keep((credential, app_reference), resolved, begun, tag=token_digest)
        return resolved
