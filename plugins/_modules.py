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
    """Describes a module from a source: its code, the file for tracebacks, and the namespace of its interface."""

    @property
    def code(self) -> bytes: ...
    @property
    def file(self) -> str: ...
    @property
    def interface(self) -> str | None: ...


Source = Callable[[str, Any], FoundModule | None]
"""Returns the module with a name below `plugins` (`interfaces.orders`), for the client that plugins use, if any."""


class _Sources:
    """Finds modules that are in no folder."""

    def __init__(self) -> None:
        self.chosen: Source | None = None
        self._is_looking = False

    def find(self, name: str) -> FoundModule | None:
        # Imports by the source itself must not ask the source.
        if self._is_looking:
            return None
        self._is_looking = True
        try:
            source = self.chosen or _source_of_client()
            return None if source is None else source(name, current_api.client)
        finally:
            self._is_looking = False


def _source_of_client() -> Source | None:
    """Returns the source of the installed client, imported by name; older clients have none."""
    try:
        source: Source = importlib.import_module("automio._plugin_modules").find_module
    except ImportError:
        return None
    return source


_sources = _Sources()


def use_source(source: Source | None) -> None:
    """Sets the source of modules that are in no folder; None for the client's own."""
    _sources.chosen = source


def install(package: str) -> None:
    """Registers the finder for the submodules of `package` with Python's import system."""
    sys.meta_path.insert(0, _Finder(package))


class _Finder(importlib.abc.MetaPathFinder):
    def __init__(self, package: str) -> None:
        self._package = package
        self._module = sys.modules[package]
        self._own = Path(__file__).resolve().parent

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Finds interfaces and plugins; Python finds the package's own modules as usual."""
        package, _, name = fullname.partition(".")
        # Another package of this name has its own modules.
        if package != self._package or not name or sys.modules.get(package) is not self._module:
            return None
        if name.startswith(f"{_INTERFACES}."):
            return self._spec(fullname, name.replace(".", "/", 1), None) or self._spec_of_source(fullname, name)
        if name == _INTERFACES or "." in name:
            return None
        spec = self._spec(fullname, name, self._interface_of(name))
        # Plugins have a `_` inside their name; names that begin with one are modules of this package.
        if spec is None and "_" in name.strip("_") and not (self._own / f"{name}.py").is_file():
            return self._spec_of_source(fullname, name)
        return spec

    def _spec(self, fullname: str, file: str, interface: str | None) -> importlib.machinery.ModuleSpec | None:
        path = next((path for folder in self._folders() if (path := folder / f"{file}.py").is_file()), None)
        if path is None:
            return None
        return importlib.util.spec_from_file_location(
            fullname, path, loader=_Loader(fullname, str(path), interface=interface)
        )

    def _spec_of_source(self, fullname: str, name: str) -> importlib.machinery.ModuleSpec | None:
        module = _sources.find(name)
        if module is None:
            return None
        interface = None if module.interface is None else f"{self._package}.{_INTERFACES}.{module.interface}"
        loader = _CheckedLoader(fullname, module, interface=interface)
        return importlib.util.spec_from_file_location(fullname, module.file, loader=loader)

    def _interface_of(self, name: str) -> str | None:
        """Returns the full name of the interface module of a plugin module."""
        namespaces = {path.stem for folder in self._folders() for path in (folder / _INTERFACES).glob("*.py")}
        fitting = [namespace for namespace in namespaces if name.startswith(f"{namespace}_")]
        namespace = max(fitting, key=len) if fitting else self._fetched_namespace_of(name)
        return None if namespace is None else f"{self._package}.{_INTERFACES}.{namespace}"

    def _fetched_namespace_of(self, name: str) -> str | None:
        """Returns the namespace of a plugin in a folder whose interface is not in a folder, but in the source."""
        if not any((folder / f"{name}.py").is_file() for folder in self._folders()):
            return None
        parts = name.split("_")
        for end in range(len(parts) - 1, 0, -1):
            namespace = "_".join(parts[:end])
            try:
                if namespace and _sources.find(f"{_INTERFACES}.{namespace}") is not None:
                    return namespace
            except ImportError:
                # Without the platform, a plugin works that inherits nothing from its interface.
                return None
        return None

    def _folders(self) -> Iterator[Path]:
        for folder in _FOLDERS:
            for entry in sys.path:
                candidate = Path(entry, folder)
                # Skips this package itself, whose modules are not plugins.
                if candidate.is_dir() and candidate.resolve() != self._own:
                    yield candidate


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, fullname: str, path: str, *, interface: str | None) -> None:
        super().__init__(fullname, path)
        self._interface = interface

    def exec_module(self, module: ModuleType) -> None:
        """Executes the file with `api` defined, then adds the functions that only the interface has."""
        names = module.__dict__
        # A module that is reloaded still has the functions from its interface.
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
    """Executes the code from the source, never the current content of the file or stored byte code."""

    def __init__(self, fullname: str, module: FoundModule, *, interface: str | None) -> None:
        super().__init__(fullname, module.file, interface=interface)
        self._module = module

    def get_data(self, path: str) -> bytes:
        return self._module.code

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._module.code, self._module.file, "exec", dont_inherit=True)
