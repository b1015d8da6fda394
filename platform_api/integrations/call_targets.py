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
from platform_api.integrations.access import choose_connection, get_definition, narrowed_to_app
from platform_api.integrations.gateway import Gateway, OpenConnection

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
    ) -> OpenConnection:
        """The connection, opened. Raises Unauthenticated, Forbidden, NotFound."""
        authorization = request.headers.get("authorization")
        acting_in = request.headers.get(ORGANIZATION_HEADER)
        if authorization is None:
            # By a sign-in cookie: where the request comes from has to be looked at each time.
            return await self._resolve_now(request, acting_in, integration_id, reference, organization_id, app)
        key = _Key(authorization, acting_in, integration_id, reference, organization_id, app)
        if (found := self._remembered.get(key)) is not None:
            return found
        begun = self._remembered.begin()
        opened = await self._resolve_now(request, acting_in, integration_id, reference, organization_id, app)
        self._remembered.keep(key, opened, begun, tag=digest_of(authorization.rpartition(" ")[2]).hex())
        return opened

    def forget(self, token_digest: str | None = None) -> None:
        """Makes a token's targets (by its SHA-256 in hex), or all, be looked up again."""
        self._remembered.forget(token_digest)

    async def _resolve_now(
        self,
        request: Request,
        acting_in: str | None,
        integration_id: str,
        reference: str | None,
        organization_id: OrganizationId | None,
        app: str | None,
    ) -> OpenConnection:
        async with self._database.transaction() as session:
            actor = await actor_of_request(request, session, organization=acting_in)
            actor.require_scope(Scope.DATA)
            actor.require_role(Role.MEMBER)
            actor = await narrowed_to_app(session, actor, app)
            definition = await get_definition(session, actor, integration_id)
            connection = await choose_connection(
                session, actor, integration_id, reference=reference, organization_id=organization_id
            )
        return self._gateway.open(definition, connection, actor=actor)
