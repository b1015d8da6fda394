"""The caller's `endpoint`, joined to a base URL so that it can reach nothing but what lies below it."""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from urllib.parse import SplitResult, quote, unquote, unquote_plus, urlsplit

from yarl import URL

from platform_api.core.errors import BadRequest

_PLACEHOLDER = re.compile(r"\{([^{}/]+)\}")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_UNWANTED = re.compile(r"[\x00-\x1f\x7f\\]")
_MOST_CHARACTERS = 8000


def upstream_url(
    base_url: str,
    endpoint: str,
    url_params: Mapping[str, object] | None = None,
    *,
    replaced: Collection[str] = (),
) -> URL:
    """`endpoint` below `base_url`, `{name}` filled from `url_params`, each value percent-encoded.

    A whole URL is taken as it stands when it is one below `base_url`, as a provider's link to the next page is. It
    has no placeholders, and `replaced` names query parameters that it does not keep (credentials that it repeats).

    Raises BadRequest for a URL of another place, a path that climbs out by `..`, control characters, or a missing
    value.
    """
    if _SCHEME.match(endpoint) or endpoint.startswith("//"):
        return _below(base_url, _below_base(base_url, endpoint, replaced), endpoint)
    filled = _PLACEHOLDER.sub(lambda match: _value(match.group(1), url_params or {}), endpoint)
    return _below(base_url, filled, endpoint)


def _below_base(base_url: str, address: str, replaced: Collection[str]) -> str:
    """A whole URL as what follows the base URL. Raises BadRequest when it lies elsewhere."""
    own = urlsplit(base_url)
    refusal = BadRequest(
        f"the endpoint is a path below the integration's base URL at {own.netloc}, or a URL below it, not a URL of"
        f" another place: {address[:200]!r}"
    )
    try:
        url = urlsplit(address)
        # The request goes to the base URL's own scheme and host: behind a proxy, services write `http:` for `https:`.
        is_own = url.scheme in ("http", "https") and own.hostname == url.hostname and _port(own) == _port(url)
    except ValueError:
        raise refusal from None
    path = url.path or "/"
    is_clean = "@" not in url.netloc and _UNWANTED.search(address) is None
    if not is_own or not is_clean or not f"{path}/".startswith(f"{own.path}/"):
        raise refusal
    return path[len(own.path) :] + (f"?{without_parameters(url.query, replaced)}" if url.query else "")


def without_parameters(query: str, names: Collection[str]) -> str:
    """A query without some of its parameters, the others as they stand."""
    if not names:
        return query
    return "&".join(part for part in query.split("&") if unquote_plus(part.partition("=")[0]) not in names)


def _port(url: SplitResult) -> int | None:
    """The port; None for the scheme's own."""
    return None if (url.scheme, url.port) in (("http", 80), ("https", 443)) else url.port


# Many calls in a row go to the same place.
@lru_cache(maxsize=256)
def _below(base_url: str, filled: str, endpoint: str) -> URL:
    if len(filled) > _MOST_CHARACTERS:
        raise BadRequest(f"the endpoint is longer than {_MOST_CHARACTERS} characters")
    if _UNWANTED.search(filled):
        raise BadRequest("the endpoint holds no control characters and no backslash")
    path, _, query = filled.partition("?")
    if _SCHEME.match(path) or path.startswith("//"):
        raise BadRequest(f"the endpoint is a path below the base URL, not a URL of another place: {endpoint!r}")
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
