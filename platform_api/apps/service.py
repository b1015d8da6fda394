"""Creates, lists and changes apps."""

from typing import Any

from sqlalchemy import Select, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.accounts.models import Organization
from platform_api.accounts.slugs import free_slug
from platform_api.accounts.tenancy import visible_to
from platform_api.apps.access import get_buildable_app, get_source_readable_app, is_installed, is_own, is_within_token
from platform_api.apps.models import App, DescribedApp, Install, InstallStatus
from platform_api.apps.schemas import ApplicationUpdate, ApplicationWrite, AppListing
from platform_api.apps.source import latest_version, load_files, save_tree
from platform_api.core.errors import Conflict, Forbidden, NameTaken
from platform_api.core.paging import Orders, Part, Window, contains, read_rows

RESERVED_SLUGS = frozenset(
    {
        *("graphql", "table-tags", "csv-imports", "csv-exports", "from-file"),
        *("migrations", "permissions", "installs", "v1"),
    }
)
"""Lists words that take the place of an app's slug in some paths."""
_ORDERS = Orders("apps", App.id, created_at=App.id, name=func.lower(App.name), updated_at=App.updated_at)


async def create_app(session: AsyncSession, actor: Actor, data: ApplicationWrite) -> DescribedApp:
    """Creates an app of the organization acted in; a fork starts with the other app's latest source.

    Raises NameTaken when the slug is taken, or when none is given and the organization has an app of this name;
    NotFound when the caller cannot read the source to fork.
    """
    if actor.app_id is not None:
        raise Forbidden(f"this token is bound to app {actor.app_id}; it cannot create another")
    original = None
    if data.forked_from is not None:
        original = await get_source_readable_app(session, actor, data.forked_from)
    values: dict[str, Any] = data.model_dump(exclude_unset=True)
    if data.slug is None:
        await _refuse_same_name(session, actor, data.name)
    # tenancy: app slugs are unique on the whole platform
    taken = select(App.slug)
    values["slug"] = data.slug or await free_slug(
        session, data.name, prefix="app", taken=taken, reserved=RESERVED_SLUGS
    )
    if values["slug"] in RESERVED_SLUGS:
        raise NameTaken(f"slug: {values['slug']!r} is a reserved word; choose another", field="slug")
    statement = (
        insert(App).values(organization_id=actor.organization_id, **values).on_conflict_do_nothing().returning(App)
    )
    app: App | None = await session.scalar(statement)
    if app is None:
        raise NameTaken(f"slug: {values['slug']!r} is taken; app slugs are unique on the platform", field="slug")
    if original is not None and (version := await latest_version(session, original.id)) is not None:
        files = await load_files(session, version)
        message = f"forked from {original.slug}, version {version.number}"
        await save_tree(session, app, files, base_version=0, author_id=actor.user_id, message=message)
    return await describe_app(session, actor, app)


async def list_apps(
    session: AsyncSession, actor: Actor, *, show: AppListing, search: str | None, order: str, window: Window
) -> Part[DescribedApp]:
    """Returns a part of the apps, of those whose name or slug contains `search`."""
    condition = {
        AppListing.USABLE: or_(is_own(actor), is_installed(actor)),
        AppListing.OWN: is_own(actor),
        AppListing.INSTALLED: is_installed(actor),
        AppListing.PUBLIC: App.is_public & App.is_active,
    }[show]
    statement = _described(actor).where(condition, is_within_token(actor))
    if search:
        statement = statement.where(contains(search, App.name, App.slug))
    part = await read_rows(session, statement, _ORDERS.of(order), window)
    return part.map(lambda row: DescribedApp(*row))


async def update_app(
    session: AsyncSession, actor: Actor, reference: int | str, data: ApplicationUpdate
) -> DescribedApp:
    """Changes the given settings. Raises Conflict for another slug, which URLs and webhooks contain."""
    app = await get_buildable_app(session, actor, reference)
    values = data.model_dump(exclude_unset=True, exclude={"slug", "forked_from"})
    if data.name is None:
        values.pop("name", None)
    if data.slug not in (None, app.slug):
        raise Conflict(f"slug: an app keeps its slug ({app.slug}); URLs and webhooks contain it", field="slug")
    for name, value in values.items():
        setattr(app, name, value)
    await session.flush()
    return await describe_app(session, actor, app)


async def describe_app(session: AsyncSession, actor: Actor, app: App) -> DescribedApp:
    """Returns the app with its relation to the caller's organization."""
    row = (await session.execute(_described(actor).where(App.id == app.id))).one()
    return DescribedApp(*row)


async def _refuse_same_name(session: AsyncSession, actor: Actor, name: str) -> None:
    """Raises NameTaken when the organization has an app of this name: people would not tell them apart."""
    same = select(App.slug).where(is_own(actor), func.lower(App.name) == func.lower(name)).order_by(App.id).limit(1)
    if (slug := await session.scalar(same)) is not None:
        raise NameTaken(
            f"name: your organization has an app {name!r} already ({slug}); choose another name, or give a `slug`",
            field="name",
        )


def _described(actor: Actor) -> Select[App, str, bool, InstallStatus | None]:
    """Selects the columns of `DescribedApp`; the caller adds the condition on apps."""
    status = select(Install.status).where(Install.app_id == App.id, visible_to(actor, Install.organization_id))
    return select(App, Organization.slug, is_own(actor), status.scalar_subquery()).join(
        Organization, Organization.id == App.organization_id
    )
