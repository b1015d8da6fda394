"""Joins a caller's `endpoint` to a base URL in such a way that it cannot leave it."""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote, unquote_plus, urlsplit

from yarl import URL

from platform_api.core.errors import BadRequest

_PLACEHOLDER = re.compile(r"\{([^{}/]+)\}")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")
_MAX_CHARACTERS = 8000


def upstream_url(
    base_url: str,
    endpoint: str,
    url_params: Mapping[str, object] | None = None,
    *,
    replaced: Collection[str] = (),
    others: Mapping[str, str] | None = None,
) -> URL:
    """Returns the URL of `endpoint` below `base_url`, `{name}` filled from `url_params` and percent-encoded.

    An absolute URL is accepted when it lies below `base_url`, as a provider's link to the next page does, or below
    one of `others`, given by what callers write for them. The query parameters named in `replaced` (repeated
    credentials) are dropped from it; below `base_url` it has no placeholders.

    Raises BadRequest for a URL elsewhere, a path that leaves the base URL by `..`, control characters, or a missing
    value.
    """
    if _SCHEME.match(endpoint) or endpoint.startswith("//"):
        for written, other in (others or {}).items():
            if endpoint == written or endpoint.startswith((f"{written}/", f"{written}?")):
                path, _, query = endpoint[len(written) :].partition("?")
                query = without_parameters(query, replaced)
                return _below(other, _filled(f"{path}?{query}" if query else path, url_params), endpoint)
        return _below(base_url, _below_base(base_url, endpoint, replaced), endpoint)
    return _below(base_url, _filled(endpoint, url_params), endpoint)


def _filled(endpoint: str, url_params: Mapping[str, object] | None) -> str:
    return _PLACEHOLDER.sub(lambda match: _value(match.group(1), url_params or {}), endpoint)


def _below_base(base_url: str, address: str, replaced: Collection[str]) -> str:
    """Returns the part of an absolute URL that follows the base URL. Raises BadRequest when it lies elsewhere."""
    own = urlsplit(base_url)
    refusal = BadRequest(
        f"the endpoint must be a path, or a URL, below the integration's base URL at {own.netloc}, not"
        f" {address[:200]!r}"
    )
    try:
        url = urlsplit(address)
        # The request keeps the base URL's scheme and host: behind a proxy, services write `http:` for `https:`.
        is_own = url.scheme in ("http", "https") and own.hostname == url.hostname and _port(own) == _port(url)
    except ValueError:
        raise refusal from None
    path = url.path or "/"
    is_clean = "@" not in url.netloc and _FORBIDDEN.search(address) is None
    if not is_own or not is_clean or not f"{path}/".startswith(f"{own.path}/"):
        raise refusal
    return path[len(own.path) :] + (f"?{without_parameters(url.query, replaced)}" if url.query else "")


def without_parameters(query: str, names: Collection[str]) -> str:
    """Returns a query without some of its parameters; the others stay as they are."""
    if not names:
        return query
    return "&".join(part for part in query.split("&") if unquote_plus(part.partition("=")[0]) not in names)


def _port(url: SplitResult) -> int | None:
    """Returns the port; None for the default of the scheme."""
    return None if (url.scheme, url.port) in (("http", 80), ("https", 443)) else url.port


# Many calls in a row have the same URL.
@lru_cache(maxsize=256)
def _below(base_url: str, filled: str, endpoint: str) -> URL:
    if len(filled) > _MAX_CHARACTERS:
        raise BadRequest(f"the endpoint has {len(filled)} characters; at most {_MAX_CHARACTERS} are allowed")
    if _FORBIDDEN.search(filled):
        raise BadRequest("the endpoint must not contain control characters or a backslash")
    path, _, query = filled.partition("?")
    if _SCHEME.match(path) or path.startswith("//"):
        raise BadRequest(f"the endpoint must be a path below the base URL, not {endpoint!r}")
    if ".." in _decoded(path).replace("\\", "/").split("/"):
        raise BadRequest(f"the endpoint must not leave the base URL by `..`: {endpoint!r}")
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
    """Decodes a path until nothing changes, as an upstream that decodes twice would see it."""
    for _ in range(5):
        decoded = unquote(path)
        if decoded == path:
            break
        path = decoded
    return path
