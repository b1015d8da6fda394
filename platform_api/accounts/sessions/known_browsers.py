"""Recognizes browsers in which an account was signed in to before, by a cookie that outlasts the sign-in.

Their attempts are counted apart, so that somebody who guesses a password, from the same network or from many, does
not keep the owner of the account out. The cookie gives no right but that: it is encrypted, and names the browser and
the e-mails of its last sign-ins.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from platform_api.accounts.service import normalize_email
from platform_api.core.crypto import UnreadableSecret, Vault
from platform_api.core.settings import Settings

_PURPOSE = "known browsers"
_MAX_EMAILS = 5
_MAX_COOKIE_LENGTH = 4096


@dataclass(frozen=True, slots=True)
class KnownBrowser:
    """Describes a browser by a random name, and the e-mails that were signed in with there, the newest first."""

    id: str
    emails: Sequence[str]

    def knows(self, email: str) -> bool:
        """Returns whether the account of `email` was signed in to in this browser."""
        return normalize_email(email) in self.emails


def read_known_browser(settings: Settings, cookie: str | None) -> KnownBrowser | None:
    """Returns the browser that a cookie names; None without one, and for one that is not ours."""
    if not cookie or len(cookie) > _MAX_COOKIE_LENGTH or not cookie.isascii():
        return None
    try:
        content = Vault(settings.secret_keys, purpose=_PURPOSE).decrypt(cookie.encode())
    except UnreadableSecret:
        return None
    return KnownBrowser(content["id"], content["emails"])


def known_browser_cookie(settings: Settings, browser: KnownBrowser | None, email: str) -> str:
    """Returns the cookie of a browser in which `email` has just signed in; `browser` is who it was before."""
    email = normalize_email(email)
    others = () if browser is None else tuple(known for known in browser.emails if known != email)
    content = {
        "id": secrets.token_urlsafe(16) if browser is None else browser.id,
        "emails": [email, *others][:_MAX_EMAILS],
    }
    return Vault(settings.secret_keys, purpose=_PURPOSE).encrypt(content).decode()
