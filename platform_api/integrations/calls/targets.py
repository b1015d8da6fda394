"""Who calls through which connection: found out with three statements, and remembered for a moment.

A script that calls an integration again and again pays for the call, not for looking the same things up. It is
forgotten when a token, membership, install, definition, activation or connection changes (see `core/remembered.py`).
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
"""Notified, with nothing, of changed and ended connections and definitions."""


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
        """The connection, opened. Raises Unauthenticated, Forbidden, NotFound, BadRequest."""
        authorization = request.headers.get("authorization")
        acting_in = request.headers.get(ORGANIZATION_HEADER)
        if authorization is None:
            # By a sign-in cookie: where the request comes from has to be looked at each time.
            key = _Key("", acting_in, integration_id, reference, organization_id, app, table)
            return await self._resolve_now(request, key)
        key = _Key(authorization, acting_in, integration_id, reference, organization_id, app, table)
        if (found := self._remembered.get(key)) is not None:
            return found
        begun = self._remembered.begin()
        opened = await self._resolve_now(request, key)
        self._remembered.keep(key, opened, begun, tag=digest_of(authorization.rpartition(" ")[2]).hex())
        return opened

    @property
    def changes(self) -> int:
        """How many changes there were that may have closed a connection to somebody."""
        return self._remembered.times_forgotten

    def forget(self, token_digest: str | None = None) -> None:
        """Makes a token's targets (by its SHA-256 in hex), or all, be looked up again."""
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
