"""Builds the wheel of the client from what this platform runs: `automio` and `plugins`, without the server."""

import functools
import re
import threading
from email.message import Message
from email.policy import EmailPolicy
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path

from automio import __version__
from platform_api.core.errors import Unavailable
from platform_api.web.client.wheel import Wheel, build_wheel

DISTRIBUTION = "automio-platform"
_PACKAGES = ("automio", "plugins")
_EXTRAS = ("redis",)
"""The extras that concern the client; the others install the platform."""
_SUMMARY = "Client and command line of an automio platform"
_COPIED_FIELDS = ("License-Expression", "Classifier", "Requires-Python")
_EXTRA_OF_REQUIREMENT = re.compile(r"""\bextra\s*==\s*["']([\w.-]+)["']""")
_LICENSE = "licenses/LICENSE"
_ENTRY_POINTS = "entry_points.txt"

_building = threading.Lock()


def client_wheel() -> Wheel:
    """Returns the wheel of the client; builds it at the first call of the process, which takes some 100 ms.

    Raises Unavailable where the platform does not run from its installed distribution.
    """
    with _building:
        return _build()


def requirement(public_url: str) -> str:
    """Returns the requirement that pip resolves to the wheel of the platform at this address, with its extras.

    It names the address, not an index: there, others could publish something under the same name.
    """
    return f"{DISTRIBUTION}[{','.join(_EXTRAS)}] @ {public_url}/client/{client_wheel().filename}"


@functools.cache
def _build() -> Wheel:
    try:
        installed = distribution(DISTRIBUTION)
    except PackageNotFoundError:
        raise Unavailable(
            f"the distribution {DISTRIBUTION} is not installed in this platform's environment, so there is no"
            " client to send; install the platform again, with `make setup` or `pip install '.[platform]'`"
        ) from None
    files = {path: data for package in _PACKAGES for path, data in _files(package).items()}
    return build_wheel(DISTRIBUTION, __version__, files, _information(installed))


def _files(package: str) -> dict[str, bytes]:
    spec = find_spec(package)
    assert spec is not None and spec.submodule_search_locations
    root = Path(spec.submodule_search_locations[0])
    return {
        f"{package}/{path.relative_to(root).as_posix()}": path.read_bytes()
        for path in root.rglob("*")
        if path.suffix in (".py", ".typed") and path.is_file() and not path.is_symlink()
    }


def _information(installed: Distribution) -> dict[str, bytes]:
    information = {"METADATA": _metadata(installed)}
    for name in (_ENTRY_POINTS, _LICENSE):
        # All commands are named: those of the platform then say that they need it.
        if (text := installed.read_text(name)) is not None:
            information[name] = text.encode()
    return information


def _metadata(installed: Distribution) -> bytes:
    metadata = Message(EmailPolicy(utf8=True, max_line_length=None))
    metadata["Metadata-Version"] = "2.4"
    metadata["Name"] = DISTRIBUTION
    metadata["Version"] = __version__
    metadata["Summary"] = _SUMMARY
    for field in _COPIED_FIELDS:
        for value in installed.metadata.get_all(field) or ():
            metadata[field] = value
    if installed.read_text(_LICENSE) is not None:
        metadata["License-File"] = "LICENSE"
    for text in installed.requires or ():
        extra = _EXTRA_OF_REQUIREMENT.search(text)
        if extra is None or extra[1] in _EXTRAS:
            metadata["Requires-Dist"] = text
    for name in _EXTRAS:
        metadata["Provides-Extra"] = name
    return metadata.as_bytes()
