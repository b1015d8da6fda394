"""Connecting an account through its provider's consent page, from our connect page to the stored connection.

A sign-in is one row. The address of the connect page holds a secret (the ticket); opening it gives the browser a
cookie and the provider's address a `state`. The provider's way back is taken once, in time, from the same browser,
and only while the user who started it may still build in the organization. Secrets are stored as digests.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from authlib.common.security import generate_token
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor, ActorKind
from platform_api.accounts.models import Organization, Role, User
from platform_api.accounts.service import role_in
from platform_api.accounts.tenancy import get_visible, visible_to
from platform_api.accounts.tokens import digest_of
from platform_api.core.crypto import Vault
from platform_api.core.database import Database, release_connection
from platform_api.core.errors import BadRequest, Conflict, Forbidden, NotFound, Unprocessable
from platform_api.core.types import ConnectionId, OrganizationId, UserId
from platform_api.integrations.access import get_definition
from platform_api.integrations.connections.account_choices import (
    ASKING_SECONDS,
    Choice,
    ChoicesUnavailable,
    account_name,
    build_question,
    choose,
    read_choices,
)
from platform_api.integrations.connections.form import needs_consent
from platform_api.integrations.definitions.definition import (
    IntegrationDefinition,
    OAuth1Auth,
    OAuth2Auth,
    check_placeholders,
    missing_answers,
)
from platform_api.integrations.definitions.inputs import completed, told_on_the_way_back
from platform_api.integrations.models import Connection, ConnectionStatus, OAuthClient, OAuthSignIn
from platform_api.integrations.oauth import oauth1
from platform_api.integrations.oauth.oauth2 import (
    ClientCredentials,
    authorize_url,
    look_up_identity,
    request_step,
    request_tokens,
    require_values,
)
from platform_api.integrations.outgoing.caller import Caller
from platform_api.integrations.service import check_fields

CALLBACK_PATH = "/oauth/callback/"
CONNECT_PATH = "/connect/"
_LIFETIME = timedelta(minutes=10)
_SECRET_CHARACTERS = 48


@dataclass(frozen=True, slots=True)
class ConnectPage:
    """What the connect page says, and where it leads."""

    integration: str
    organization: str
    email: str
    provider_url: str
    browser_secret: str


@dataclass(frozen=True, slots=True)
class Connected:
    """How a sign-in ended."""

    name: str
    integration: str
    organization: str
    choices_path: str = ""
    """Where the account's service is asked again, and another choice is made."""
    broken_because: str = ""
    """Why calls through the connection would fail."""
    chosen: Choice | None = None
    choices: Sequence[Choice] = ()
    """What the account can be used with, where that is more than what was chosen."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What an account's service says of it before the connection is stored."""

    placeholders: dict[str, str]
    account: str | None
    person: str | None
    choices: Sequence[Choice] = ()
    chosen: Choice | None = None
    fault: str = ""

    @property
    def person_of_choice(self) -> dict[str, str]:
        """Kept to name the connection when another choice is made."""
        is_asked = self.chosen is not None or self.fault
        return {"person": self.person} if is_asked and self.person is not None else {}


