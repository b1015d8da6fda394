"""Authenticates callers of the cache, and remembers them for a moment: a repeated call only reads its value."""

from platform_api.accounts.actor import Actor
from platform_api.accounts.authentication import authenticate_token, read_authorization
from platform_api.accounts.models import Scope
from platform_api.accounts.tokens import digest_of
from platform_api.apps.access import get_usable_app
from platform_api.core.database import Database
from platform_api.core.errors import Forbidden
from platform_api.core.remembered import Remembered


class CacheAuthenticator:
    """Authenticates `Authorization` headers of the cache service."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._remembered: Remembered[str, Actor] = Remembered()

    async def resolve(self, authorization: str | None) -> Actor:
        """Returns the caller. Raises `Unauthenticated`, `Forbidden`, `NotFound`."""
        secret = read_authorization(authorization)
        digest = digest_of(secret).hex()
        cached = self._remembered.get(digest)
        if cached is not None:
            return cached
        begun = self._remembered.begin()
        async with self._database.transaction() as session:
            actor = await authenticate_token(session, secret)
            if not (actor.has_scope(Scope.DATA) or actor.has_scope(Scope.CACHE)):
                raise Forbidden("the cache needs a token with the scope data or cache")
            if actor.app_id is not None:
                # A suspended install, or an app that is switched off, ends the access of its tokens.
                await get_usable_app(session, actor, actor.app_id)
        self._remembered.keep(digest, actor, begun, tag=digest)
        return actor

    def forget(self, token_digest: str | None = None) -> None:
        """Forgets one token (by its SHA-256 in hex), or all."""
        self._remembered.forget(token_digest)
