"""OAuth 2 as a client (RFC 6749, 7636): what is sent to a provider and what its answers mean.

authlib builds the parameters; the requests go through the guarded caller, because a definition's token endpoint is an
address that an organization chose.
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

from automio._paths import ABSENT, at
from platform_api.core.errors import PlatformError, Unprocessable
from platform_api.integrations.definitions.client_keys import ASSERTION_TYPE, sign_assertion
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
from platform_api.integrations.definitions.token_steps import TokenStep
from platform_api.integrations.outgoing import json_text
from platform_api.integrations.outgoing.caller import Caller, UpstreamAnswer, UpstreamRequest
from platform_api.integrations.outgoing.redaction import redacted
from platform_api.integrations.requests.credentials import prove
from platform_api.integrations.requests.signing import signature

TOKEN_DEADLINE_SECONDS = 20.0
# Tokens are renewed this long before they end, or at half of their life when that is short.
_REFRESH_BEFORE_SECONDS = 30.0
_GRANT_IS_OVER = frozenset(
    {"invalid_grant", "bad_refresh_token", "invalid_refresh_token", "invalid_code", "token_revoked", "token_expired"}
)
_FIRST_EPOCH_MS = 10**11
_MAX_LIFETIME_SECONDS = 10**10
_SECRET_PARAMETERS = ("refresh_token", "code", "code_verifier")
_MOST_NAME = 150
_MOST_VALUE = 500


class TokenUnavailable(PlatformError):
    """The provider's token endpoint gave no token this time: it was away, or the OAuth client is set up wrongly."""

    status_code = 502


class TokenEndpointAway(TokenUnavailable):
    """The provider's token endpoint neither gave a token nor refused one: the client may be right."""


class GrantOver(PlatformError):
    """The provider no longer honours the consent that a connection stands for."""

    status_code = 401


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The organization's application at the provider."""

    client_id: str
    client_secret: str = field(repr=False)


