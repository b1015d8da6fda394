"""The caller's `endpoint`, joined to a base URL so that it can reach nothing but what lies below it."""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote, unquote

from yarl import URL

from platform_api.core.errors import BadRequest

_PLACEHOLDER = re.compile(r"\{([^{}/]+)\}")
_UNWANTED = re.compile(r"[\x00-\x1f\x7f\\]")
_MOST_CHARACTERS = 8000


def upstream_url(base_url: str, endpoint: str, url_params: Mapping[str, object] | None = None) -> URL:
    """`endpoint` below `base_url`, `{name}` filled from `url_params`, each value percent-encoded.

    Raises BadRequest for an absolute URL, a path that climbs out by `..`, control characters, or a missing value.
    """
    filled = _PLACEHOLDER.sub(lambda match: _value(match.group(1), url_params or {}), endpoint)
    return _below(base_url, filled, endpoint)


# Many calls in a row go to the same place.
@lru_cache(maxsize=256)
def _below(base_url: str, filled: str, endpoint: str) -> URL:
    if len(filled) > _MOST_CHARACTERS:
        raise BadRequest(f"the endpoint is longer than {_MOST_CHARACTERS} characters")
    if _UNWANTED.search(filled):
        raise BadRequest("the endpoint holds no control characters and no backslash")
    path, _, query = filled.partition("?")
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:", path) or path.startswith("//"):
        raise BadRequest(f"the endpoint is a path below {base_url}, not an absolute URL: {endpoint!r}")
    if ".." in _decoded(path).replace("\\", "/").split("/"):
        raise BadRequest(f"the endpoint does not climb out by `..`: {endpoint!r}")
    path = quote(path.partition("#")[0].lstrip("/"), safe="/%:@!$&'()*+,;=~-._")
    joined = (
        base_url + ("/" + path if path else "") + (f"?{quote(query, safe='%=&+:@!$,;/?~-._*()')}" if query else "")
    )
    return URL(joined, encoded=True)


def _value(name: str, url_params: Mapping[str, object]) -> str:
    if name not in url_params or url_params[name] is None:
        raise BadRequest(f"the endpoint needs a value for {{{name}}} in `url_params`")
    return quote(str(url_params[name]), safe="")


def _decoded(path: str) -> str:
    """Percent-decoded until nothing changes: what an upstream that decodes twice would see."""
    for _ in range(5):
        decoded = unquote(path)
        if decoded == path:
            break
        path = decoded
    return path
