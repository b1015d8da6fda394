"""Fetches plugin modules on a developer's machine, caches them and checks their hash.

The package `plugins` asks here for modules that are in none of its folders. In the sandbox nothing is fetched: a run
has the modules that it was started with. The cache is
`<user cache>/automio/plugins/<platform>/<organization>/<module>/<sha256>.py`; beside the files, `latest.json` names
the latest version, for use when the platform cannot be reached.
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

# The harness under its name in the sandbox: once it is imported, this process runs there.
_HARNESS = "automio_sandbox"
_TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True)
class FetchedModule:
    """Holds code with a checked hash; `file` is its path in the cache, `interface` the namespace of its interface."""

    code: bytes
    file: str
    interface: str | None


@dataclass(frozen=True, kw_only=True)
class ModuleAnswer(WireModel):
    """Describes the platform's answer about a module; `code` is None when the caller has it already."""

    organization: str
    sha256: str
    interface: str | None = None
    code: str | None = None


class PluginModules(SyncResource):
    """Requests for plugin modules."""

    @operation
    def module(self, name: str, known: str | None) -> Call[ModuleAnswer]:
        """Returns a module's code and hash; leaves out the code when `known` is its hash."""
        request = Request(
            method="GET",
            path=f"/api/plugins/modules/{quote(name, safe='')}/",
            parameters={} if known is None else {"known": known},
            repeatable=True,
            timeout=_TIMEOUT_SECONDS,
        )
        return Call(request, lambda reply: ModuleAnswer.from_wire(read_json(reply)))


def find_module(name: str, client: Any = None) -> FetchedModule | None:
    """Returns the module `plugins.<name>`; None when the platform has none, and in the sandbox.

    Uses the settings of `client`, by default those of the environment. Raises PluginNotFound when the platform does
    not answer and the module is not in the cache, ModuleHashMismatch when the code does not match its hash.
    """
    if _HARNESS in sys.modules:
        return None
    try:
        settings = client.settings if client is not None else settings_from(read_environment())
    except ConfigurationError:
        return None
    return find_module_of(name, settings, cache=_cache_directory())


def find_module_of(name: str, settings: Settings, *, cache: Path) -> FetchedModule | None:
    """Does the same as `find_module`, with explicit settings and cache directory."""
    cached = _CachedModule(cache, settings, name)
    latest = cached.latest()
    try:
        answer = _ask(settings, name, latest.sha256 if latest is not None and cached.has(latest) else None)
    except NotFound:
        return None
    except (Unauthorized, Forbidden) as error:
        raise PluginNotFound(f"plugins.{name} cannot be fetched: {error}") from error
    except (TransportError, ApiError) as error:
        if latest is None or not cached.has(latest):
            raise PluginNotFound(
                f"plugins.{name} is not in this folder, not in the cache, and cannot be fetched: {error}"
            ) from error
        sys.stderr.write(f"automio: the platform does not answer; using plugins.{name} from the cache\n")
        return cached.read(latest)
    if answer.code is None:
        return cached.read(_Latest(answer.organization, answer.sha256, answer.interface))
    return cached.keep(answer)


def _ask(settings: Settings, name: str, known: str | None) -> ModuleAnswer:
    # Imported here, as scripts with all plugins in their folder do not need it.
    from automio._connection_memory import ConnectionMemory
    from automio._retry import RetryPolicy
    from automio._sync_driver import SyncDriver

    driver = SyncDriver(settings, timeout=_TIMEOUT_SECONDS, retry=RetryPolicy(attempts=1), transport=None)
    with closing(driver):
        return PluginModules(driver, Context(settings=settings, memory=ConnectionMemory(None))).module(name, known)


@dataclass(frozen=True)
class _Latest:
    organization: str
    sha256: str
    interface: str | None


class _CachedModule:
    """Reads and writes the cached versions of one module."""

    def __init__(self, cache: Path, settings: Settings, name: str) -> None:
        self._name = name
        self._platform = cache / _short_hash(settings.base_url)
        # Only the platform knows the organization of a token: the last answer is stored for when it is unreachable.
        self._mark = self._platform / "tokens" / f"{_short_hash(settings.token)}.json"

    def latest(self) -> _Latest | None:
        organization = _loaded(self._mark).get("organization")
        if not isinstance(organization, str):
            return None
        stored = _loaded(self._directory(organization) / "latest.json")
        sha256, interface = stored.get("sha256"), stored.get("interface")
        if not isinstance(sha256, str) or not _is_sha256(sha256):
            return None
        return _Latest(organization, sha256, interface if isinstance(interface, str) else None)

    def has(self, latest: _Latest) -> bool:
        """Tells whether the code is in the cache and unchanged."""
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
        # The import works without the cache, too: only offline use and the next import suffer.
        with suppress(OSError):
            _write(file, code)
            _write(file.parent / "latest.json", json.dumps(asdict(latest)).encode())
            _write(self._mark, json.dumps({"organization": latest.organization}).encode())
        return module

    def _checked(self, code: bytes, file: Path, latest: _Latest) -> FetchedModule:
        if _sha256(code) != latest.sha256:
            raise ModuleHashMismatch(
                f"The code of plugins.{self._name} does not match its hash {latest.sha256}; it was not run.",
                hint=f"It was changed in {file.parent}, or between the platform and this machine.",
            )
        return FetchedModule(code, str(file), latest.interface)

    def _directory(self, organization: str) -> Path:
        return self._platform / quote(organization, safe="") / quote(self._name, safe="")

    def _file(self, latest: _Latest) -> Path:
        if not _is_sha256(latest.sha256):
            raise ModuleHashMismatch(f"The platform sent no SHA-256 for plugins.{self._name}; it was not run.")
        return self._directory(latest.organization) / f"{latest.sha256}.py"


def _cache_directory() -> Path:
    base = read_environment().get("XDG_CACHE_HOME", "")
    return (Path(base) if base.startswith("/") else Path.home() / ".cache") / "automio" / "plugins"


def _loaded(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _write(file: Path, content: bytes) -> None:
    """Writes a file atomically, readable by its owner only."""
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
