"""Serves the page with an integration's form to signed-in users who may connect accounts."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.responses import RedirectResponse, Response

from platform_api.accounts.actor import Actor
from platform_api.accounts.authentication import authenticate_session
from platform_api.accounts.dependencies import SESSION_COOKIE, refuse_cross_site
from platform_api.accounts.models import Role
from platform_api.core.database import SessionDep, release_connection
from platform_api.core.errors import PlatformError, Unauthenticated
from platform_api.integrations import service
from platform_api.integrations.access import get_definition
from platform_api.integrations.calls.verification import verify_credentials
from platform_api.integrations.connections import service as connection_service
from platform_api.integrations.definitions.definition import IntegrationDefinition
from platform_api.integrations.definitions.form import FormField, form_fields, needs_consent, needs_oauth_client
from platform_api.integrations.lifespan import GatewayDep, OAuthFlowDep, VaultDep
from platform_api.integrations.schemas import ConnectionWrite
from platform_api.web.templating import render

router = APIRouter(include_in_schema=False)

FORM_PATH = "/accounts/connect/"
_MAX_FIELDS = 30
_MAX_FIELD_BYTES = 20_000

IntegrationId = Annotated[str, Path(max_length=100)]
Organization = Annotated[str | None, Query(max_length=63, description="Slug; the first one joined when absent")]


@dataclass(frozen=True, slots=True)
class _Form:
    """Holds what the page shows."""

    definition: IntegrationDefinition
    fields: tuple[FormField, ...]
    needs_name: bool
    values: Mapping[str, str]
    lacks_client: bool
    """Whether the organization lacks the OAuth client that connecting needs."""


@router.get(FORM_PATH + "{integration_id}/")
async def show_form(
    request: Request, session: SessionDep, integration_id: IntegrationId, organization: Organization = None
) -> Response:
    """Shows the form; without a sign-in, redirects to one and back."""
    try:
        actor = await _builder(request, session, organization)
        definition = await get_definition(session, actor, integration_id)
    except Unauthenticated:
        back = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(back, safe='')}", status_code=303)
    except PlatformError as error:
        return render("connected.html", error=error.message, connected=None, status_code=error.status_code)
    return await _empty_page(session, actor, definition)


@router.post(FORM_PATH + "{integration_id}/")
async def submit_form(
    request: Request,
    session: SessionDep,
    vault: VaultDep,
    gateway: GatewayDep,
    flow: OAuthFlowDep,
    integration_id: IntegrationId,
    organization: Organization = None,
) -> Response:
    """Verifies and connects the account, or redirects to the provider's sign-in."""
    refuse_cross_site(request)
    try:
        actor = await _builder(request, session, organization)
        definition = await get_definition(session, actor, integration_id)
    except PlatformError as error:
        return render("connected.html", error=error.message, connected=None, status_code=error.status_code)
    async with request.form(max_files=0, max_fields=_MAX_FIELDS, max_part_size=_MAX_FIELD_BYTES) as sent:
        values = {name: value.strip() for name, value in sent.items() if isinstance(value, str)}
    form = _form(definition, values, lacks_client=await _lacks_client(session, actor, definition))
    given = {"placeholders": _group(form, "placeholders"), "credentials": _group(form, "credentials")}
    try:
        if not form.needs_name:
            url, _ = await flow.start(
                session, actor, integration_id, placeholders=given["placeholders"], connection_id=None
            )
            return RedirectResponse(url, status_code=303)
        body = ConnectionWrite.model_validate({"name": values.get("name", ""), **given})
        definition = await connection_service.check_connection(session, actor, integration_id, body)
        await release_connection(session)
        verified = await verify_credentials(gateway, definition, body, actor)
        connection = await connection_service.create_connection(session, actor, vault, integration_id, body, verified)
    except ValidationError as error:
        # The message must not hold the input: it may be a secret.
        first = error.errors(include_input=False, include_url=False)[0]
        return _page(form, error=f"{'.'.join(map(str, first['loc']))}: {first['msg']}", status_code=422)
    except PlatformError as error:
        return _page(form, error=error.message, status_code=error.status_code)
    failure = verified.fault or (
        verified.test.message if verified.test is not None and not verified.test.ok else None
    )
    return render("account_connected.html", definition=definition, connection=connection, tried=failure)


async def _builder(request: Request, session: AsyncSession, organization: str | None) -> Actor:
    """Returns the signed-in user, who may connect accounts. Raises Unauthenticated, Forbidden."""
    actor = await authenticate_session(
        session, request.cookies.get(SESSION_COOKIE) or "", organization=organization or None
    )
    actor.require_role(Role.BUILDER)
    return actor


async def _empty_page(session: AsyncSession, actor: Actor, definition: IntegrationDefinition) -> Response:
    lacks_client = await _lacks_client(session, actor, definition)
    form = _form(definition, {}, lacks_client=lacks_client)
    return _page(form, status_code=409 if lacks_client else 200)


async def _lacks_client(session: AsyncSession, actor: Actor, definition: IntegrationDefinition) -> bool:
    return needs_oauth_client(definition) and not await service.oauth_clients(session, actor, definition.id)


def _form(definition: IntegrationDefinition, values: Mapping[str, str], *, lacks_client: bool) -> _Form:
    return _Form(definition, form_fields(definition), not needs_consent(definition), values, lacks_client)


def _group(form: _Form, group: str) -> dict[str, str]:
    return {
        field.name: form.values[field.input_name]
        for field in form.fields
        if field.group == group and form.values.get(field.input_name)
    }


def _page(form: _Form, *, error: str = "", status_code: int = 200) -> Response:
    return render("connect_account.html", form=form, error=error, status_code=status_code)
