"""Plugin modules on a developer's machine: fetched from the platform, kept in a cache, checked by their hash.

`plugins` asks here for modules that no folder has. In the sandbox it gets nothing: a run has the modules that it was
started with. The cache is `<user cache>/automio/plugins/<platform>/<organization>/<module>/<sha256>.py`; beside the
files, `latest.json` says which of them the platform named last, for when it cannot be reached.
"""

import hashlib
import json
import os
import sys
import tempfile
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from automio._decode import WireModel
from automio._exceptions import (
    ApiError,
    ConfigurationError,
    Forbidden,
    ModuleHashMismatch,
    NotFound,
    PluginNotFound,
    TransportError,
    Unauthorized,
)
from automio._exchange import Call, Request
from automio._operation import Context, SyncResource, operation
from automio._replies import read_json
from automio._settings import Settings, read_environment, settings_from

# The harness of the sandbox, under the name it has there.
_HARNESS = "automio_sandbox"
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True)
class FetchedModule:
    """Code whose hash was checked; `file` is where it lies in the cache, `interface` a plugin's namespace."""

    code: bytes
    file: str
    interface: str | None


@dataclass(frozen=True, kw_only=True)
class ModuleAnswer(WireModel):
    """What the platform says about a module; `code` is None when the caller has it already."""

    organization: str
    sha256: str
    interface: str | None = None
    code: str | None = None


class PluginModules(SyncResource):
    """Questions about plugin modules."""

    @operation
    def module(self, name: str, known: str | None) -> Call[ModuleAnswer]:
        """A module's code and hash; without the code when `known` is its hash."""
        request = Request(
            method="GET",
            path=f"/api/plugins/modules/{quote(name, safe='')}/",
            parameters={} if known is None else {"known": known},
            repeatable=True,
            timeout=_PATIENCE_SECONDS,
        )
        return Call(request, lambda reply: ModuleAnswer.from_wire(read_json(reply)))


def find_module(name: str, client: Any = None) -> FetchedModule | None:
    """The module `plugins.<name>`; None when the platform has none, and where modules are not fetched.

    `client` is the client whose settings are used, those of the environment without it. Raises PluginNotFound when
    the platform does not answer and the cache does not have it, ModuleHashMismatch when the code is not what it says.
    """
    if _HARNESS in sys.modules:
        return None
    try:
        settings = client.settings if client is not None else settings_from(read_environment())
    except ConfigurationError:
        return None
    return find_module_of(name, settings, cache=_cache_directory())


def find_module_of(name: str, settings: Settings, *, cache: Path) -> FetchedModule | None:
    """As `find_module`, with the cache named."""
    kept = _Kept(cache, settings, name)
    before = kept.latest()
    try:
        answer = _ask(settings, name, before.sha256 if before is not None and kept.has(before) else None)
    except NotFound:
        return None
    except (Unauthorized, Forbidden) as error:
        raise PluginNotFound(f"plugins.{name} cannot be fetched: {error}") from error
    except (TransportError, ApiError) as error:
        if before is None or not kept.has(before):
            raise PluginNotFound(
                f"plugins.{name} is not in this folder, not in the cache, and cannot be fetched: {error}"
            ) from error
        sys.stderr.write(f"automio: the platform does not answer; plugins.{name} is taken from the cache\n")
        return kept.read(before)
    if answer.code is None:
        return kept.read(_Latest(answer.organization, answer.sha256, answer.interface))
    return kept.keep(answer)


def _ask(settings: Settings, name: str, known: str | None) -> ModuleAnswer:
    # Imported here: scripts whose folder has all their plugins need none of it.
    from automio._connection_memory import ConnectionMemory
    from automio._retry import RetryPolicy
    from automio._sync_driver import SyncDriver

    driver = SyncDriver(settings, timeout=_PATIENCE_SECONDS, retry=RetryPolicy(attempts=1), transport=None)
    with closing(driver):
        return PluginModules(driver, Context(settings=settings, memory=ConnectionMemory(None))).module(name, known)


@dataclass(frozen=True)
class _Latest:
    organization: str
    sha256: str
    interface: str | None


class _Kept:
    """What the cache has of one module."""

    def __init__(self, cache: Path, settings: Settings, name: str) -> None:
        self._name = name
        self._platform = cache / _short_hash(settings.base_url)
        # Which organization a token acts in is the platform's answer; without it, the last one is remembered.
        self._mark = self._platform / "tokens" / f"{_short_hash(settings.token)}.json"

    def latest(self) -> _Latest | None:
        organization = _loaded(self._mark).get("organization")
        if not isinstance(organization, str):
            return None
        known = _loaded(self._directory(organization) / "latest.json")
        sha256, interface = known.get("sha256"), known.get("interface")
        if not isinstance(sha256, str) or not _is_sha256(sha256):
            return None
        return _Latest(organization, sha256, interface if isinstance(interface, str) else None)

    def has(self, latest: _Latest) -> bool:
        """Whether its code is there and unchanged."""
        with suppress(OSError):
            return _sha256(self._file(latest).read_bytes()) == latest.sha256
        return False

    def read(self, latest: _Latest) -> FetchedModule:
        file = self._file(latest)
        try:
            code = file.read_bytes()
        except OSError as error:
            raise PluginNotFound(f"plugins.{self._name} cannot be read from the cache: {error}") from error
        return self._checked(code, file, latest)

    def keep(self, answer: ModuleAnswer) -> FetchedModule:
        latest = _Latest(answer.organization, answer.sha256, answer.interface)
        code = (answer.code or "").encode()
        file = self._file(latest)
        module = self._checked(code, file, latest)
        # A cache that cannot be written costs the offline case and the next fetch, not this import.
        with suppress(OSError):
            _write(file, code)
            _write(file.parent / "latest.json", json.dumps(asdict(latest)).encode())
            _write(self._mark, json.dumps({"organization": latest.organization}).encode())
        return module

    def _checked(self, code: bytes, file: Path, latest: _Latest) -> FetchedModule:
        if _sha256(code) != latest.sha256:
            raise ModuleHashMismatch(
                f"The code of plugins.{self._name} does not fit its hash {latest.sha256}; it was not run.",
                hint=f"Something between here and the platform, or in {file.parent}, changed it.",
            )
        return FetchedModule(code, str(file), latest.interface)

    def _directory(self, organization: str) -> Path:
        return self._platform / quote(organization, safe="") / quote(self._name, safe="")

    def _file(self, latest: _Latest) -> Path:
        if not _is_sha256(latest.sha256):
            raise ModuleHashMismatch(f"The platform names no SHA-256 for plugins.{self._name}; nothing was run.")
        return self._directory(latest.organization) / f"{latest.sha256}.py"


def _cache_directory() -> Path:
    base = read_environment().get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "automio" / "plugins"


def _loaded(file: Path) -> dict[str, Any]:
    try:
        read = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return read if isinstance(read, dict) else {}


def _write(file: Path, content: bytes) -> None:
    """Whole or not at all, and readable by its owner only."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and all(character in "0123456789abcdef" for character in text)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _short_hash(text: str) -> str:
    return _sha256(text.encode())[:16]
