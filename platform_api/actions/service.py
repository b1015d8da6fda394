"""Creates, changes, lists and starts actions."""

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor, ActorKind
from platform_api.accounts.models import Role
from platform_api.accounts.slugs import free_slug
from platform_api.actions.access import get_action, is_visible
from platform_api.actions.code import Code, check_entry, draft_code, entry_path, latest_code
from platform_api.actions.input_schema import check_input_schema
from platform_api.actions.models import Action, ActionType, DescribedAction
from platform_api.actions.schemas import ActionCreate, ActionUpdate, RunRequest
from platform_api.apps import source
from platform_api.apps.access import get_buildable_app, get_usable_app, is_own
from platform_api.apps.models import App
from platform_api.core.errors import BadRequest, NameTaken, NotFound, Unprocessable
from platform_api.core.paging import Orders, Part, Window, contains, read_rows
from platform_api.core.types import AppId, TableId
from platform_api.runs.limits import RunLimits
from platform_api.runs.models import BegunBy, Run
from platform_api.runs.service import NewRun, create_run
from platform_api.tables.models import AppTable
from platform_api.tables.repository import get_table

RESERVED_SLUGS = frozenset({"runs", "run-code-stream"})
"""Words that have a meaning where a path can name an action."""
_ORDERS = Orders(
    "actions", Action.id, created_at=Action.id, name=func.lower(Action.name), updated_at=Action.updated_at
)
_BEGUN_BY = {
    ActorKind.SESSION: BegunBy.MANUAL,
    ActorKind.APP_TOKEN: BegunBy.API,
    ActorKind.RUN_TOKEN: BegunBy.SCRIPT,
}


async def list_actions(
    session: AsyncSession,
    actor: Actor,
    app: str | None,
    *,
    search: str | None = None,
    order: str = "created_at",
    window: Window | None = None,
) -> Part[DescribedAction]:
    """Returns a part of an app's actions, by default of the token's, without either of every app.

    Without `window`, all of them; with `search`, those whose name or slug contains it.
    """
    within: object = ""
    statement = (
        select(Action, App, AppTable.name, is_own(actor))
        .join(App, App.id == Action.app_id)
        .outerjoin(AppTable, AppTable.id == Action.table_id)
        .where(is_visible(actor))
    )
    if search:
        statement = statement.where(contains(search, Action.name, Action.slug))
    if app is not None:
        usable_app = await get_usable_app(session, actor, app)
        within = usable_app.id
        statement = statement.where(App.id == usable_app.id)
    part = await read_rows(session, statement, _ORDERS.of(order, within=within), window)
    return part.map(lambda row: DescribedAction(*row, can_view_code=_may_view_code(actor, row[1], is_mine=row[3])))


async def describe_action(session: AsyncSession, actor: Actor, action: Action, app: App) -> DescribedAction:
    """Returns an action as its caller sees it, with its code if they may read that."""
    around = (
        select(is_own(actor), AppTable.name)
        .select_from(App)
        .outerjoin(AppTable, AppTable.id == action.table_id)
        .where(App.id == app.id)
    )
    is_mine, table_name = (await session.execute(around)).one()
    can_view_code = _may_view_code(actor, app, is_mine=is_mine)
    code = await read_code(session, action) if can_view_code else None
    return DescribedAction(action, app, table_name, is_mine, can_view_code, code)


