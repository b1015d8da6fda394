"""Connects an account through its provider's consent page, from our connect page to the stored connection.

A sign-in is one row. The URL of the connect page holds a secret (the ticket); it belongs to the browser that opens it
first, which has a cookie from then on, and adds a `state` to the provider's URL. The provider's callback is accepted
once, before the sign-in expires, from the same browser, and only while the user who started it may still build in the
organization. Secrets are stored as digests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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
    QUESTION_SECONDS,
    ChoicesUnavailable,
    account_name,
    build_question,
    choose,
    read_choices,
)
from platform_api.integrations.connections.service import check_fields
from platform_api.integrations.definitions.after_connect import Choice
from platform_api.integrations.definitions.definition import (
    IntegrationDefinition,
    OAuth1Auth,
    OAuth2Auth,
    check_placeholders,
    missing_answers,
)
from platform_api.integrations.definitions.form import needs_consent
from platform_api.integrations.definitions.inputs import completed, read_callback_inputs
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
from platform_api.integrations.oauth.sign_ins import open_sign_in, use_sign_in
from platform_api.integrations.outgoing.caller import Caller
from platform_api.integrations.service import OAuthClientMissing

CALLBACK_PATH = "/oauth/callback/"
CONNECT_PATH = "/connect/"
_LIFETIME = timedelta(minutes=10)
_SECRET_CHARACTERS = 48


class OtherAccount(Conflict):
    """Reports a sign-in with another account than the connection belongs to."""

    code = "other_account"


@dataclass(frozen=True, slots=True)
class ConnectPage:
    """Holds what the connect page shows, and the provider's URL that it leads to."""

    integration: str
    organization: str
    email: str
    provider_url: str
    browser_secret: str


@dataclass(frozen=True, slots=True)
class Connected:
    """Reports the result of a sign-in."""

    name: str
    integration: str
    organization: str
    choices_path: str = ""
    """The path that lists the choices again and changes the choice."""
    broken_because: str = ""
    """Why calls through the connection fail; empty when they do not."""
    chosen: Choice | None = None
    choices: Sequence[Choice] = ()
    """All choices of the account, when there are several."""


@dataclass(frozen=True, slots=True)
class _AccountDetails:
    """Holds what the service says of an account before its connection is stored."""

    placeholders: dict[str, str]
    account: str | None
    person: str | None
    choices: Sequence[Choice] = ()
    chosen: Choice | None = None
    fault: str = ""

    @property
    def person_of_choice(self) -> dict[str, str]:
        """Returns the person, stored to rename the connection when its choice changes."""
        is_asked = self.chosen is not None or self.fault
        return {"person": self.person} if is_asked and self.person is not None else {}


