"""Loads what the platform has: the source of an app, and the interfaces and plugins of its organization."""

import re
from dataclasses import dataclass, field

from automio._development.folder import Rules, check_path, digest
from automio._development.platform import Development, RemotePlugin
from automio._exceptions import Forbidden
from automio._settings import AppId

INTERFACE = re.compile(r"plugins/interfaces/([A-Za-z_][A-Za-z0-9_]*)\.py")
PLUGINS_FOLDER = "plugins/"
_PLUGIN = re.compile(r"plugins/([^/]+)\.py")


@dataclass
class Remote:
    """Holds the platform's state: files by path, versions and ids of interfaces and plugins."""

    app_id: int
    version: int
    files: dict[str, str]
    versions: dict[str, int] = field(default_factory=dict)
    plugins: dict[str, RemotePlugin] = field(default_factory=dict)
    namespaces: tuple[str, ...] = ()
    has_plugins: bool = True
    notes: list[str] = field(default_factory=list)

    def hashes(self) -> dict[str, str]:
        return {path: digest(text) for path, text in self.files.items()}


def is_plugin_path(path: str) -> bool:
    """Tells whether a path is one of an interface or plugin."""
    return INTERFACE.fullmatch(path) is not None or _PLUGIN.fullmatch(path) is not None


def load_remote(platform: Development, app: AppId, rules: Rules) -> Remote:
    """Loads the files of an app and of its organization's plugins from the platform; checks their paths."""
    app_id = platform.app(app).id
    source = platform.source(app_id)
    remote = Remote(app_id, source.version, {})
    for path, text in source.files.items():
        if path.startswith(PLUGINS_FOLDER) or rules.excludes(path):
            remote.notes.append(
                f"{path} stays on the platform: in the folder it would be a plugin, hidden, or ignored"
            )
            continue
        check_path(path)
        remote.files[path] = text
    try:
        _load_plugins(platform, remote)
    except Forbidden:
        remote.has_plugins = False
        remote.notes.append("interfaces and plugins are left out: the token does not have the scope `build`")
    return remote


def _load_plugins(platform: Development, remote: Remote) -> None:
    interfaces = list(platform.interfaces())
    remote.namespaces = tuple(interface.namespace for interface in interfaces)
    for interface in interfaces:
        path = f"plugins/interfaces/{interface.namespace}.py"
        check_path(path)
        remote.files[path], remote.versions[path] = interface.code, interface.version
        for plugin in platform.plugins(interface.namespace):
            path = f"plugins/{interface.namespace}_{plugin.integration_id}.py"
            check_path(path)
            remote.files[path], remote.versions[path] = plugin.code or "", plugin.version
            remote.plugins[path] = plugin


def namespace_of(path: str) -> str:
    """Returns the namespace of an interface's file."""
    match = INTERFACE.fullmatch(path)
    assert match is not None
    return match[1]
