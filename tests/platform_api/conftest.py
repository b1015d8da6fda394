"""Fixtures of the control plane's tests.

The migrations run once per test process, into a template database; every test (or module) gets a copy of it. The
application is the real one, with its lifespan, called without a socket.
"""

import asyncio
import atexit
import functools
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import httpx
import pytest
import structlog

from platform_api.accounts.models import Membership, Organization, Role, Scope, User
from platform_api.accounts.service import create_organization as store_organization
from platform_api.accounts.service import create_user as store_user
from platform_api.accounts.tokens import issue_app_token, issue_run_token
from platform_api.apps.models import App, Install, InstallStatus
from platform_api.core.database import Database
from platform_api.core.settings import Settings
from platform_api.core.types import AppId, OrganizationId, RunId, UserId
from platform_api.migrations import migrate
from platform_api.supervisor.postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from platform_api.app import ControlPlane

TEST_SECRET_KEY = "0123456789abcdef-only-for-tests-0123456789"
BASE_URL = "http://platform.test"

_numbers = itertools.count(1)

# Our log lines become ordinary records that pytest captures (`caplog`): event name as message, fields as attributes.
structlog.configure(
    processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.render_to_log_kwargs],
    wrapper_class=structlog.stdlib.BoundLogger,
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=False,
)
LOGIN, LOGIN_PASSWORD = "platform_login", "platform-login-password"


async def _admin(server: EmbeddedPostgres, *statements: str) -> None:
    connection = await asyncpg.connect(server.url())
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _drop(name: str) -> str:
    return f'drop database if exists "{name}" with (force)'


@pytest.fixture(scope="session")
def migrated_template(postgres: EmbeddedPostgres) -> str:
    """Name of a database with every migration applied, owned by an ordinary (not superuser) login."""
    return _migrated_template(postgres)


@functools.cache
def _migrated_template(postgres: EmbeddedPostgres) -> str:
    """Made once in a process, whichever rooms of tests take the fixture."""
    name = f"platform_template_{os.getpid()}"
    asyncio.run(
        _admin(
            postgres,
            # Test workers share the server: another one may be making the role just now.
            f"do $$ begin create role {LOGIN} login createrole password '{LOGIN_PASSWORD}';"
            " exception when duplicate_object or unique_violation then null; end $$",
            # On a server where another login's migration made the role, its administrator has to hand it out.
            "do $$ begin if exists (select from pg_roles where rolname = 'automio_engine') then"
            f" grant automio_engine to {LOGIN}; end if; end $$",
            f'create database "{name}" owner {LOGIN}',
        )
    )
    asyncio.run(migrate(postgres.url(name, user=LOGIN, password=LOGIN_PASSWORD)))
    return name


@pytest.fixture(scope="session")
def copy_platform_database(postgres: EmbeddedPostgres, migrated_template: str) -> Callable[[], tuple[str, str]]:
    """Makes a copy of the template; returns its name and its URL as the platform's login. The caller drops it."""

    def copy() -> tuple[str, str]:
        name = f"platform_{os.getpid()}_{next(_numbers)}"
        asyncio.run(_admin(postgres, f'create database "{name}" template "{migrated_template}" owner {LOGIN}'))
        return name, postgres.url(name, user=LOGIN, password=LOGIN_PASSWORD)

    return copy


@pytest.fixture
def platform_database_url(
    postgres: EmbeddedPostgres, copy_platform_database: Callable[[], tuple[str, str]]
) -> Iterator[str]:
    """A migrated database of the test's own."""
    name, url = copy_platform_database()
    yield url
    asyncio.run(_admin(postgres, _drop(name)))


@pytest.fixture(scope="module")
def module_database_url(
    postgres: EmbeddedPostgres, copy_platform_database: Callable[[], tuple[str, str]]
) -> Iterator[str]:
    """A migrated database that the tests of one module share; they must not depend on each other's rows."""
    name, url = copy_platform_database()
    yield url
    asyncio.run(_admin(postgres, _drop(name)))


