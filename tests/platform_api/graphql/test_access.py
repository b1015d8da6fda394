"""Which role and which organizations a caller gets; and that a client's headers only ever narrow that."""

from datetime import timedelta
from typing import Any

import pytest

from hasura.engine.session import Session
from platform_api.accounts.authentication import authenticate_token
from platform_api.accounts.models import Role, Scope
from platform_api.accounts.tokens import issue_run_token
from platform_api.apps.models import App, InstallStatus
from platform_api.core.errors import BadRequest, Forbidden, NotFound
from platform_api.core.types import RunId
from platform_api.graphql.access import app_of, graphql_session, narrow
from tests.platform_api.conftest import Caller, Platform

pytestmark = pytest.mark.anyio

SINGLE = Session(
    "app_7",
    {"x-hasura-role": "app_7", "x-hasura-organization-id": "1", "x-hasura-user-id": "5"},
    root_prefix="app_7_",
)
SPAN = Session(
    "app_7_span",
    {
        "x-hasura-role": "app_7_span",
        "x-hasura-organization-id": "1",
        "x-hasura-organization-ids": "{1,2,3}",
        "x-hasura-user-id": "5",
    },
    root_prefix="app_7_",
)


async def session_of(platform: Platform, secret: str, app: int | str | None) -> Session:
    async with platform.database.transaction() as session:
        return await graphql_session(session, await authenticate_token(session, secret), app)


async def run_token(platform: Platform, caller: Caller, app: App, **options: Any) -> str:
    async with platform.database.transaction() as session:
        return await issue_run_token(
            session,
            organization_id=caller.organization_id,
            user_id=caller.user_id,
            app_id=app.id,
            run_id=RunId(1),
            lifetime=timedelta(minutes=5),
            **options,
        )


async def test_members_of_owner_and_installer_reach_their_own_organization(shared_platform: Platform) -> None:
    owner, installer = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    await shared_platform.install(app, installer)
    for caller in (owner, installer):
        session = await session_of(shared_platform, caller.token, app.id)
        assert session.role == f"app_{app.id}"
        assert not session.is_admin
        assert session.variables == {
            "x-hasura-role": f"app_{app.id}",
            "x-hasura-organization-id": str(caller.organization_id),
            "x-hasura-user-id": str(caller.user_id),
        }


async def test_a_stranger_a_suspended_install_and_a_public_app_give_no_session(shared_platform: Platform) -> None:
    owner, other = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner, is_public=True)
    with pytest.raises(NotFound):
        await session_of(shared_platform, other.token, app.id)
    await shared_platform.install(app, other, status=InstallStatus.SUSPENDED)
    with pytest.raises(Forbidden, match="suspended"):
        await session_of(shared_platform, other.token, app.id)