class OAuthFlow:
    """Sign-ins at providers."""

    def __init__(self, database: Database, caller: Caller, vault: Vault, *, public_url: str) -> None:
        self._database = database
        self._caller = caller
        self._vault = vault
        self._public_url = public_url

    @property
    def redirect_uri(self) -> str:
        """What an organization registers with every provider."""
        return self._public_url + CALLBACK_PATH

    async def start(
        self,
        session: AsyncSession,
        actor: Actor,
        integration_id: str,
        *,
        placeholders: Mapping[str, str],
        connection_id: ConnectionId | None,
    ) -> tuple[str, datetime]:
        """The address of the connect page, and when it stops working."""
        definition = await get_definition(session, actor, integration_id)
        require_consent(definition)
        await self._client(session, actor, definition)
        requested = _of_names(placeholders, definition.asked_values)
        if connection_id is not None:
            connection = await get_visible(session, Connection, connection_id, actor=actor, name="connection")
            if connection.integration_id != definition.id:
                raise NotFound(f"there is no connection {connection_id} to {definition.id}")
            placeholders = connection.placeholders
        placeholders = completed(definition.inputs, placeholders)
        check_fields("placeholders", placeholders, definition.placeholders, optional=definition.asked_values)
        try:
            check_placeholders(definition, placeholders)
        except ValueError as exc:
            raise Unprocessable(f"placeholders: {exc}") from exc
        # tenancy: clears away what nobody can finish any more, of whatever organization
        await session.execute(delete(OAuthSignIn).where(OAuthSignIn.expires_at < func.now()))
        ticket = generate_token(_SECRET_CHARACTERS)
        expires_at = datetime.now(UTC) + _LIFETIME
        session.add(
            OAuthSignIn(
                organization_id=actor.organization_id,
                user_id=actor.user_id,
                integration_id=definition.id,
                connection_id=connection_id,
                ticket_digest=digest_of(ticket),
                sealed=self._vault.encrypt(
                    {
                        "placeholders": dict(placeholders),
                        "requested": requested,
                        "verifier": generate_token(_SECRET_CHARACTERS),
                    }
                ),
                expires_at=expires_at,
            )
        )
        return f"{self._public_url}{CONNECT_PATH}{ticket}/", expires_at

    async def open(self, session: AsyncSession, ticket: str, *, signed_in: UserId | None) -> ConnectPage:
        """The connect page of a ticket, for this browser: an address that another browser was given ends.

        Raises NotFound for a ticket that is unknown, used or too old, Forbidden for somebody else's, and for OAuth 1
        what `request_temporary` raises.
        """
        found = await _opened(session, ticket)
        if signed_in is not None and signed_in != found.user_id:
            raise Forbidden("this link was made by somebody else than you are signed in as")
        actor = await _actor(session, found)
        definition = await get_definition(session, actor, found.integration_id)
        auth = require_consent(definition)
        client = await self._client(session, actor, definition)
        kept = self._vault.decrypt(found.sealed)
        user = await session.get_one(User, found.user_id)
        organization = await session.get_one(Organization, found.organization_id)
        state, browser_secret = generate_token(_SECRET_CHARACTERS), generate_token(_SECRET_CHARACTERS)
        if isinstance(auth, OAuth1Auth):
            # The provider may be slow.
            await release_connection(session)
            temporary = await oauth1.request_temporary(
                self._caller, auth, client, redirect_uri=self.redirect_uri, placeholders=kept["placeholders"]
            )
            found = await _opened(session, ticket)
            # The provider sends the browser back with this token, not with a state of ours.
            state = temporary.token
            found.sealed = self._vault.encrypt({**kept, "token": temporary.token, "token_secret": temporary.secret})
            provider_url = oauth1.authorize_url(auth, token=state, placeholders=kept["placeholders"])
        else:
            provider_url = authorize_url(
                auth,
                client_id=client.client_id,
                redirect_uri=self.redirect_uri,
                state=state,
                verifier=kept["verifier"],
                placeholders=kept["placeholders"],
            )
        found.state_digest, found.browser_digest = digest_of(state), digest_of(browser_secret)
        return ConnectPage(
            integration=definition.name,
            organization=organization.name,
            email=user.email,
            provider_url=provider_url,
            browser_secret=browser_secret,
        )

    async def finish(
        self,
        *,
        state: str,
        browser_secret: str | None,
        code: str | None,
        error: str | None,
        signed_in: UserId | None,
        query: Mapping[str, str],
    ) -> Connected:
        """Takes the provider's answer and stores the connection; `query` is all that it sent back.

        Raises BadRequest, Forbidden, Conflict, and what `request_tokens` raises.
        """
        async with self._database.transaction() as session:
            taken = await self._take(session, state)
        if taken is None:
            raise BadRequest("this sign-in was finished already or took too long; start the connection again")
        if browser_secret is None or not hmac.compare_digest(digest_of(browser_secret), taken.browser_digest or b""):
            raise Forbidden("this sign-in was started in another browser; start the connection again in this one")
        if signed_in is not None and signed_in != taken.user_id:
            raise Forbidden("this sign-in was started by somebody else than you are signed in as")
        if error is not None or not code:
            raise BadRequest(f"the provider did not agree: {(error or 'it sent no code')[:200]}")
        async with self._database.transaction() as session:
            actor = await _actor(session, taken)
            definition = await get_definition(session, actor, taken.integration_id)
            client = await self._client(session, actor, definition)
            organization = await session.get_one(Organization, actor.organization_id)
        kept = self._vault.decrypt(taken.sealed)
        try:
            told_back = told_on_the_way_back(definition.inputs, query)
        except ValueError as refused:
            raise BadRequest(f"the provider sent back what it should not: {refused}") from refused
        placeholders: dict[str, str] = {**kept["placeholders"], **told_back}
        kept = {**kept, "placeholders": placeholders}
        credentials = await self._credentials(require_consent(definition), client, kept, code)
        require_values(definition, credentials)
        told = await self._ask(definition, placeholders, credentials, requested=kept.get("requested", {}))
        async with self._database.transaction() as session:
            connection = await self._store(
                session,
                actor,
                definition,
                taken.connection_id,
                {**credentials, "account": told.account, **told.person_of_choice},
                told,
            )
            is_broken = connection.status is ConnectionStatus.BROKEN
            return Connected(
                connection.name,
                definition.name,
                organization.name,
                choices_path=f"/api/integrations/{definition.id}/connections/{connection.id}/choices/",
                broken_because=connection.status_reason if is_broken else "",
                chosen=told.chosen,
                choices=told.choices if len(told.choices) > 1 else (),
            )

    async def _ask(
        self,
        definition: IntegrationDefinition,
        placeholders: dict[str, str],
        credentials: Mapping[str, Any],
        *,
        requested: Mapping[str, str],
    ) -> _Told:
        """What the account can be used with, and whose it is. What cannot be found out is told, not raised."""
        choices: Sequence[Choice] = ()
        chosen, fault = None, ""
        if definition.after_connect is not None:
            former = _of_names(placeholders, definition.asked_values)
            placeholders = {name: value for name, value in placeholders.items() if name not in former}
            try:
                question = build_question(definition, placeholders, credentials)
                answer = await self._caller.send(question, deadline_seconds=ASKING_SECONDS)
                choices = read_choices(definition, placeholders, credentials, answer)
                chosen = choose(choices, requested=requested, former=former)
                placeholders = {**placeholders, **chosen.values}
            except ChoicesUnavailable as error:
                fault = error.message
        person = await look_up_identity(self._caller, definition, placeholders, credentials)
        account = account_name(definition, chosen, person)
        return _Told(placeholders, account, person, choices, chosen, fault)

    async def _credentials(
        self, auth: OAuth1Auth | OAuth2Auth, client: ClientCredentials, kept: Mapping[str, Any], code: str
    ) -> Mapping[str, Any]:
        """What the provider gives for its code, or in OAuth 1 for its verifier."""
        placeholders = kept["placeholders"]
        if isinstance(auth, OAuth1Auth):
            if "token" not in kept:
                raise BadRequest("the integration was changed meanwhile; start the connection again")
            return await oauth1.request_access(
                self._caller,
                auth,
                client,
                temporary=oauth1.Token(kept["token"], kept["token_secret"]),
                verifier=code,
                placeholders=placeholders,
            )
        parameters = {"code": code, "redirect_uri": self.redirect_uri}
        if auth.pkce:
            parameters["code_verifier"] = kept["verifier"]
        tokens = await request_tokens(
            self._caller, auth, client, placeholders=placeholders, grant_type="authorization_code", **parameters
        )
        if auth.exchange is None:
            return tokens
        return await request_step(self._caller, auth, client, auth.exchange, tokens)

    async def _take(self, session: AsyncSession, state: str) -> OAuthSignIn | None:
        # tenancy: the state is the credential here, and the row says whose sign-in it is
        statement = delete(OAuthSignIn).where(
            OAuthSignIn.state_digest == digest_of(state), OAuthSignIn.expires_at > func.now()
        )
        found: OAuthSignIn | None = await session.scalar(statement.returning(OAuthSignIn))
        return found

    async def _client(
        self, session: AsyncSession, actor: Actor, definition: IntegrationDefinition
    ) -> ClientCredentials:
        found = await session.scalar(
            select(OAuthClient).where(
                OAuthClient.integration_id == definition.id, visible_to(actor, OAuthClient.organization_id)
            )
        )
        if found is None:
            raise Conflict(
                f"your organization has no OAuth client for {definition.id}: register one with {definition.name}"
                f" (redirect URI {self.redirect_uri}) and PUT it to /api/integrations/{definition.id}/oauth/client/"
            )
        return ClientCredentials(found.client_id, self._vault.decrypt(found.sealed_secret)["client_secret"])

    async def _store(
        self,
        session: AsyncSession,
        actor: Actor,
        definition: IntegrationDefinition,
        connection_id: ConnectionId | None,
        credentials: dict[str, Any],
        told: _Told,
    ) -> Connection:
        connection = await self._former(session, actor, definition, connection_id, credentials)
        if connection is None:
            name = credentials["account"] or await _free_name(session, actor, definition)
            connection = Connection(
                organization_id=actor.organization_id,
                integration_id=definition.id,
                name=name,
                created_by=actor.user_id,
                sealed_credentials=b"",
            )
            session.add(connection)
        # What could not be asked this time is as it was.
        before = {} if told.chosen else _of_names(connection.placeholders or {}, definition.asked_values)
        connection.placeholders = {**before, **told.placeholders}
        connection.sealed_credentials = self._vault.encrypt(credentials)
        if missing_answers(definition, connection.placeholders):
            connection.status, connection.status_reason = ConnectionStatus.BROKEN, told.fault
        else:
            connection.status, connection.status_reason = ConnectionStatus.ACTIVE, ""
        connection.refreshing_until = None
        await session.flush()
        return connection

    async def _former(
        self,
        session: AsyncSession,
        actor: Actor,
        definition: IntegrationDefinition,
        connection_id: ConnectionId | None,
        credentials: Mapping[str, Any],
    ) -> Connection | None:
        """The connection that is connected again: the one asked for, or the one of the same account."""
        mine = select(Connection).where(visible_to(actor, Connection.organization_id)).with_for_update()
        account, person = credentials["account"], credentials.get("person")
        if connection_id is None:
            found: Connection | None = await session.scalar(
                mine.where(Connection.integration_id == definition.id, Connection.name == account)
            )
            return found
        connection = await session.scalar(mine.where(Connection.id == connection_id))
        if connection is None:
            raise NotFound("the connection was disconnected meanwhile")
        before = self._vault.decrypt(connection.sealed_credentials).get("account")
        if before is not None and account is not None and before not in (account, person):
            # Rows in tables belong to this connection: they must not come to mean another account.
            raise Conflict(f"connection {connection.name!r} is of the account {before}, you signed in as {account}")
        return connection