async def create_action(session: AsyncSession, actor: Actor, data: ActionCreate) -> tuple[Action, App]:
    """Creates an action of an app of the caller's organization."""
    check_input_schema(data.input_schema)
    reference = data.app if data.app is not None else actor.app_id
    if reference is None:
        raise Unprocessable("app: say which app the action is for; the token is not bound to one", field="app")
    app = await get_buildable_app(session, actor, reference)
    slug = data.slug or await free_slug(
        session,
        data.name,
        prefix="action",
        taken=select(Action.slug).where(Action.app_id == app.id),
        reserved=RESERVED_SLUGS,
    )
    _check_slug(slug)
    entry = data.entry or (_entry_for(slug) if data.code is not None else None)
    if entry is None:
        raise Unprocessable("entry: name the file to run, or send the `code`", field="entry")
    table_id = await _table_id(session, app, data.table)
    _check_table(data.action_type, table_id)
    await _provide_entry(session, actor, app, entry, data.code)
    statement = (
        insert(Action)
        .values(
            app_id=app.id,
            slug=slug,
            name=data.name,
            description=data.description,
            action_type=data.action_type,
            entry=entry,
            table_id=table_id,
            input_schema=data.input_schema,
            limits=_stored_limits(data.limits),
            allows_retries=data.allows_retries,
            is_public=data.is_public,
            required_confirmation=data.required_confirmation,
            created_by=actor.user_id,
        )
        .on_conflict_do_nothing(index_elements=[Action.app_id, Action.slug])
        .returning(Action)
    )
    action: Action | None = await session.scalar(statement)
    if action is None:
        raise _slug_taken(slug)
    return action, app


async def update_action(
    session: AsyncSession, actor: Actor, reference: str, data: ActionUpdate, *, app: str | None = None
) -> tuple[Action, App]:
    """Changes what the request contains."""
    check_input_schema(data.input_schema)
    action, owner = await _get_buildable(session, actor, reference, app)
    values: dict[str, Any] = data.model_dump(exclude_unset=True, exclude={"table", "code", "limits"})
    # Null changes nothing, except that it removes the input schema.
    values = {name: value for name, value in values.items() if value is not None or name == "input_schema"}
    if "limits" in data.model_fields_set:
        values["limits"] = _stored_limits(data.limits)
    if "table" in data.model_fields_set:
        values["table_id"] = await _table_id(session, owner, data.table)
    if (slug := values.get("slug")) not in (None, action.slug):
        _check_slug(slug)
        taken = select(Action.id).where(Action.app_id == owner.id, Action.slug == slug)
        if await session.scalar(taken) is not None:
            raise _slug_taken(slug)
    _check_table(values.get("action_type", action.action_type), values.get("table_id", action.table_id))
    if data.entry is not None or data.code is not None:
        await _provide_entry(session, actor, owner, data.entry or action.entry, data.code)
    for name, value in values.items():
        setattr(action, name, value)
    await session.flush()
    return action, owner


async def delete_action(session: AsyncSession, actor: Actor, reference: str, *, app: str | None = None) -> None:
    """Removes an action. Its runs stay, and a run that is under way continues."""
    action, _ = await _get_buildable(session, actor, reference, app)
    await session.delete(action)
    await session.flush()


async def run_action(
    session: AsyncSession, actor: Actor, reference: str, data: RunRequest, *, app: str | None = None
) -> Run:
    """Queues a run of the app's latest source version, or of a draft, for the organization the caller acts in."""
    action, owner = await get_action(session, actor, reference, app=app)
    await get_usable_app(session, actor, owner.id)
    if data.language == "javascript":
        raise BadRequest("language: actions are Python; javascript is not supported", field="language")
    environment = {} if data.connection_id is None else {"CONNECTION_ID": data.connection_id}
    code = None if data.draft is None else await draft_code(session, actor, action, data.draft)
    return await start_action(session, actor, action, owner, event=data.event(), environment=environment, code=code)


