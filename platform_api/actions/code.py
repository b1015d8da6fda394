"""Finds what a run of an action executes: the latest version, unsaved source over it, or that of another run."""

import keyword
import re
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.accounts.actor import Actor
from platform_api.actions.models import Action
from platform_api.apps import source
from platform_api.apps.access import get_buildable_app
from platform_api.apps.models import App
from platform_api.apps.source_tree import check_tree
from platform_api.core.errors import Conflict, TooLarge, Unprocessable
from platform_api.core.types import AppId
from platform_api.plugins.bundles import bundle_for
from platform_api.plugins.signatures import CodeError, read_module
from platform_api.runs.drafts import Draft, DraftFiles, check_size, draft_of, overlaid
from platform_api.runs.models import Run

_ENTRY = re.compile(r"(?P<path>[A-Za-z0-9_][A-Za-z0-9_./-]*\.py)(?::(?P<function>[A-Za-z_][A-Za-z0-9_]*))?")
_MAX_ENTRY_LENGTH = 250


class EntryMissing(Conflict):
    """Reports that the file which the action runs is not in the app's latest source."""

    code = "entry_missing"


class CodeRefused(Unprocessable):
    """Reports that the file of an entry is not Python, or does not have the entry's function."""

    code = "code_refused"


class DraftGone(Conflict):
    """Reports that the unsaved source of a run is no longer kept."""

    code = "draft_gone"


@dataclass(frozen=True, slots=True)
class Code:
    """Names what a run executes: the entry, and the digest of the bundle that has it; or a draft over that."""

    entry: str
    bundle: str
    draft: Draft | None = None


async def latest_code(session: AsyncSession, actor: Actor, action: Action, owner: App) -> Code:
    """Returns the action's code in the app's latest source version. Raises Conflict when that has no such file."""
    version = await source.latest_version(session, AppId(owner.id))
    if version is None or entry_path(action.entry) not in version.manifest:
        raise EntryMissing(f"the app's latest source has no {entry_path(action.entry)}, which {action.slug} runs")
    return Code(action.entry, await bundle_for(session, actor, version.digest))


async def draft_code(session: AsyncSession, actor: Actor, action: Action, files: DraftFiles) -> Code:
    """Returns the action's code with unsaved files over the latest version, for who may change the app.

    Raises Forbidden, TooLarge, Unprocessable for what could not be saved either, Conflict without the entry's file.
    """
    app = await get_buildable_app(session, actor, action.app_id)
    check_size(files)
    version = await source.latest_version(session, app.id)
    if version is None:
        raise EntryMissing(f"the app {app.slug} has no source yet; save its first version before a draft is run")
    tree = overlaid(await source.load_files(session, version), files)
    try:
        check_tree(tree)
    except (TooLarge, Unprocessable) as error:
        raise type(error)(error.message.replace("files:", "draft:", 1), field="draft") from error
    if entry_path(action.entry) not in tree:
        raise EntryMissing(f"the draft has no {entry_path(action.entry)}, which {action.slug} runs")
    base = await bundle_for(session, actor, version.digest)
    return Code(action.entry, base, Draft(base, files))


async def repeated_code(session: AsyncSession, actor: Actor, run: Run) -> Code:
    """Returns what `run` executed. Raises DraftGone; Forbidden for a draft of an app that `actor` may not change."""
    if not run.is_draft:
        return Code(run.entry, run.bundle)
    await get_buildable_app(session, actor, run.app_id)
    draft = await draft_of(session, run)
    if draft is None:
        raise DraftGone(f"run {run.id} was of a draft that is no longer kept; run the latest version instead")
    return Code(run.entry, draft.base, draft)


def entry_path(entry: str) -> str:
    """Returns the path of the file that an entry names: `file.py`, run as a script, or `file.py:function`.

    Raises Unprocessable for what is no entry.
    """
    return _matched(entry)["path"]


def check_entry(entry: str, code: str, *, field: str) -> None:
    """Raises CodeRefused unless `code`, the file of `entry`, has the function that the entry names, if it names one.

    `field` is the field that a syntax error is the fault of, which hides whether there is the function. A file that
    runs as a script is taken as it is: half-written code can be saved, and its run says what is wrong.
    """
    match = _matched(entry)
    path, function = match["path"], match["function"]
    if function is None:
        return
    try:
        module = read_module(code, path)
    except CodeError as error:
        raise CodeRefused(f"{field}: {error}", field=field) from error
    if module.may_define(function):
        return
    names = ", ".join(module.function_names)
    present = f"its functions are: {names}" if names else "it has no functions"
    raise CodeRefused(f"entry: {path} has no function {function}; {present}", field="entry")


def _matched(entry: str) -> re.Match[str]:
    match = _ENTRY.fullmatch(entry) if len(entry) <= _MAX_ENTRY_LENGTH else None
    function = match["function"] if match else None
    if match is None or (function is not None and keyword.iskeyword(function)):
        raise Unprocessable(
            f"entry: {entry!r} must be `file.py` or `file.py:function` in the app's source tree", field="entry"
        )
    return match