def _of_names(values: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: values[name] for name in names if name in values}


async def _opened(session: AsyncSession, ticket: str) -> OAuthSignIn:
    # tenancy: the ticket is the credential here, and the row says whose sign-in it is
    statement = select(OAuthSignIn).where(
        OAuthSignIn.ticket_digest == digest_of(ticket), OAuthSignIn.expires_at > func.now()
    )
    found: OAuthSignIn | None = await session.scalar(statement.with_for_update())
    if found is None:
        raise NotFound("this link was used already or is too old; start the connection again")
    return found


def require_consent(definition: IntegrationDefinition) -> OAuth1Auth | OAuth2Auth:
    """How accounts are connected by their provider's sign-in. Raises Conflict when they are not."""
    auth = definition.auth
    if needs_consent(definition) and isinstance(auth, OAuth1Auth | OAuth2Auth):
        return auth
    raise Conflict(f"{definition.name} has no sign-in page: create its connections with their credentials")


async def _actor(session: AsyncSession, sign_in: OAuthSignIn) -> Actor:
    """The user who started it, with the rights they have now. Raises Forbidden when those do not suffice any more."""
    user = await session.get_one(User, sign_in.user_id)
    role = await role_in(session, user_id=sign_in.user_id, organization_id=sign_in.organization_id)
    if role is None or not user.is_active:
        raise Forbidden("whoever started this sign-in is no longer a member of the organization")
    actor = Actor(
        kind=ActorKind.SESSION,
        user_id=sign_in.user_id,
        organization_id=OrganizationId(sign_in.organization_id),
        role=role,
        scopes=frozenset(),
    )
    actor.require_role(Role.BUILDER)
    return actor


async def _free_name(session: AsyncSession, actor: Actor, definition: IntegrationDefinition) -> str:
    taken = set(
        await session.scalars(
            select(Connection.name).where(
                Connection.integration_id == definition.id, visible_to(actor, Connection.organization_id)
            )
        )
    )
    return next(
        name for number in range(1, len(taken) + 2) if (name := f"{definition.name[:140]} {number}") not in taken
    )
