"""Requests and reads tokens by OAuth 2 as a client (RFC 6749, 7636).

authlib builds the parameters; the guarded caller sends the requests, because organizations choose the URL of a
definition's token endpoint.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from yarl import URL

from platform_api.core.errors import PlatformError, Unprocessable
from platform_api.integrations.definitions.addresses import check_web_address
from platform_api.integrations.definitions.definition import (
    CLIENT_ID,
    Identity,
    IntegrationDefinition,
    OAuth1Auth,
    OAuth2Auth,
    fill_base_url,
    fill_headers,
    fill_url,
    missing_values,
)
from platform_api.integrations.definitions.token_requests import TokenStep
from platform_api.integrations.oauth.client_keys import ASSERTION_TYPE, sign_assertion
from platform_api.integrations.outgoing import json_text
from platform_api.integrations.outgoing.caller import Caller, UpstreamAnswer, UpstreamRequest
from platform_api.integrations.outgoing.redaction import redacted
from platform_api.integrations.requests.credentials import prove
from platform_api.integrations.requests.signing import signature

TOKEN_DEADLINE_SECONDS = 20.0
# Tokens are renewed this long before they expire, or at half of their lifetime when that is earlier.
_REFRESH_BEFORE_SECONDS = 30.0
_GRANT_ENDED_CODES = frozenset(
    {"invalid_grant", "bad_refresh_token", "invalid_refresh_token", "invalid_code", "token_revoked", "token_expired"}
)
_MIN_EPOCH_MS = 10**11
_MAX_LIFETIME_SECONDS = 10**10
_SECRET_PARAMETERS = ("refresh_token", "code", "code_verifier")
_MAX_NAME = 150
_MAX_VALUE = 500


class TokenUnavailable(PlatformError):
    """Signals that the token endpoint gave no token: it is unavailable, or the OAuth client is misconfigured."""

    status_code = 502
    code = "token_unavailable"


class TokenEndpointAway(TokenUnavailable):
    """Signals that the token endpoint neither gave a token nor rejected the client, which may be right."""


class WrongAddress(TokenUnavailable):
    """Signals that an address of the definition leads nobody to a sign-in, and no secret to a token endpoint."""

    status_code = 409
    code = "wrong_address"


class GrantOver(PlatformError):
    """Signals that the provider no longer accepts the consent of a connection."""

    status_code = 401
    code = "grant_over"


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Holds the credentials of the organization's application at the provider."""

    client_id: str
    client_secret: str = field(repr=False)


def checked_address(name: str, url: str, values: Mapping[str, str]) -> str:
    """Returns an address of a definition filled for a connection. Raises WrongAddress.

    It was checked when the definition was saved, unless that was before such addresses were.
    """
    try:
        return check_web_address(fill_url(url, values))
    except ValueError as error:
        raise WrongAddress(f"auth.{name}: {error}; correct the definition of the integration") from error


