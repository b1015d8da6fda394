"""Signs in by OAuth 1.0a as a client (RFC 5849), in three legs. `requests.signing` signs the calls.

authlib signs; the guarded caller sends the requests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from authlib.common.urls import add_params_to_uri
from authlib.oauth1 import ClientAuth
from authlib.oauth1.rfc5849.errors import OAuth1Error
from yarl import URL

from platform_api.integrations.definitions.definition import OAuth1Auth
from platform_api.integrations.oauth.oauth2 import (
    TOKEN_DEADLINE_SECONDS,
    ClientCredentials,
    TokenUnavailable,
    checked_address,
)
from platform_api.integrations.outgoing.caller import Caller, UpstreamRequest
from platform_api.integrations.outgoing.redaction import redacted

_MAX_TOKEN = 1000


@dataclass(frozen=True, slots=True)
class Token:
    """Holds a temporary credential, or the token it was exchanged for."""

    token: str
    secret: str = field(repr=False)


async def request_temporary(
    caller: Caller,
    auth: OAuth1Auth,
    client: ClientCredentials,
    *,
    redirect_uri: str,
    placeholders: Mapping[str, str],
) -> Token:
    """Returns a temporary credential (the first leg). Raises TokenUnavailable."""
    proof = ClientAuth(client.client_id, client.client_secret, redirect_uri=redirect_uri)
    fields = await _request(
        caller,
        proof,
        checked_address("request_token_url", auth.request_token_url, placeholders),
        [client.client_secret],
    )
    if fields.get("oauth_callback_confirmed", "").lower() != "true":
        # Without it there is no verifier (OAuth 1.0 before "a"), so one user could finish the sign-in of another.
        raise TokenUnavailable("the provider uses OAuth 1.0 without `oauth_callback_confirmed`, which is not safe")
    return _token(fields)


def authorize_url(auth: OAuth1Auth, *, token: str, placeholders: Mapping[str, str]) -> str:
    """Returns the URL where the provider asks for consent (the second leg)."""
    url: str = add_params_to_uri(
        checked_address("authorize_url", auth.authorize_url, placeholders), [("oauth_token", token)]
    )
    return url


async def request_access(
    caller: Caller,
    auth: OAuth1Auth,
    client: ClientCredentials,
    *,
    temporary: Token,
    verifier: str,
    placeholders: Mapping[str, str],
) -> dict[str, str]:
    """Returns credentials in the form that a connection stores (the third leg). Raises TokenUnavailable."""
    proof = ClientAuth(
        client.client_id,
        client.client_secret,
        token=temporary.token,
        token_secret=temporary.secret,
        verifier=verifier,
    )
    secrets = [client.client_secret, temporary.token, temporary.secret, verifier]
    token = _token(await _request(caller, proof, checked_address("token_url", auth.token_url, placeholders), secrets))
    return {
        "client_key": client.client_id,
        "client_secret": client.client_secret,
        "token": token.token,
        "token_secret": token.secret,
    }


async def _request(caller: Caller, proof: ClientAuth, url: str, secrets: Iterable[str]) -> dict[str, str]:
    try:
        _, headers, _ = proof.prepare("POST", url, {}, b"")
    except (OAuth1Error, ValueError) as error:
        raise TokenUnavailable(f"a request to {url} cannot be signed: {error}") from error
    request = UpstreamRequest("POST", URL(url), {"Authorization": str(headers["Authorization"])})
    answer = await caller.send(request, deadline_seconds=TOKEN_DEADLINE_SECONDS)
    if answer.failure is not None:
        raise TokenUnavailable(f"the provider did not answer: {answer.failure}")
    fields = dict(parse_qsl(answer.text[:20_000]))
    if answer.status >= 300:
        reason = fields.get("error_description") or fields.get("oauth_problem") or fields.get("error") or answer.text
        reason = " ".join(redacted(reason[:20_000], secrets).split())[:300]
        raise TokenUnavailable(f"the provider gave no token ({answer.status}): {reason}")
    return fields


def _token(fields: Mapping[str, str]) -> Token:
    token, secret = fields.get("oauth_token", ""), fields.get("oauth_token_secret", "")
    if not token or len(token) > _MAX_TOKEN or len(secret) > _MAX_TOKEN:
        raise TokenUnavailable("the provider's answer has no valid `oauth_token`")
    return Token(token, secret)
