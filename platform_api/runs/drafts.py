"""Keeps the unsaved source that runs of a draft execute, together with these runs."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from platform_api.core.errors import TooLarge
from platform_api.plugins.bundles import load_bundle
from platform_api.runs.models import Run, RunDraft, RunState

MAX_DRAFT_BYTES = 1024 * 1024
"""Bytes of all files of a draft: it is stored with each of its runs."""
MAX_DRAFT_FILES = 100
_MAX_KEPT = 100
"""Drafts of an app that are kept; of older runs that have ended, the source is deleted."""

DraftFiles = Mapping[str, str | None]
"""Maps paths to text; None: the file is not there."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Holds unsaved files over the bundle `base`."""

    base: str
    files: DraftFiles

    @property
    def digest(self) -> str:
        """Returns what the runner requests the whole by; it differs from the digest of any saved tree."""
        canonical = json.dumps(["draft", self.base, sorted(self.files.items())], separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def check_size(files: DraftFiles) -> None:
    """Raises TooLarge for more than may be stored with each run."""
    if len(files) > MAX_DRAFT_FILES:
        raise TooLarge(f"draft: {len(files)} files; at most {MAX_DRAFT_FILES} may be unsaved", field="draft")
    size = sum(len(text.encode(errors="replace")) for text in files.values() if text is not None)
    if size > MAX_DRAFT_BYTES:
        raise TooLarge(
            f"draft: {size} bytes; at most {MAX_DRAFT_BYTES} may be unsaved: save a version first", field="draft"
        )


async def store_draft(session: AsyncSession, run: Run, draft: Draft) -> None:
    """Keeps the draft with its run, and deletes the oldest drafts of the app that nothing needs any more."""
    session.add(
        RunDraft(run_id=run.id, app_id=run.app_id, digest=draft.digest, base=draft.base, files=dict(draft.files))
    )
    await session.flush()
    kept = (
        select(RunDraft.run_id).where(RunDraft.app_id == run.app_id).order_by(RunDraft.run_id.desc()).limit(_MAX_KEPT)
    )
    ended = select(Run.id).where(
        Run.id == RunDraft.run_id, Run.state.in_([RunState.COMPLETED, RunState.FAILED, RunState.STOPPED])
    )
    await session.execute(
        delete(RunDraft)
        .where(RunDraft.app_id == run.app_id, RunDraft.run_id.not_in(kept), ended.exists())
        .execution_options(synchronize_session=False)
    )


async def draft_of(session: AsyncSession, run: Run) -> Draft | None:
    """Returns the draft that a run executes; None where it is no longer kept."""
    stored = await session.get(RunDraft, run.id)
    return None if stored is None else Draft(stored.base, stored.files)


async def load_run_bundle(session: AsyncSession, digest: str) -> dict[str, str]:
    """Returns the files of what a run executes, text by path, saved or not. Raises NotFound."""
    # Equal digests are equal trees, whichever run's draft is used.
    draft = await session.scalar(select(RunDraft).where(RunDraft.digest == digest).limit(1))
    if draft is None:
        return await load_bundle(session, digest)
    return overlaid(await load_bundle(session, draft.base), draft.files)


def overlaid(files: Mapping[str, str], draft: Mapping[str, Any]) -> dict[str, str]:
    """Returns a tree with the files of a draft over it."""
    return {path: text for path, text in {**files, **draft}.items() if text is not None}