@functools.cache
def _files_directory() -> Path:
    """Where this process's platforms store files."""
    directory = Path(tempfile.mkdtemp(prefix="amf-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def make_settings(database_url: str, **changes: Any) -> Settings:
    """Settings of a control plane under test."""
    values: dict[str, Any] = {
        "database_url": database_url,
        "secret_keys": TEST_SECRET_KEY,
        "public_url": BASE_URL,
        "allow_private_upstreams": True,
        "database_pool_size": 4,
        "files_dir": _files_directory(),
        # Tests store history of any age.
        "runs_days": 0,
        "run_logs_days": 0,
        **changes,
    }
    return Settings(**values)


@dataclass(frozen=True, slots=True)
class Caller:
    """A user of one organization with a token for it."""

    organization_id: OrganizationId
    organization_slug: str
    user_id: UserId
    email: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"App-Token {self.token}"}


class Platform:
    """A running control plane: its application, its database and factories for what tests need to exist."""

    password = "correct horse battery"

    def __init__(self, app: "ControlPlane") -> None:
        self.app = app
        self.settings = app.services[Settings]
        self.database = app.services[Database]

    def client(self, caller: Caller | None = None, **options: Any) -> httpx.AsyncClient:
        """An HTTP client of the application, as `caller` when one is given. Close it, or use `async with`."""
        headers = {**(caller.headers if caller else {}), **options.pop("headers", {})}
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, base_url=BASE_URL, headers=headers, **options)

    async def create_user(self, *, email: str | None = None, is_operator: bool = False) -> User:
        """A user without memberships, with `Platform.password`."""
        email = email or f"user{next(_numbers)}@example.com"
        async with self.database.transaction() as session:
            user = await store_user(session, email=email, password=None, is_operator=is_operator)
            user.password_hash = _password_hash()
            return user

    async def create_organization(self, *, owner: User | None = None, slug: str | None = None) -> Organization:
        """An organization with `owner`, or with an owner of its own."""
        owner = owner or await self.create_user()
        slug = slug or f"org-{next(_numbers)}"
        async with self.database.transaction() as session:
            return await store_organization(session, name=slug.title(), slug=slug, owner_id=owner.id)

    async def add_member(self, organization: Organization, user: User, role: Role) -> None:
        """Makes `user` a member."""
        async with self.database.transaction() as session:
            session.add(Membership(user_id=user.id, organization_id=organization.id, role=role))

    async def create_token(
        self,
        organization: Organization,
        user: User,
        *,
        scopes: list[Scope] | None = None,
        app_id: AppId | None = None,
        **fields: Any,
    ) -> str:
        """The secret of an app token, by default with every scope."""
        async with self.database.transaction() as session:
            issued = await issue_app_token(
                session,
                organization_id=organization.id,
                user_id=user.id,
                scopes=list(Scope) if scopes is None else scopes,
                app_id=app_id,
                **fields,
            )
            return issued.secret

    async def create_run_token(self, caller: Caller, app: App, *, run_id: int | None = None) -> str:
        """The secret of a token as a script of one of the caller's runs has it."""
        async with self.database.transaction() as session:
            return await issue_run_token(
                session,
                organization_id=caller.organization_id,
                user_id=caller.user_id,
                app_id=app.id,
                run_id=RunId(run_id or next(_numbers)),
                lifetime=timedelta(hours=1),
            )

    async def create_caller(
        self,
        *,
        organization: Organization | None = None,
        role: Role = Role.OWNER,
        scopes: list[Scope] | None = None,
        app_id: AppId | None = None,
        is_operator: bool = False,
    ) -> Caller:
        """A new user with `role`, in `organization` or in a new one, and a token."""
        user = await self.create_user(is_operator=is_operator)
        if organization is None:
            organization = await self.create_organization(owner=user if role is Role.OWNER else None)
            if role is not Role.OWNER:
                await self.add_member(organization, user, role)
        else:
            await self.add_member(organization, user, role)
        token = await self.create_token(organization, user, scopes=scopes, app_id=app_id)
        return Caller(organization.id, organization.slug, user.id, user.email, token)

    async def create_colleague(
        self,
        caller: Caller,
        role: Role,
        *,
        scopes: list[Scope] | None = None,
        app_id: AppId | None = None,
    ) -> Caller:
        """Another user of the caller's organization, with `role` and a token."""
        async with self.database.transaction() as session:
            organization = await session.get_one(Organization, caller.organization_id)
        return await self.create_caller(organization=organization, role=role, scopes=scopes, app_id=app_id)

    async def create_app(self, caller: Caller, *, slug: str | None = None, is_public: bool = False) -> App:
        """An app of the caller's organization."""
        slug = slug or f"app{next(_numbers)}"
        async with self.database.transaction() as session:
            app = App(organization_id=caller.organization_id, slug=slug, name=slug.title(), is_public=is_public)
            session.add(app)
            await session.flush()
            return app

    async def install(self, app: App, caller: Caller, *, status: InstallStatus = InstallStatus.ACTIVE) -> None:
        """Installs `app` for the caller's organization."""
        async with self.database.transaction() as session:
            session.add(
                Install(app_id=app.id, organization_id=caller.organization_id, status=status, accepted_access="")
            )


def _password_hash() -> str:
    """The hash of `Platform.password`: made once, because argon2 is slow on purpose."""
    global _hash
    if _hash is None:
        from argon2 import PasswordHasher

        _hash = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(Platform.password)
    return _hash


_hash: str | None = None


@asynccontextmanager
async def running_platform(settings: Settings) -> AsyncIterator[Platform]:
    """A control plane with its lifespan started."""
    from platform_api.app import create_app  # local: it takes seconds, which `make unit` has no use for

    app = create_app(settings)
    async with app.api.router.lifespan_context(app.api):
        yield Platform(app)


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests (marked `pytest.mark.anyio`) and async fixtures run on asyncio."""
    return "asyncio"


@pytest.fixture
async def platform(platform_database_url: str) -> AsyncIterator[Platform]:
    """A control plane on a fresh database."""
    async with running_platform(make_settings(platform_database_url)) as running:
        yield running


@pytest.fixture(scope="module")
async def shared_platform(module_database_url: str, anyio_backend: str) -> AsyncIterator[Platform]:
    """A control plane for all tests of a module: each test makes organizations of its own."""
    async with running_platform(make_settings(module_database_url)) as running:
        yield running
