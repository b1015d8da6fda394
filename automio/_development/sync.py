"""Compares a folder with an app's files and its organization's interfaces and plugins, and synchronizes them.

Three states are compared, path by path: the platform's, the folder's, and the last common one, whose hashes are in
`.automio/sync.json`. A change on one side only is copied to the other; changes on both sides are a conflict, and
neither text is overwritten.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from automio._decode import as_list, as_object
from automio._development.code import capabilities_of, parse
from automio._development.folder import (
    Contents,
    FolderError,
    Rules,
    digest,
    read_folder,
    remove_file,
    write_beside,
    write_file,
)
from automio._development.manifest import MANIFEST, DeclaredAction, ManifestError, check_entries, read_manifest
from automio._development.platform import Development
from automio._development.remote import (
    INTERFACE,
    PLUGINS_FOLDER,
    Remote,
    is_plugin_path,
    load_remote,
    namespace_of,
)
from automio._development.state import Comparison, Pending, State, compare, kept, settled, version_of
from automio._exceptions import ApiError, AutomioError, Conflict
from automio._settings import AppId


class SyncError(AutomioError):
    """Reports that a synchronization would lose a change; the message says what to do, `diff` what is at stake."""

    def __init__(self, message: str, *, hint: str | None = None, diff: str = "") -> None:
        super().__init__(message, hint=hint)
        self.diff = diff


@dataclass(frozen=True)
class Pulled:
    """Describes the outcome of a pull: paths by what happened to them.

    `beside` has files that changed on both sides, with the file that has the platform's version; of those in `gone`
    the platform has none.
    """

    written: list[str]
    removed: list[str]
    kept: list[str]
    beside: dict[str, str]
    gone: list[str]
    notes: list[str]


@dataclass(frozen=True)
class Pushed:
    """Describes the outcome of a push: paths by what happened to them, and the new version of the source tree."""

    changed: list[str]
    removed: list[str]
    version: int
    notes: list[str]
    actions: list[DeclaredAction]


class Workspace:
    """Synchronizes a folder with its app."""

    def __init__(self, root: Path, platform: Development, app: AppId, base_url: str) -> None:
        self._root, self._platform, self._app, self._base_url = root, platform, app, base_url
        self._rules = Rules.of(root)

    def pull(self, *, keep_both: bool = False) -> Pulled:
        """Copies changes of the platform to the folder; raises SyncError when files changed on both sides.

        With `keep_both` the platform's version of those is written to `<file>.theirs`.
        """
        remote = self._load_remote()
        state = self._state(remote)
        contents = self._contents(remote, state)
        local, theirs = _hashes(contents), remote.hashes()
        comparison = compare(self._base(state, remote), local, theirs)
        if comparison.both and not keep_both:
            raise SyncError(
                f"Files changed here and on the platform. Nothing was written.\n{_each(both=comparison.both)}"
                "`automio pull --keep-both` writes the platform's versions to *.theirs beside your files; "
                "--diff shows the differences.",
                diff=self._differences(comparison.both, contents.files, remote.files),
            )
        beside = {
            path: write_beside(self._root, path, remote.files[path])
            for path in comparison.both
            if path in remote.files
        }
        self._write(comparison.theirs, remote, state)
        unseen = {path: value for path, value in state.files.items() if path not in self._base(state, remote)}
        State(
            self._base_url, remote.app_id, remote.version, {**unseen, **theirs}, self._unseen_pending(state, remote)
        ).save(self._root)
        return Pulled(
            written=[path for path in comparison.theirs if path in remote.files],
            removed=[path for path in comparison.theirs if path not in remote.files],
            kept=comparison.mine,
            beside=beside,
            gone=[path for path in comparison.both if path not in remote.files],
            notes=[*remote.notes, *_left_out(contents)],
        )

    def _write(self, paths: Sequence[str], remote: Remote, state: State) -> None:
        """Brings files to what the platform has; when it is interrupted, stores which ones both sides have now."""
        theirs, common = remote.hashes(), dict(state.files)
        try:
            for path in paths:
                if path in remote.files:
                    write_file(self._root, path, remote.files[path])
                    common[path] = theirs[path]
                else:
                    remove_file(self._root, path)
                    common.pop(path, None)
        except BaseException:
            State(self._base_url, remote.app_id, state.version, common, state.pending).save(self._root)
            raise

    def push(self, message: str, *, force: bool = False, delete_plugins: bool = False) -> Pushed:
        """Stores changes of the folder on the platform; raises SyncError when the platform has newer changes.

        With `force` the folder's changes overwrite the platform's; files that only the platform changed stay.
        """
        remote = self._load_remote()
        state = self._state(remote)
        contents = self._contents(remote, state)
        local = _hashes(contents)
        comparison = compare(self._base(state, remote), local, remote.hashes())
        notes = [*remote.notes, *_left_out(contents)]
        if not force:
            notes += self._refuse_newer(comparison, contents, remote)
        changed = [*comparison.mine, *comparison.both]
        actions = _checked(changed, contents)
        state = self._begin_push(remote, state, comparison, contents)
        self._push_plugins(changed, contents.files, remote, delete=delete_plugins, notes=notes)
        version = self._push_source(changed, contents.files, remote, state, message)
        self._remember_push(remote, state, version, changed, contents, delete_plugins=delete_plugins)
        stays = [path for path in changed if is_plugin_path(path) and path not in local and not delete_plugins]
        return Pushed(
            changed=sorted(path for path in changed if path in local),
            removed=sorted(path for path in changed if path not in local and path not in stays),
            version=version,
            notes=[*notes, *(f"{path} stays on the platform; --delete-plugins removes it there" for path in stays)],
            actions=actions,
        )

    def status(self) -> tuple[Comparison, Remote, Contents]:
        """Compares folder and platform; returns the comparison and both states."""
        remote = self._load_remote()
        state = self._state(remote)
        contents = self._contents(remote, state)
        return compare(self._base(state, remote), _hashes(contents), remote.hashes()), remote, contents

    def differences(self, paths: list[str], contents: Contents, remote: Remote) -> str:
        """Returns the differences from the platform's to the folder's files, in the format of `diff -u`."""
        return self._differences(paths, remote.files, contents.files)

    def _load_remote(self) -> Remote:
        return load_remote(self._platform, self._app, self._rules)

    def _state(self, remote: Remote) -> State:
        state = State.load(self._root)
        if state is None:
            return State()
        app_id = remote.app_id
        if (state.base_url, state.app_id) != (self._base_url, app_id):
            raise SyncError(
                f"{self._root} holds app {state.app_id} of {state.base_url}, not app {app_id} of {self._base_url}.",
                hint="Use another folder for another app.",
            )
        return settled(state, remote)

    def _contents(self, remote: Remote, state: State) -> Contents:
        """Reads the files of the folder that are synchronized with the platform."""
        contents = read_folder(self._root, self._rules)
        for path in list(contents.files):
            if path.startswith(PLUGINS_FOLDER) and (not is_plugin_path(path) or not remote.has_plugins):
                del contents.files[path]
        for path in {*state.files, *remote.files} & contents.left_out.keys():
            raise FolderError(f"{path} is {contents.left_out[path]}, but on the platform it is a text file.")
        return contents

    def _base(self, state: State, remote: Remote) -> dict[str, str]:
        """Returns the last common state, without plugins if the token may not see them."""
        return {path: value for path, value in state.files.items() if remote.has_plugins or not is_plugin_path(path)}

    def _refuse_newer(self, comparison: Comparison, contents: Contents, remote: Remote) -> list[str]:
        """Raises SyncError when a push would go over newer changes; returns notes about those that it leaves alone.

        Plugins belong to the organization: those that only others changed are no reason to refuse a push of an app.
        """
        theirs = [path for path in comparison.theirs if not is_plugin_path(path)]
        if theirs or comparison.both:
            raise SyncError(
                f"The platform has newer changes. Nothing was pushed.\n{_each(theirs=theirs, both=comparison.both)}"
                "Run `automio pull` and push again, or overwrite them with `automio push --force`; "
                "--diff shows what a pull would change.",
                diff=self._differences(sorted([*theirs, *comparison.both]), contents.files, remote.files),
            )
        others = [path for path in comparison.theirs if is_plugin_path(path)]
        return [f"{path} is newer on the platform; `automio pull` brings it" for path in others]

    def _differences(self, paths: list[str], before: Mapping[str, str], after: Mapping[str, str]) -> str:
        return "".join(_unified(path, before.get(path), after.get(path)) for path in paths)

    def _unseen_pending(self, state: State, remote: Remote) -> dict[str, Pending]:
        """Returns what is not known of plugins, as long as the token may not see them."""
        return {} if remote.has_plugins else state.pending

    def _begin_push(self, remote: Remote, state: State, comparison: Comparison, contents: Contents) -> State:
        """Stores in the folder what is about to be pushed, and returns that state.

        A push that is interrupted would otherwise leave the state before it. With that, a change by which somebody
        restores the older content would look like no change at all, and the next push would go over it.
        """
        here = _hashes(contents)
        files = kept({**state.files, **{path: here[path] for path in comparison.same if path in here}}, here, remote)
        pending = {
            path: Pending(here.get(path), version_of(path, remote)) for path in (*comparison.mine, *comparison.both)
        }
        begun = State(
            self._base_url, remote.app_id, remote.version, files, {**self._unseen_pending(state, remote), **pending}
        )
        if pending or files != state.files:
            begun.save(self._root)
        return begun

    def _push_source(
        self, changed: list[str], files: Mapping[str, str], remote: Remote, state: State, message: str
    ) -> int:
        changes = {path: files.get(path) for path in changed if not is_plugin_path(path)}
        changes = {path: text for path, text in changes.items() if text is not None or path in remote.files}
        if not changes:
            return remote.version
        try:
            return self._platform.change_source(remote.app_id, changes, remote.version, message)
        except ApiError as error:
            if error.status is not None and error.status < 500:
                # The platform refused it: nothing of it is stored.
                pending = {path: change for path, change in state.pending.items() if is_plugin_path(path)}
                replace(state, pending=pending).save(self._root)
            if not isinstance(error, Conflict):
                raise
            raise SyncError(
                f"A newer version was saved in the meantime: {error}", hint="Run `automio pull` first."
            ) from error

    def _push_plugins(
        self, changed: list[str], files: Mapping[str, str], remote: Remote, *, delete: bool, notes: list[str]
    ) -> None:
        interfaces = [path for path in changed if INTERFACE.fullmatch(path)]
        plugins = [path for path in changed if is_plugin_path(path) and path not in interfaces]
        disabled: set[str] = set()
        for path in interfaces:
            if path in files:
                disabled |= self._push_interface(path, files[path], remote, plugins)
        namespaces = {*remote.namespaces, *(namespace_of(path) for path in interfaces if path in files)}
        for path in plugins:
            if path in files:
                self._push_plugin(path, files[path], remote, namespaces, enable=path in disabled)
            elif delete and path in remote.plugins:
                self._platform.delete_plugin(remote.plugins[path].id)
        for path in interfaces:
            if path not in files and delete and path in remote.files:
                self._platform.delete_interface(namespace_of(path))
        if disabled:
            notes.append(f"changed together with their interface: {', '.join(sorted(disabled))}")

    def _push_interface(self, path: str, code: str, remote: Remote, plugins: list[str]) -> set[str]:
        """Stores an interface; returns the paths of plugins that it disabled and that are pushed next."""
        namespace = namespace_of(path)
        if path not in remote.versions:
            created = self._platform.create_interface(namespace, capabilities_of(code, path), code)
            remote.versions[path] = created.version
            return set()
        try:
            remote.versions[path] = self._platform.change_interface(
                namespace, code, remote.versions[path], False
            ).version
            return set()
        except Conflict as error:
            broken = {f"plugins/{namespace}_{name}.py" for name in _broken(error)}
            if not broken or not broken <= set(plugins):
                raise
        remote.versions[path] = self._platform.change_interface(namespace, code, remote.versions[path], True).version
        return broken

    def _push_plugin(self, path: str, code: str, remote: Remote, namespaces: set[str], *, enable: bool) -> None:
        if (plugin := remote.plugins.get(path)) is not None:
            changed = self._platform.change_plugin(plugin.id, code, remote.versions[path], enable)
            remote.versions[path] = changed.version
            return
        module = path.removeprefix(PLUGINS_FOLDER).removesuffix(".py")
        fitting = [namespace for namespace in namespaces if module.startswith(f"{namespace}_")]
        if not fitting:
            raise SyncError(
                f"{path} is not a plugin: its name does not begin with the namespace of an interface.",
                hint="Plugins are named plugins/<namespace>_<integration id>.py.",
            )
        namespace = max(fitting, key=len)
        created = self._platform.create_plugin(namespace, module.removeprefix(f"{namespace}_"), code)
        remote.versions[path] = created.version

    def _remember_push(
        self,
        remote: Remote,
        state: State,
        version: int,
        changed: list[str],
        contents: Contents,
        *,
        delete_plugins: bool,
    ) -> None:
        # Files that only the platform changed were not pulled yet: they keep their last common hash.
        files = dict(state.files)
        for path in changed:
            if path in contents.files:
                files[path] = digest(contents.files[path])
            elif delete_plugins or not is_plugin_path(path):
                files.pop(path, None)
        State(self._base_url, remote.app_id, version, files, self._unseen_pending(state, remote)).save(self._root)


def _checked(changed: list[str], contents: Contents) -> list[DeclaredAction]:
    """Returns the actions that the folder declares; raises CodeError and ManifestError before anything is stored."""
    files = contents.files
    if MANIFEST in contents.left_out:
        raise ManifestError(f"{MANIFEST} is {contents.left_out[MANIFEST]}.")
    for path in changed:
        if path in files and path.endswith(".py"):
            parse(files[path], path)
    actions = read_manifest(files[MANIFEST]) if MANIFEST in files else []
    check_entries(actions, files)
    return actions


def _each(*, both: list[str], theirs: Sequence[str] = ()) -> str:
    """Returns a line for each file: what changed it."""
    reasons = {**dict.fromkeys(theirs, "changed on the platform"), **dict.fromkeys(both, "changed on both sides")}
    return "".join(f"  {path}: {reasons[path]}\n" for path in sorted(reasons))


def _hashes(contents: Contents) -> dict[str, str]:
    return {path: digest(text) for path, text in contents.files.items()}


def _left_out(contents: Contents) -> Iterator[str]:
    return (f"{path} is left out: {reason}" for path, reason in contents.left_out.items())


def _broken(error: Conflict) -> list[str]:
    broken: list[Any] = as_list(as_object(error.body).get("broken"))
    return [str(as_object(plugin).get("integration_id")) for plugin in broken]


def _unified(path: str, before: str | None, after: str | None) -> str:
    lines = difflib.unified_diff(
        (before or "").splitlines(),
        (after or "").splitlines(),
        fromfile=f"a/{path}" if before is not None else "/dev/null",
        tofile=f"b/{path}" if after is not None else "/dev/null",
        lineterm="",
    )
    return "".join(f"{line}\n" for line in lines)
