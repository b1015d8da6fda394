"""Resolves who calls through which connection, with three statements, and caches the result for a moment.

A script that calls an integration repeatedly does not pay for the same look-ups each time. Entries are dropped when a
token, membership, install, definition, activation or connection changes (see `core/remembered.py`).
"""

from dataclasses import dataclass

from fastapi import Request

from platform_api.accounts.dependencies import ORGANIZATION_HEADER, actor_of_request
from platform_api.accounts.models import Role, Scope
from platform_api.accounts.tokens import digest_of
from platform_api.core.database import Database
from platform_api.core.remembered import Remembered
from platform_api.core.types import OrganizationId
from platform_api.integrations.access import choose_target, narrowed_to_app, require_table
from platform_api.integrations.calls.gateway import Gateway, OpenConnection

CHANNEL = "automio_connections"
"""Notified, without a payload, when connections and definitions change or are deleted."""


@dataclass(frozen=True, slots=True)
class _Key:
    authorization: str
    acting_in: str | None
    integration_id: str
    reference: str | None
    organization_id: OrganizationId | None
    app: str | None
    table: str | None


class CallTargets:
    """Resolves requests to the connections that they call through."""

    def __init__(self, database: Database, gateway: Gateway) -> None:
        self._database = database
        self._gateway = gateway
        self._remembered: Remembered[_Key, OpenConnection] = Remembered()

    async def resolve(
        self,
        request: Request,
        integration_id: str,
        *,
        reference: str | None,
        organization_id: OrganizationId | None,
        app: str | None,
        table: str | None = None,
    ) -> OpenConnection:
        """Returns the opened connection of a request. Raises Unauthenticated, Forbidden, NotFound, BadRequest."""
        authorization = request.headers.get("authorization")
        acting_in = request.headers.get(ORGANIZATION_HEADER)
        if authorization is None:
            # With a session cookie, the origin of each request must be checked.
            key = _Key("", acting_in, integration_id, reference, organization_id, app, table)
            return await self._resolve_now(request, key)
        key = _Key(authorization, acting_in, integration_id, reference, organization_id, app, table)
        if (cached := self._remembered.get(key)) is not None:
            return cached
        started = self._remembered.begin()
        opened = await self._resolve_now(request, key)
        self._remembered.keep(key, opened, started, tag=digest_of(authorization.rpartition(" ")[2]).hex())
        return opened

    @property
    def changes(self) -> int:
        """Returns how many changes there were that may have closed a connection to a caller."""
        return self._remembered.times_forgotten

    def forget(self, token_digest: str | None = None) -> None:
        """Drops the targets of a token (by its SHA-256 in hex), or all."""
        self._remembered.forget(token_digest)

    async def _resolve_now(self, request: Request, key: _Key) -> OpenConnection:
        async with self._database.transaction() as session:
            actor = await actor_of_request(request, session, organization=key.acting_in)
            actor.require_scope(Scope.DATA)
            actor.require_role(Role.MEMBER)
            actor = await narrowed_to_app(session, actor, key.app)
            await require_table(session, actor, key.table)
            definition, connection = await choose_target(
                session,
                actor,
                key.integration_id,
                reference=key.reference,
                organization_id=key.organization_id,
            )
        return self._gateway.open(definition, connection, actor=actor)