def authorize_url(
    auth: OAuth2Auth,
    *,
    client_id: str,
    redirect_uri: str,
    state: str,
    verifier: str,
    placeholders: Mapping[str, str],
) -> str:
    """Returns the URL where the provider asks for consent."""
    assert auth.authorize_url is not None
    parameters = dict(auth.authorize_params)
    if auth.pkce:
        parameters |= {
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
    url: str = prepare_grant_uri(
        checked_address("authorize_url", auth.authorize_url, placeholders),
        client_id,
        "code",
        redirect_uri=redirect_uri,
        scope=auth.scope_separator.join(auth.scopes),
        state=state,
        **parameters,
    )
    return url


async def request_tokens(
    caller: Caller,
    auth: OAuth2Auth,
    client: ClientCredentials,
    *,
    placeholders: Mapping[str, str],
    grant_type: str,
    **parameters: str,
) -> dict[str, Any]:
    """Returns credentials in the form that a connection stores. Raises GrantOver, TokenUnavailable."""
    url = checked_address("token_url", auth.token_url, placeholders)
    added = {name: fill_url(value, placeholders) for name, value in auth.token_params.items()}
    sent = {"grant_type": grant_type, **parameters, **added}
    headers = {name: fill_url(value, placeholders) for name, value in auth.token_headers.items()}
    if not any(name.lower() == "accept" for name in headers):
        headers["Accept"] = "application/json"
    headers, body = _token_request(auth, client, url, sent, headers)
    request = UpstreamRequest("POST", URL(url), headers, body=body)
    answer = await caller.send(request, deadline_seconds=TOKEN_DEADLINE_SECONDS)
    fields = _fields(answer)
    secrets = [client.client_secret, *(parameters.get(name, "") for name in _SECRET_PARAMETERS)]
    if grant_type == "refresh_token" and auth.grant_end is not None and auth.grant_end.is_said_in(fields):
        raise GrantOver(f"the provider refused: {_message(answer, fields, secrets)}")
    tokens = _read_tokens(answer, fields, auth.tokens_at, secrets)
    return {**_renewed_at_half_life(auth, tokens), "values": {**_values(auth, fields), CLIENT_ID: client.client_id}}


async def request_step(
    caller: Caller, auth: OAuth2Auth, client: ClientCredentials, step: TokenStep, credentials: Mapping[str, Any]
) -> dict[str, Any]:
    """Exchanges valid credentials for new ones. Raises GrantOver, TokenUnavailable."""
    token = credentials["access_token"]
    params = step.filled(
        {"access_token": token, "client_id": client.client_id, "client_secret": client.client_secret}
    )
    url, headers, body = URL(step.url), {"Accept": "application/json"}, None
    if step.method == "GET":
        url = url.with_query(params)
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = urlencode(params).encode()
    request = UpstreamRequest(step.method, url, headers, body=body)
    answer = await caller.send(request, deadline_seconds=TOKEN_DEADLINE_SECONDS)
    fields, secrets = _fields(answer), [client.client_secret, token]
    if auth.grant_end is not None and auth.grant_end.is_said_in(fields):
        raise GrantOver(f"the provider refused: {_message(answer, fields, secrets)}")
    return merged_tokens(credentials, _renewed_at_half_life(auth, _read_tokens(answer, fields, None, secrets)))


def _renewed_at_half_life(auth: OAuth2Auth, tokens: dict[str, Any]) -> dict[str, Any]:
    """Moves the renewal of a token that renews itself to half of its lifetime: it must still be valid then."""
    if auth.renewal is None or "expires_at" not in tokens:
        return tokens
    return {**tokens, "refresh_at": (time.time() + tokens["expires_at"]) / 2}


def _token_request(
    auth: OAuth2Auth, client: ClientCredentials, url: str, fields: dict[str, str], headers: dict[str, str]
) -> tuple[dict[str, str], bytes]:
    """Returns headers and body of a request to the token endpoint, including the client's authentication."""
    if auth.client_authentication == "private_key_jwt":
        fields |= _client_assertion(auth, client, url)
    method = {"basic": "client_secret_basic", "post": "client_secret_post", "private_key_jwt": "none"}
    prover = ClientAuth(client.client_id, client.client_secret, method[auth.client_authentication])
    if auth.token_body == "form":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = prepare_token_request(fields.pop("grant_type"), **fields)
        _, headers, body = prover.prepare("POST", url, headers, body)
        return headers, body.encode()
    headers["Content-Type"] = "application/json"
    if auth.client_authentication == "basic":
        _, headers, _ = prover.prepare("POST", url, headers, "")
    else:
        fields["client_id"] = client.client_id
        if auth.client_authentication == "post":
            fields["client_secret"] = client.client_secret
    return headers, json_text.encode({name: value for name, value in fields.items() if value})


def check_client(definition: IntegrationDefinition, client_id: str, client_secret: str) -> None:
    """Raises Unprocessable for a client that cannot authenticate as the definition requires."""
    auth = definition.auth
    if not isinstance(auth, OAuth2Auth) or auth.client_authentication != "private_key_jwt":
        return
    try:
        sign_assertion(client_secret, client_id=client_id, audience="", algorithm=auth.assertion_algorithm)
    except ValueError as error:
        raise Unprocessable(f"client_secret: {error}", field="client_secret") from error


def _client_assertion(auth: OAuth2Auth, client: ClientCredentials, url: str) -> dict[str, str]:
    try:
        assertion = sign_assertion(
            client.client_secret,
            client_id=client.client_id,
            audience=auth.assertion_audience or url,
            algorithm=auth.assertion_algorithm,
        )
    except ValueError as error:
        raise TokenUnavailable(
            f"the OAuth client's key cannot be used: {error}; set the OAuth client again"
        ) from error
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def _values(auth: OAuth2Auth, fields: Mapping[str, Any]) -> dict[str, str]:
    values = {name: json_text.value_at(fields, path) for name, path in auth.token_values.items()}
    return {
        name: str(value)[:_MAX_VALUE]
        for name, value in values.items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }


def merged_tokens(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the credentials after a renewal: old values stay when a provider omits them, except expiry times."""
    unexpiring = {name: value for name, value in old.items() if name not in ("expires_at", "refresh_at")}
    return {**unexpiring, **new, "values": {**old.get("values", {}), **new.get("values", {})}}


def require_values(definition: IntegrationDefinition, credentials: Mapping[str, Any]) -> None:
    """Raises TokenUnavailable, naming a value that the token endpoint did not send."""
    if (missing := missing_values(definition, credentials)) and isinstance(definition.auth, OAuth2Auth):
        path = definition.auth.token_values.get(missing[0], missing[0])
        raise TokenUnavailable(
            f"the token endpoint's answer has no {path!r}, which calls to {definition.name} need as {missing[0]!r}"
        )


def _fields(answer: UpstreamAnswer) -> dict[str, Any]:
    return answer.data if isinstance(answer.data, dict) else dict(parse_qsl(answer.text[:20_000]))


def _read_tokens(
    answer: UpstreamAnswer, fields: Mapping[str, Any], tokens_at: str | None, secrets: Iterable[str]
) -> dict[str, Any]:
    if answer.failure is not None:
        raise TokenEndpointAway(f"the token endpoint did not answer: {answer.failure}")
    tokens = fields if tokens_at is None else json_text.value_at(fields, tokens_at)
    token = tokens.get("access_token") if isinstance(tokens, Mapping) else None
    if answer.status < 300 and isinstance(token, str) and token and token.isascii() and token.isprintable():
        return _credentials(token, tokens)
    code, message = _error_code(fields), _message(answer, fields, secrets)
    if code in _GRANT_ENDED_CODES and answer.status < 500:
        raise GrantOver(f"the provider refused: {message} ({code})")
    is_away = answer.status >= 500 or answer.status == 429
    error = TokenEndpointAway if is_away or (answer.status < 400 and not code) else TokenUnavailable
    raise error(f"the token endpoint gave no token: {message}")


def _message(answer: UpstreamAnswer, fields: Mapping[str, Any], secrets: Iterable[str]) -> str:
    """Returns the provider's message with secrets masked: it may repeat them, and it is shown and mailed."""
    error = fields.get("error")
    nested = error.get("message") if isinstance(error, Mapping) else None
    words = (nested, *(fields.get(name) for name in ("error_description", "error", "message", "errmsg", "detail")))
    return redacted(str(next((word for word in words if word), f"status {answer.status}")), secrets)[:300]


def _error_code(fields: Mapping[str, Any]) -> str:
    """Returns the provider's error code in lower case; of several, one that ends the grant."""
    candidates = [fields.get(name) for name in ("error", "error_code", "code", "status")]
    if isinstance(candidates[0], Mapping):
        candidates += [candidates[0].get(name) for name in ("code", "type", "status")]
    codes = [candidate.lower()[:80] for candidate in candidates if isinstance(candidate, str)]
    return next((code for code in codes if code in _GRANT_ENDED_CODES), codes[0] if codes else "")


def _credentials(token: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    now = time.time()
    refresh_token = fields.get("refresh_token")
    credentials: dict[str, Any] = {"access_token": token}
    if isinstance(refresh_token, str) and refresh_token:
        credentials["refresh_token"] = refresh_token
    lifetime = _lifetime(fields, now)
    if lifetime is not None:
        credentials["expires_at"] = now + lifetime
        credentials["refresh_at"] = now + lifetime - min(_REFRESH_BEFORE_SECONDS, lifetime / 2)
    return credentials


def _lifetime(fields: Mapping[str, Any], now: float) -> float | None:
    """Returns a token's lifetime in seconds; None when it is not given, or 0, which means that it never expires."""
    seconds = _number(fields.get("expires_in"))
    if seconds is None and (end := fields.get("expires_at")) is not None:
        # Not standard, but some providers send the time itself: a date, or seconds or milliseconds since 1970.
        moment = _number(end)
        if moment is None:
            moment = _timestamp(end)
        elif moment >= _MIN_EPOCH_MS:
            moment /= 1000
        seconds = None if moment is None else moment - now
    return seconds if seconds is not None and 0 < seconds < _MAX_LIFETIME_SECONDS else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _timestamp(text: Any) -> float | None:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=moment.tzinfo or UTC).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None


def is_due(credentials: Mapping[str, Any]) -> bool:
    """Returns whether there is no token yet, or it expires soon."""
    return "access_token" not in credentials or time.time() >= credentials.get("refresh_at", float("inf"))


def is_expired(credentials: Mapping[str, Any]) -> bool:
    """Returns whether there is no token, or it has expired."""
    return "access_token" not in credentials or time.time() >= credentials.get("expires_at", float("inf"))


async def look_up_identity(
    caller: Caller, definition: IntegrationDefinition, placeholders: Mapping[str, str], credentials: Mapping[str, Any]
) -> str | None:
    """Returns the name of the account; None without a declared look-up or without an answer."""
    auth = definition.auth
    if not isinstance(auth, OAuth2Auth | OAuth1Auth) or auth.identity is None:
        return None
    try:
        url = _identity_url(auth.identity, definition, placeholders, credentials)
        headers = {"Accept": "application/json", **fill_headers(definition, placeholders, credentials)}
    except ValueError:
        return None
    proof = prove(definition, credentials)
    request = UpstreamRequest(
        auth.identity.method,
        URL(url).extend_query(proof.query) if proof.query else URL(url),
        {**headers, **proof.headers},
        sign=signature(definition, credentials),
    )
    answer = await caller.send(request, deadline_seconds=TOKEN_DEADLINE_SECONDS)
    value = json_text.value_at(answer.data, auth.identity.name) if answer.ok else None
    name = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    return name[:_MAX_NAME] if name.isprintable() and name else None


def _identity_url(
    identity: Identity,
    definition: IntegrationDefinition,
    placeholders: Mapping[str, str],
    credentials: Mapping[str, Any],
) -> str:
    if identity.url.startswith("/"):
        return fill_base_url(definition, placeholders, credentials) + identity.url
    return check_web_address(fill_url(identity.url, placeholders))