def authorize_url(
    auth: OAuth2Auth,
    *,
    client_id: str,
    redirect_uri: str,
    state: str,
    verifier: str,
    placeholders: Mapping[str, str],
) -> str:
    """Where the browser goes to be asked for consent."""
    assert auth.authorize_url is not None
    parameters = dict(auth.authorize_params)
    if auth.pkce:
        parameters |= {
            "code_challenge": create_s256_code_challenge(verifier),
            "code_challenge_method": "S256",
        }
    url: str = prepare_grant_uri(
        fill_url(auth.authorize_url, placeholders),
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
    """Credentials as a connection keeps them. Raises GrantOver, TokenUnavailable."""
    url = fill_url(auth.token_url, placeholders)
    added = {name: fill_url(value, placeholders) for name, value in auth.token_params.items()}
    fields = {"grant_type": grant_type, **parameters, **added}
    headers = {name: fill_url(value, placeholders) for name, value in auth.token_headers.items()}
    if not any(name.lower() == "accept" for name in headers):
        headers["Accept"] = "application/json"
    headers, body = _token_request(auth, client, url, fields, headers)
    request = UpstreamRequest("POST", URL(url), headers, body=body)
    answer = await caller.send(request, deadline_seconds=TOKEN_DEADLINE_SECONDS)
    told = _told(answer)
    secrets = [client.client_secret, *(parameters.get(name, "") for name in _SECRET_PARAMETERS)]
    if grant_type == "refresh_token" and auth.grant_end is not None and auth.grant_end.is_said_in(told):
        raise GrantOver(f"the provider refused: {_said(answer, told, secrets)}")
    tokens = _read_tokens(answer, told, auth.tokens_at, secrets)
    return {**_due_early(auth, tokens), "values": {**_values(auth, told), CLIENT_ID: client.client_id}}


async def request_step(
    caller: Caller, auth: OAuth2Auth, client: ClientCredentials, step: TokenStep, credentials: Mapping[str, Any]
) -> dict[str, Any]:
    """New credentials for those that are still good. Raises GrantOver, TokenUnavailable."""
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
    told, secrets = _told(answer), [client.client_secret, token]
    if auth.grant_end is not None and auth.grant_end.is_said_in(told):
        raise GrantOver(f"the provider refused: {_said(answer, told, secrets)}")
    return merged_tokens(credentials, _due_early(auth, _read_tokens(answer, told, None, secrets)))


def _due_early(auth: OAuth2Auth, tokens: dict[str, Any]) -> dict[str, Any]:
    """A token that renews itself must do so while it is good: at half of its life, not just before its end."""
    if auth.renewal is None or "expires_at" not in tokens:
        return tokens
    return {**tokens, "refresh_at": (time.time() + tokens["expires_at"]) / 2}


def _token_request(
    auth: OAuth2Auth, client: ClientCredentials, url: str, fields: dict[str, str], headers: dict[str, str]
) -> tuple[dict[str, str], bytes]:
    """Headers and body of a request to the token endpoint, the client's proof among them."""
    if auth.client_authentication == "private_key_jwt":
        fields |= _signed_proof(auth, client, url)
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
    """Raises Unprocessable for a client that cannot prove itself as the definition wants."""
    auth = definition.auth
    if not isinstance(auth, OAuth2Auth) or auth.client_authentication != "private_key_jwt":
        return
    try:
        sign_assertion(client_secret, client_id=client_id, audience="", algorithm=auth.assertion_algorithm)
    except ValueError as error:
        raise Unprocessable(f"client_secret: {error}") from error


def _signed_proof(auth: OAuth2Auth, client: ClientCredentials, url: str) -> dict[str, str]:
    try:
        assertion = sign_assertion(
            client.client_secret,
            client_id=client.client_id,
            audience=auth.assertion_audience or url,
            algorithm=auth.assertion_algorithm,
        )
    except ValueError as error:
        raise TokenUnavailable(f"the OAuth client's key cannot be used: {error}; set the client again") from error
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def _values(auth: OAuth2Auth, told: Mapping[str, Any]) -> dict[str, str]:
    found = {name: pick(told, path) for name, path in auth.token_values.items()}
    return {
        name: str(value)[:_MOST_VALUE]
        for name, value in found.items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }


def merged_tokens(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Credentials after a renewal: a provider need not tell everything again, but an end is of one token only."""
    kept = {name: value for name, value in old.items() if name not in ("expires_at", "refresh_at")}
    return {**kept, **new, "values": {**old.get("values", {}), **new.get("values", {})}}


def require_values(definition: IntegrationDefinition, credentials: Mapping[str, Any]) -> None:
    """Raises TokenUnavailable, naming what the token endpoint should have told."""
    if (missing := missing_values(definition, credentials)) and isinstance(definition.auth, OAuth2Auth):
        path = definition.auth.token_values.get(missing[0], missing[0])
        raise TokenUnavailable(
            f"the token endpoint's answer has no {path!r}, which calls to {definition.name} need as {missing[0]!r}"
        )


def _told(answer: UpstreamAnswer) -> dict[str, Any]:
    return answer.data if isinstance(answer.data, dict) else dict(parse_qsl(answer.text[:20_000]))


def _read_tokens(
    answer: UpstreamAnswer, told: Mapping[str, Any], tokens_at: str | None, secrets: Iterable[str]
) -> dict[str, Any]:
    if answer.failure is not None:
        raise TokenEndpointAway(f"the token endpoint did not answer: {answer.failure}")
    tokens = told if tokens_at is None else pick(told, tokens_at)
    token = tokens.get("access_token") if isinstance(tokens, Mapping) else None
    if answer.status < 300 and isinstance(token, str) and token and token.isascii() and token.isprintable():
        return _credentials(token, tokens)
    code, said = _code_of_refusal(told), _said(answer, told, secrets)
    if code in _GRANT_IS_OVER and answer.status < 500:
        raise GrantOver(f"the provider refused: {said} ({code})")
    is_away = answer.status >= 500 or answer.status == 429
    error = TokenEndpointAway if is_away or (answer.status < 400 and not code) else TokenUnavailable
    raise error(f"the token endpoint gave no token: {said}")


def _said(answer: UpstreamAnswer, told: Mapping[str, Any], secrets: Iterable[str]) -> str:
    """The provider's words; it may repeat what it was sent, and what it says is shown and mailed."""
    error = told.get("error")
    nested = error.get("message") if isinstance(error, Mapping) else None
    words = (nested, *(told.get(name) for name in ("error_description", "error", "message", "errmsg", "detail")))
    return redacted(str(next((one for one in words if one), f"status {answer.status}")), secrets)[:300]


def _code_of_refusal(told: Mapping[str, Any]) -> str:
    """What the provider calls its refusal, in lower case; one that ends a grant before any other."""
    found = [told.get(name) for name in ("error", "error_code", "code", "status")]
    if isinstance(found[0], Mapping):
        found += [found[0].get(name) for name in ("code", "type", "status")]
    codes = [one.lower()[:80] for one in found if isinstance(one, str)]
    return next((code for code in codes if code in _GRANT_IS_OVER), codes[0] if codes else "")


def _credentials(token: str, told: Mapping[str, Any]) -> dict[str, Any]:
    now = time.time()
    refresh_token = told.get("refresh_token")
    credentials: dict[str, Any] = {"access_token": token}
    if isinstance(refresh_token, str) and refresh_token:
        credentials["refresh_token"] = refresh_token
    lifetime = _lifetime(told, now)
    if lifetime is not None:
        credentials["expires_at"] = now + lifetime
        credentials["refresh_at"] = now + lifetime - min(_REFRESH_BEFORE_SECONDS, lifetime / 2)
    return credentials


def _lifetime(told: Mapping[str, Any], now: float) -> float | None:
    """Seconds that a token lasts; None when that is not told. 0 says, where it occurs, that it does not end."""
    seconds = _number(told.get("expires_in"))
    if seconds is None and (end := told.get("expires_at")) is not None:
        # No standard's, but some tell the time itself: as a date, or since 1970 in seconds or milliseconds.
        moment = _number(end)
        if moment is None:
            moment = _timestamp(end)
        elif moment >= _FIRST_EPOCH_MS:
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
    """Whether there is no token yet, or it ends soon."""
    return "access_token" not in credentials or time.time() >= credentials.get("refresh_at", float("inf"))


def is_expired(credentials: Mapping[str, Any]) -> bool:
    """Whether there is no token that could still work."""
    return "access_token" not in credentials or time.time() >= credentials.get("expires_at", float("inf"))


async def look_up_identity(
    caller: Caller, definition: IntegrationDefinition, placeholders: Mapping[str, str], credentials: Mapping[str, Any]
) -> str | None:
    """The account that the tokens are of, when the definition says how to find out and the provider answers."""
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
    found = pick(answer.data, auth.identity.name) if answer.ok else None
    name = str(found).strip() if isinstance(found, str | int) and not isinstance(found, bool) else ""
    return name[:_MOST_NAME] if name.isprintable() and name else None


def _identity_url(
    identity: Identity,
    definition: IntegrationDefinition,
    placeholders: Mapping[str, str],
    credentials: Mapping[str, Any],
) -> str:
    if identity.url.startswith("/"):
        return fill_base_url(definition, placeholders, credentials) + identity.url
    return fill_url(identity.url, placeholders)


def pick(value: Any, path: str) -> Any:
    """What stands at a path, as places in lists are written; None when nothing does."""
    try:
        found = at(value, path)
    except ValueError:
        return None
    return None if found is ABSENT else found
