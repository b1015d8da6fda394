"""Identifies who is calling: admin secret, JWT, or nobody, as in Hasura.

Without an admin secret every caller is admin. With one, its holder may take on any role by `x-hasura-role` and set
session variables by `x-hasura-*` headers; anybody else needs a JWT (when configured) or is the unauthorized role.
"""

import hmac
import json

from hasura.engine.errors import AccessDenied, EngineError
from hasura.engine.execution.generations import GenerationalCache
from hasura.engine.options import EngineOptions
from hasura.engine.session import ADMIN_ROLE, ROLE_VARIABLE, Session
from hasura.engine.transport.asgi import Headers, Scope, decode_headers
from hasura.engine.transport.jwt import JwtVerifier

_SECRET_HEADERS = ("x-hasura-admin-secret", "x-hasura-access-key")
_BACKEND_ONLY = "x-hasura-use-backend-only-permissions"
_RAW_SECRET_HEADERS = frozenset(name.encode() for name in _SECRET_HEADERS)
_MAX_KNOWN = 1000
_TRUE, _FALSE = ("true", "t", "yes", "y"), ("false", "f", "no", "n")


class Authenticator:
    """Turns request headers into a session."""

    def __init__(self, options: EngineOptions) -> None:
        self._secret = options.admin_secret.encode() if options.admin_secret is not None else None
        self._unauthorized_role = options.unauthorized_role
        self._known: GenerationalCache[tuple[tuple[bytes, bytes], ...], Session] = GenerationalCache(_MAX_KNOWN)
        self._jwt = JwtVerifier.from_json(options.jwt_secret) if options.jwt_secret else None

    async def authenticate_scope(self, scope: Scope) -> Session:
        """Returns what `authenticate` does, by a request's headers.

        Who holds the secret and sends the same headers is known again.
        """
        key = tuple(scope["headers"])
        known = self._known.get(key)
        if known is not None:
            return known
        session = await self.authenticate(decode_headers(scope))
        # Only for holders of the secret: a JWT expires, and all other callers are cheap to check.
        if session.is_admin and self._secret is not None and any(name in _RAW_SECRET_HEADERS for name, _ in key):
            self._known.put(key, session)
        return session

    async def authenticate(self, headers: Headers) -> Session:
        """Returns the session of a caller with these headers (names in lower case).

        Raises AccessDenied with status 401 that says what was missing or wrong.
        """
        if self._secret is None:
            return self._trusted(headers, is_admin=True)
        given = next((headers[name] for name in _SECRET_HEADERS if name in headers), None)
        if given is not None:
            if not hmac.compare_digest(given.encode(), self._secret):
                raise AccessDenied("invalid x-hasura-admin-secret/x-hasura-access-key", status=401)
            return self._trusted(headers, is_admin=True)
        if self._jwt is not None:
            if (token := self._jwt.token_in(headers)) is not None:
                return await self._jwt.session(token, headers)
            if self._unauthorized_role is None:
                raise AccessDenied(self._jwt.missing_message, code="invalid-headers", status=401)
        if self._unauthorized_role is not None:
            variables = {ROLE_VARIABLE: self._unauthorized_role}
            return Session(role=self._unauthorized_role, variables=variables)
        raise AccessDenied("x-hasura-admin-secret/x-hasura-access-key required, but not found", status=401)

    def _trusted(self, headers: Headers, *, is_admin: bool) -> Session:
        role = headers.get(ROLE_VARIABLE) or ADMIN_ROLE
        variables = {
            name: value
            for name, value in headers.items()
            if name.startswith("x-hasura-") and name not in _SECRET_HEADERS and name != _BACKEND_ONLY
        }
        variables[ROLE_VARIABLE] = role
        return Session(
            role=role,
            variables=variables,
            is_admin=is_admin,
            use_backend_only=_BACKEND_ONLY in headers and _boolean(_BACKEND_ONLY, headers[_BACKEND_ONLY]),
        )


def _boolean(header: str, text: str) -> bool:
    """Returns Hasura's words for true and false as a bool. Raises EngineError bad-request for any other."""
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    shown_true, shown_false = (json.dumps(words, separators=(",", ":")) for words in (_TRUE, _FALSE))
    raise EngineError(
        f"{header}:  Not a valid boolean text. True values are {shown_true} and  False values are {shown_false}."
        " All values are case insensitive",
        code="bad-request",
    )