async def test_a_bound_token_chooses_its_app_and_no_other(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller()
    app, other = await shared_platform.create_app(owner), await shared_platform.create_app(owner)
    bound = await shared_platform.create_colleague(owner, role=Role.OWNER, app_id=app.id)
    assert (await session_of(shared_platform, bound.token, None)).role == f"app_{app.id}"
    with pytest.raises(Forbidden, match="bound to app"):
        await session_of(shared_platform, bound.token, other.id)
    with pytest.raises(BadRequest, match="not bound to an app"):
        await session_of(shared_platform, owner.token, None)


async def test_a_token_without_the_scope_data_reads_no_rows(shared_platform: Platform) -> None:
    owner = await shared_platform.create_caller(scopes=[Scope.BUILD, Scope.RUN])
    app = await shared_platform.create_app(owner)
    with pytest.raises(Forbidden, match="scope data"):
        await session_of(shared_platform, owner.token, app.id)


async def test_an_owners_script_reaches_exactly_the_active_installs(shared_platform: Platform) -> None:
    owner, first, second, suspended, stranger = [await shared_platform.create_caller() for _ in range(5)]
    app = await shared_platform.create_app(owner)
    for installer in (first, second):
        await shared_platform.install(app, installer)
    await shared_platform.install(app, suspended, status=InstallStatus.SUSPENDED)
    secret = await run_token(shared_platform, owner, app, reaches_installs=True)
    session = await session_of(shared_platform, secret, app.id)
    reached = sorted(caller.organization_id for caller in (owner, first, second))
    assert session.role == f"app_{app.id}_span"
    assert session.variables["x-hasura-organization-ids"] == "{" + ",".join(map(str, reached)) + "}"
    assert session.variables["x-hasura-organization-id"] == str(owner.organization_id)
    assert stranger.organization_id not in reached


async def test_an_installers_script_and_an_ordinary_run_reach_one_organization(shared_platform: Platform) -> None:
    owner, installer = await shared_platform.create_caller(), await shared_platform.create_caller()
    app = await shared_platform.create_app(owner)
    await shared_platform.install(app, installer)
    for secret in (
        await run_token(shared_platform, installer, app, reaches_installs=True),
        await run_token(shared_platform, owner, app),
    ):
        session = await session_of(shared_platform, secret, app.id)
        assert session.role == f"app_{app.id}"
        assert "x-hasura-organization-ids" not in session.variables


def test_headers_that_say_what_is_so_anyway_change_nothing() -> None:
    assert narrow(SINGLE, {}) is SINGLE
    for requested in (
        {"x-hasura-role": "app_7", "x-hasura-organization-id": "1"},
        {"x-hasura-user-id": "99", "x-hasura-anything": "x"},
    ):
        narrowed = narrow(SINGLE, requested)
        assert (narrowed.role, narrowed.variables, narrowed.is_admin) == (SINGLE.role, SINGLE.variables, False)


@pytest.mark.parametrize(
    "requested",
    [
        {"x-hasura-role": "admin"},
        {"x-hasura-role": "app_8"},
        {"x-hasura-role": "app_7_span"},
        {"x-hasura-role": ""},
        {"x-hasura-organization-id": "2"},
        {"x-hasura-organization-id": ""},
        {"x-hasura-organization-id": "1,2"},
        {"x-hasura-organization-id": " 1"},
        {"x-hasura-organization-ids": "{1,2}"},
        {"x-hasura-organization-ids": "{}"},
        {"x-hasura-organization-ids": "{1},{2}"},
    ],
)
def test_headers_that_would_widen_or_move_a_session_are_refused(requested: dict[str, str]) -> None:
    with pytest.raises(Forbidden, match="not"):
        narrow(SINGLE, requested)


def test_a_span_session_can_be_narrowed_to_fewer_organizations_or_to_one() -> None:
    fewer = narrow(SPAN, {"x-hasura-organization-ids": "{3, 1}"})
    assert fewer.variables["x-hasura-organization-ids"] == "{3,1}"
    one = narrow(SPAN, {"x-hasura-role": "app_7", "x-hasura-organization-id": "2"})
    assert one.role == one.variables["x-hasura-role"] == "app_7"
    assert one.variables["x-hasura-organization-id"] == "2"
    assert "x-hasura-organization-ids" not in one.variables
    for beyond in ({"x-hasura-organization-ids": "{1,4}"}, {"x-hasura-organization-id": "4"}):
        with pytest.raises(Forbidden):
            narrow(SPAN, beyond)


def test_a_limited_session_keeps_its_role_whatever_it_names() -> None:
    limited = Session(
        "app_7_member",
        {
            "x-hasura-role": "app_7_member",
            "x-hasura-organization-id": "1",
            "x-hasura-user-id": "5",
            "x-hasura-limits": "1-1-1",
        },
        root_prefix="app_7_",
    )
    assert app_of(limited) == app_of(SINGLE) == app_of(SPAN) == "7"
    for role in ("app_7", "app_7_member"):
        assert narrow(limited, {"x-hasura-role": role}) == limited
    for role in ("app_7_span", "app_7_builder", "admin", "app_8_member"):
        with pytest.raises(Forbidden):
            narrow(limited, {"x-hasura-role": role})
    with pytest.raises(Forbidden):
        narrow(SINGLE, {"x-hasura-role": "app_7_member"})