async def start_action(
    session: AsyncSession,
    actor: Actor,
    action: Action,
    owner: App,
    *,
    event: dict[str, Any],
    environment: dict[str, str] | None = None,
    begun_by: BegunBy | None = None,
    repeated: Run | None = None,
    code: Code | None = None,
    trigger_id: int | None = None,
) -> Run:
    """Queues a run of an action that `actor` may see, of an app that they may use.

    `begun_by` is by default what the actor's credential says; `code` that of the app's latest source version. Raises
    Conflict when that has no such file.
    """
    code = code or await latest_code(session, actor, action, owner)
    is_owners = await session.scalar(select(App.id).where(App.id == owner.id, is_own(actor))) is not None
    number = await session.scalar(
        update(Action)
        .where(Action.id == action.id)
        .values(last_run_number=Action.last_run_number + 1, updated_at=Action.updated_at)
        .returning(Action.last_run_number)
        .execution_options(synchronize_session=False)
    )
    assert number is not None
    return await create_run(
        session,
        NewRun(
            action_id=action.id,
            action_type=action.action_type,
            number=number,
            app_id=AppId(owner.id),
            organization_id=actor.organization_id,
            user_id=actor.user_id,
            entry=code.entry,
            bundle=code.bundle,
            event=event,
            environment=environment or {},
            limits=RunLimits(**action.limits),
            reaches_installs=is_owners and action.action_type.works_for_installs,
            allows_retries=action.allows_retries,
            begun_by=begun_by or _BEGUN_BY[actor.kind],
            started_by_run_id=actor.run_id,
            rerun_of_run_id=None if repeated is None else repeated.id,
            trigger_id=trigger_id,
            draft=code.draft,
        ),
    )


async def read_code(session: AsyncSession, action: Action) -> str | None:
    """Returns the content of the entry's file in the latest version."""
    version = await source.latest_version(session, action.app_id)
    path = entry_path(action.entry)
    return None if version is None or path not in version.manifest else await source.load_file(session, version, path)


def _may_view_code(actor: Actor, app: App, *, is_mine: bool) -> bool:
    """Returns true for the owning organization's builders, and for anybody who sees an open-source app."""
    return app.is_open_source or (is_mine and actor.role.includes(Role.BUILDER))


async def _get_buildable(session: AsyncSession, actor: Actor, reference: str, app: str | None) -> tuple[Action, App]:
    action, owner = await get_action(session, actor, reference, app=app)
    return action, await get_buildable_app(session, actor, owner.id)


async def _provide_entry(session: AsyncSession, actor: Actor, app: App, entry: str, code: str | None) -> None:
    """Makes sure that the source tree has the entry's file and function; `code` is saved there as a new version."""
    path = entry_path(entry)
    if code is not None:
        check_entry(entry, code, field="code")
    latest = await source.latest_version(session, AppId(app.id))
    if code is not None:
        await source.apply_changes(
            session,
            app,
            {path: code},
            base_version=latest.number if latest is not None else 0,
            author_id=actor.user_id,
            message=f"{path} saved with its action",
        )
    elif latest is None or path not in latest.manifest:
        raise Unprocessable(
            f"entry: the app's latest source has no {path}; save it first, or send the `code`", field="entry"
        )
    elif ":" in entry:
        check_entry(entry, await source.load_file(session, latest, path), field="entry")


async def _table_id(session: AsyncSession, app: App, table: int | str | None) -> TableId | None:
    if table is None or table == "":
        return None
    if isinstance(table, str):
        return (await get_table(session, AppId(app.id), table)).id
    table_id = await session.scalar(select(AppTable.id).where(AppTable.app_id == app.id, AppTable.id == table))
    if table_id is None:
        raise NotFound(f"the app has no table {table}", field="table")
    return TableId(table_id)


def _check_table(action_type: ActionType, table_id: TableId | None) -> None:
    if action_type is ActionType.TABLE and table_id is None:
        raise Unprocessable("table: a table action needs the table it works on", field="table")


def _entry_for(slug: str) -> str:
    """Returns where the code of an action is kept that came without an entry."""
    return f"actions/{slug.replace('-', '_')}.py"


def _check_slug(slug: str) -> None:
    if slug in RESERVED_SLUGS:
        raise NameTaken(f"slug: {slug!r} is a reserved word; choose another", field="slug")


def _slug_taken(slug: str) -> NameTaken:
    return NameTaken(f"slug: the app has an action {slug!r} already", field="slug")


def _stored_limits(limits: RunLimits | None) -> dict[str, Any]:
    return {} if limits is None else limits.model_dump(exclude_unset=True)
