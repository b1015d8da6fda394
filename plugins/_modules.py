"""Finds and loads plugin modules."""

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any, Protocol

from plugins._api import current_api

_FOLDERS = (".plugins", "plugins")
_INTERFACES = "interfaces"
_INHERITED = "__inherited__"


class FoundModule(Protocol):
    """A module that a source has: its code, the file that shows it, and the namespace of a plugin's interface."""

    @property
    def code(self) -> bytes: ...
    @property
    def file(self) -> str: ...
    @property
    def interface(self) -> str | None: ...


Source = Callable[[str, Any], FoundModule | None]
"""Gives the module of a name below `plugins` (`interfaces.orders`), for the client that plugins use, if any."""


class _Sources:
    """Where modules come from that no folder has."""

    def __init__(self) -> None:
        self.chosen: Source | None = None
        self._is_looking = False

    def find(self, name: str) -> FoundModule | None:
        # What a source imports itself is none of its modules.
        if self._is_looking:
            return None
        self._is_looking = True
        try:
            source = self.chosen or _source_of_client()
            return None if source is None else source(name, current_api.client)
        finally:
            self._is_looking = False


def _source_of_client() -> Source | None:
    """By name, as these modules are used with whichever client is installed; older ones have none."""
    try:
        source: Source = importlib.import_module("automio._plugin_modules").find_module
    except ImportError:
        return None
    return source


_sources = _Sources()


def use_source(source: Source | None) -> None:
    """Makes `source` the place where modules come from that no folder has; None for the client's own."""
    _sources.chosen = source


def install(package: str) -> None:
    """Lets the import system ask here for the submodules of `package`."""
    sys.meta_path.insert(0, _Finder(package))


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, package: str) -> None:
        self._package = package
        self._module = sys.modules[package]
        self._own = Path(__file__).resolve().parent

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Interfaces and plugins only; the package's own modules are found as usual."""
        package, _, name = fullname.partition(".")
        # Somebody else's package of this name has its own way.
        if package != self._package or not name or sys.modules.get(package) is not self._module:
            return None
        if name.startswith(f"{_INTERFACES}."):
            return self._spec(fullname, name.replace(".", "/", 1), None) or self._spec_of_source(fullname, name)
        if name == _INTERFACES or "." in name:
            return None
        found = self._spec(fullname, name, self._interface_of(name))
        # Only plugins have a `_` in the middle; a name that begins with one is a module of this package.
        if found is None and "_" in name.strip("_") and not (self._own / f"{name}.py").is_file():
            return self._spec_of_source(fullname, name)
        return found

    def _spec(self, fullname: str, file: str, interface: str | None) -> importlib.machinery.ModuleSpec | None:
        found = next((path for folder in self._folders() if (path := folder / f"{file}.py").is_file()), None)
        if found is None:
            return None
        return importlib.util.spec_from_file_location(
            fullname, found, loader=_Loader(fullname, str(found), interface=interface)
        )

    def _spec_of_source(self, fullname: str, name: str) -> importlib.machinery.ModuleSpec | None:
        found = _sources.find(name)
        if found is None:
            return None
        interface = None if found.interface is None else f"{self._package}.{_INTERFACES}.{found.interface}"
        loader = _CheckedLoader(fullname, found, interface=interface)
        return importlib.util.spec_from_file_location(fullname, found.file, loader=loader)

    def _interface_of(self, name: str) -> str | None:
        """The full name of the interface module that a plugin module belongs to."""
        namespaces = {path.stem for folder in self._folders() for path in (folder / _INTERFACES).glob("*.py")}
        fitting = [namespace for namespace in namespaces if name.startswith(f"{namespace}_")]
        namespace = max(fitting, key=len) if fitting else self._fetched_namespace_of(name)
        return None if namespace is None else f"{self._package}.{_INTERFACES}.{namespace}"

    def _fetched_namespace_of(self, name: str) -> str | None:
        """That of a plugin in a folder that does not have its interface; the source may."""
        if not any((folder / f"{name}.py").is_file() for folder in self._folders()):
            return None
        parts = name.split("_")
        for end in range(len(parts) - 1, 0, -1):
            namespace = "_".join(parts[:end])
            try:
                if namespace and _sources.find(f"{_INTERFACES}.{namespace}") is not None:
                    return namespace
            except ImportError:
                # A plugin that needs nothing of its interface works without the platform.
                return None
        return None

    def _folders(self) -> Iterator[Path]:
        for folder in _FOLDERS:
            for entry in sys.path:
                candidate = Path(entry, folder)
                # Not this package itself: its modules are no plugins.
                if candidate.is_dir() and candidate.resolve() != self._own:
                    yield candidate


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, *, interface: str | None) -> None:
        super().__init__(fullname, path)
        self._interface = interface

    def exec_module(self, module: ModuleType) -> None:
        """Executes the file with `api` defined, then adds what the interface has and the file has not."""
        names = module.__dict__
        # A module that is reloaded still has what it was given before.
        for name in names.pop(_INHERITED, ()):
            names.pop(name, None)
        names["api"] = current_api
        super().exec_module(module)
        if self._interface is None:
            return
        interface = importlib.import_module(self._interface)
        missing = {
            name: value
            for name, value in vars(interface).items()
            if isinstance(value, FunctionType) and not name.startswith("_") and name not in names
        }
        names.update(missing)
        names[_INHERITED] = tuple(missing)


class _CheckedLoader(_Loader):
    """Executes the bytes that its source gave out, never what is in the file by then, and no stored byte code."""

    def __init__(self, fullname: str, found: FoundModule, *, interface: str | None) -> None:
        super().__init__(fullname, found.file, interface=interface)
        self._found = found

    def get_data(self, path: str) -> bytes:
        return self._found.code

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._found.code, self._found.file, "exec", dont_inherit=True)