class OAuthFlow:
    """Starts and finishes sign-ins at providers."""

    def __init__(self, database: Database, caller: Caller, vault: Vault, *, public_url: str) -> None:
        self._database = database
        self._caller = caller
        self._vault = vault
        self._public_url = public_url

    @property
    def redirect_uri(self) -> str:
        """Returns the redirect URI that organizations register with providers."""
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
        """Stores a sign-in; returns the URL of its connect page, and when it expires."""
        definition = await get_definition(session, actor, integration_id)
        require_consent(definition)
        await self._client(session, actor, definition)
        requested = _select(placeholders, definition.asked_values)
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
            raise Unprocessable(f"placeholders: {exc}", field="placeholders") from exc
        # tenancy: deletes expired sign-ins of all organizations
        await session.execute(delete(OAuthSignIn).where(OAuthSignIn.expires_at < func.now()))
        ticket = generate_token(_SECRET_CHARACTERS)
        expires_at: datetime = (await session.execute(select(func.now() + _LIFETIME))).scalar_one()
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

    async def open(
        self, session: AsyncSession, ticket: str, *, browser_secret: str | None, signed_in: UserId | None
    ) -> ConnectPage:
        """Opens the connect page of a ticket for this browser, which has it from then on, and again for the same.

        `browser_secret` is the cookie that the browser has already. Raises NotFound for a ticket that is unknown,
        used or expired, Forbidden for another user's or browser's, and for OAuth 1 what `request_temporary` raises.
        """
        sign_in = await open_sign_in(session, ticket, browser_secret=browser_secret, signed_in=signed_in)
        actor = await _actor(session, sign_in)
        definition = await get_definition(session, actor, sign_in.integration_id)
        auth = require_consent(definition)
        client = await self._client(session, actor, definition)
        stored = self._vault.decrypt(sign_in.sealed)
        user = await session.get_one(User, sign_in.user_id)
        organization = await session.get_one(Organization, sign_in.organization_id)
        state = generate_token(_SECRET_CHARACTERS)
        if isinstance(auth, OAuth1Auth):
            # The provider may be slow.
            await release_connection(session)
            temporary = await oauth1.request_temporary(
                self._caller, auth, client, redirect_uri=self.redirect_uri, placeholders=stored["placeholders"]
            )
            sign_in = await open_sign_in(session, ticket, browser_secret=browser_secret, signed_in=signed_in)
            # In OAuth 1 the callback has this token instead of a `state`.
            state = temporary.token
            sign_in.sealed = self._vault.encrypt(
                {**stored, "token": temporary.token, "token_secret": temporary.secret}
            )
            provider_url = oauth1.authorize_url(auth, token=state, placeholders=stored["placeholders"])
        else:
            provider_url = authorize_url(
                auth,
                client_id=client.client_id,
                redirect_uri=self.redirect_uri,
                state=state,
                verifier=stored["verifier"],
                placeholders=stored["placeholders"],
            )
        # One secret for all sign-ins of a browser: the next one must not end those that are under way.
        browser_secret = browser_secret or generate_token(_SECRET_CHARACTERS)
        sign_in.state_digest, sign_in.browser_digest = digest_of(state), digest_of(browser_secret)
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
        """Accepts the provider's callback and stores the connection; `query` is the whole query of the callback.

        Raises BadRequest, Forbidden, Conflict, and what `request_tokens` raises.
        """
        async with self._database.transaction() as session:
            sign_in = await use_sign_in(session, state, browser_secret=browser_secret, signed_in=signed_in)
        if error is not None or not code:
            raise BadRequest(f"the provider did not grant access: {(error or 'it sent no code')[:200]}")
        async with self._database.transaction() as session:
            actor = await _actor(session, sign_in)
            definition = await get_definition(session, actor, sign_in.integration_id)
            client = await self._client(session, actor, definition)
            organization = await session.get_one(Organization, actor.organization_id)
        stored = self._vault.decrypt(sign_in.sealed)
        try:
            callback_inputs = read_callback_inputs(definition.inputs, query)
        except ValueError as refused:
            raise BadRequest(f"the provider's callback is invalid: {refused}") from refused
        placeholders: dict[str, str] = {**stored["placeholders"], **callback_inputs}
        stored = {**stored, "placeholders": placeholders}
        credentials = await self._credentials(require_consent(definition), client, stored, code)
        require_values(definition, credentials)
        details = await self._ask(definition, placeholders, credentials, requested=stored.get("requested", {}))
        async with self._database.transaction() as session:
            connection = await self._store(
                session,
                actor,
                definition,
                sign_in.connection_id,
                {**credentials, "account": details.account, **details.person_of_choice},
                details,
            )
            is_broken = connection.status is ConnectionStatus.BROKEN
            return Connected(
                connection.name,
                definition.name,
                organization.name,
                choices_path=f"/api/integrations/{definition.id}/connections/{connection.id}/choices/",
                broken_because=connection.status_reason if is_broken else "",
                chosen=details.chosen,
                choices=details.choices if len(details.choices) > 1 else (),
            )

    async def _ask(
        self,
        definition: IntegrationDefinition,
        placeholders: dict[str, str],
        credentials: Mapping[str, Any],
        *,
        requested: Mapping[str, str],
    ) -> _AccountDetails:
        """Returns what the account can be used with, and whose it is; failures are reported in `fault`."""
        choices: Sequence[Choice] = ()
        chosen, fault = None, ""
        if definition.after_connect is not None:
            former = _select(placeholders, definition.asked_values)
            placeholders = {name: value for name, value in placeholders.items() if name not in former}
            try:
                question = build_question(definition, placeholders, credentials)
                answer = await self._caller.send(question, deadline_seconds=QUESTION_SECONDS)
                choices = read_choices(definition, placeholders, credentials, answer)
                chosen = choose(choices, requested=requested, former=former)
                placeholders = {**placeholders, **chosen.values}
            except ChoicesUnavailable as error:
                fault = error.message
        person = await look_up_identity(self._caller, definition, placeholders, credentials)
        account = account_name(definition, chosen, person)
        return _AccountDetails(placeholders, account, person, choices, chosen, fault)

    async def _credentials(
        self, auth: OAuth1Auth | OAuth2Auth, client: ClientCredentials, stored: Mapping[str, Any], code: str
    ) -> Mapping[str, Any]:
        """Exchanges the provider's code, or in OAuth 1 its verifier, for credentials."""
        placeholders = stored["placeholders"]
        if isinstance(auth, OAuth1Auth):
            if "token" not in stored:
                raise BadRequest("the integration was changed during the sign-in; start the connection again")
            return await oauth1.request_access(
                self._caller,
                auth,
                client,
                temporary=oauth1.Token(stored["token"], stored["token_secret"]),
                verifier=code,
                placeholders=placeholders,
            )
        parameters = {"code": code, "redirect_uri": self.redirect_uri}
        if auth.pkce:
            parameters["code_verifier"] = stored["verifier"]
        tokens = await request_tokens(
            self._caller, auth, client, placeholders=placeholders, grant_type="authorization_code", **parameters
        )
        if auth.exchange is None:
            return tokens
        return await request_step(self._caller, auth, client, auth.exchange, tokens)

    async def _client(
        self, session: AsyncSession, actor: Actor, definition: IntegrationDefinition
    ) -> ClientCredentials:
        client = await session.scalar(
            select(OAuthClient).where(
                OAuthClient.integration_id == definition.id, visible_to(actor, OAuthClient.organization_id)
            )
        )
        if client is None:
            raise OAuthClientMissing(
                f"your organization has no OAuth client for {definition.id}: register one with {definition.name}"
                f" (redirect URI {self.redirect_uri}) and PUT it to /api/integrations/{definition.id}/oauth/client/"
            )
        return ClientCredentials(client.client_id, self._vault.decrypt(client.sealed_secret)["client_secret"])

    async def _store(
        self,
        session: AsyncSession,
        actor: Actor,
        definition: IntegrationDefinition,
        connection_id: ConnectionId | None,
        credentials: dict[str, Any],
        details: _AccountDetails,
    ) -> Connection:
        connection = await self._existing(session, actor, definition, connection_id, credentials)
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
        # Values that the service could not be asked for stay as they were.
        before = {} if details.chosen else _select(connection.placeholders or {}, definition.asked_values)
        connection.placeholders = {**before, **details.placeholders}
        connection.sealed_credentials = self._vault.encrypt(credentials)
        if missing_answers(definition, connection.placeholders):
            connection.status, connection.status_reason = ConnectionStatus.BROKEN, details.fault
        else:
            connection.status, connection.status_reason = ConnectionStatus.ACTIVE, ""
        connection.refreshing_until = None
        await session.flush()
        return connection

    async def _existing(
        self,
        session: AsyncSession,
        actor: Actor,
        definition: IntegrationDefinition,
        connection_id: ConnectionId | None,
        credentials: Mapping[str, Any],
    ) -> Connection | None:
        """Returns the connection to reconnect: `connection_id`, or that of the same account; None for a new one."""
        mine = select(Connection).where(visible_to(actor, Connection.organization_id)).with_for_update()
        account, person = credentials["account"], credentials.get("person")
        if connection_id is None:
            connection: Connection | None = await session.scalar(
                mine.where(Connection.integration_id == definition.id, Connection.name == account)
            )
            return connection
        connection = await session.scalar(mine.where(Connection.id == connection_id))
        if connection is None:
            raise NotFound("the connection was disconnected during the sign-in")
        before = self._vault.decrypt(connection.sealed_credentials).get("account")
        if before is not None and account is not None and before not in (account, person):
            # Rows in tables refer to this connection: it must keep its account.
            raise OtherAccount(
                f"connection {connection.name!r} belongs to the account {before}, but you signed in as {account};"
                f" sign in as {before}, or make a new connection"
            )
        return connection


def _select(values: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    return {name: values[name] for name in names if name in values}


def require_consent(definition: IntegrationDefinition) -> OAuth1Auth | OAuth2Auth:
    """Returns the OAuth declaration of a definition. Raises Conflict when accounts are not connected by a sign-in."""
    auth = definition.auth
    if needs_consent(definition) and isinstance(auth, OAuth1Auth | OAuth2Auth):
        return auth
    raise Conflict(f"{definition.name} has no sign-in page; create a connection with its credentials instead")


async def _actor(session: AsyncSession, sign_in: OAuthSignIn) -> Actor:
    """Returns the user who started the sign-in, with their current role. Raises Forbidden when it is too low."""
    user = await session.get_one(User, sign_in.user_id)
    role = await role_in(session, user_id=sign_in.user_id, organization_id=sign_in.organization_id)
    if role is None or not user.is_active:
        raise Forbidden("the user who started this sign-in is no longer a member of the organization")
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
