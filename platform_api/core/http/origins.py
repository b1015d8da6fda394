"""Whether a browser's `Origin` is this platform: what it sends from our pages, and no other site can."""

from urllib.parse import urlsplit


def is_own_origin(origin: str, *, host: str | None, public_url: str) -> bool:
    """`host` is the request's `Host` header; a proxy that rewrites it needs PUBLIC_URL to be right."""
    public = urlsplit(public_url)
    # Compared as text: an `Origin` comes from anybody, and taking it apart may fail.
    return origin in (f"http://{host}", f"https://{host}", f"{public.scheme}://{public.netloc}")
