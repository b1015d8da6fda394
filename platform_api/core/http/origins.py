"""Tells whether a browser's `Origin` is this platform: only our own pages can send it."""

from urllib.parse import urlsplit


def is_own_origin(origin: str, *, host: str | None, public_url: str) -> bool:
    """Compares with the request's `Host` header (`host`); behind a proxy that rewrites it, with `public_url`."""
    public = urlsplit(public_url)
    # Compared as text: an `Origin` comes from anybody, and taking it apart may fail.
    return origin in (f"http://{host}", f"https://{host}", f"{public.scheme}://{public.netloc}")
