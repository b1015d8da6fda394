"""Makes the secrets of links. Like a token's, they are random, shown once and stored as their SHA-256 only."""

import secrets
from enum import StrEnum


class LinkKind(StrEnum):
    """Names what a link is for, by the beginning of its secret; none of them is taken for a token."""

    INVITATION = "amt_invite_"
    PASSWORD_RESET = "amt_reset_"
    SET_UP = "amt_setup_"


MAX_SECRET_LENGTH = 128
"""Of what a caller may send; ours are shorter."""


def new_secret(kind: LinkKind) -> str:
    """Returns a new secret of 256 random bits. The request log leaves words of this form out of paths."""
    return kind + secrets.token_urlsafe(32)


def set_up_url(public_url: str, code: str) -> str:
    """Returns the page on which the first user of an installation is created."""
    return f"{public_url}/set-up?code={code}"


def invitation_url(public_url: str, token: str) -> str:
    """Returns the page on which an invitation is accepted."""
    return f"{public_url}/invite/{token}"


def password_reset_url(public_url: str, token: str) -> str:
    """Returns the page on which a forgotten password is replaced."""
    return f"{public_url}/reset-password?token={token}"
