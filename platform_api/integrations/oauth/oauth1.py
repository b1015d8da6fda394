"""OAuth 1.0a as a client (RFC 5849): the three legs of a sign-in. Calls are signed in `signing`.

authlib signs; the requests go through the guarded caller.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from authlib.common.urls import add_params_to_uri
from authlib.oauth1 import ClientAuth
from authlib.oauth1.rfc5849.errors import OAuth1Error
from yarl import URL

from platform_api.integrations.definitions.definition import OAuth1Auth, fill_url
from platform_api.integrations.oauth.oauth2 import TOKEN_DEADLINE_SECONDS, ClientCredentials, TokenUnavailable
from platform_api.integrations.outgoing.caller import Caller, UpstreamRequest
from platform_api.integrations.outgoing.redaction import redacted

_MOST_TOKEN = 1000


@dataclass(frozen=True, slots=True)
class Token:
    """A temporary credential, or what it was exchanged for."""

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
    """The first leg: a temporary credential. Raises TokenUnavailable."""
    proof = ClientAuth(client.client_id, client.client_secret, redirect_uri=redirect_uri)
    told = await _ask(caller, proof, fill_url(auth.request_token_url, placeholders), [client.client_secret])
    if told.get("oauth_callback_confirmed", "").lower() != "true":
        # Without it there is no verifier (OAuth 1.0 before "a"): a sign-in could be finished for somebody else.
        raise TokenUnavailable("the provider speaks OAuth 1.0 without `oauth_callback_confirmed`, which is not safe")
    return _token(told)


def authorize_url(auth: OAuth1Auth, *, token: str, placeholders: Mapping[str, str]) -> str:
    """The second leg: where the browser goes to be asked for consent."""
    url: str = add_params_to_uri(fill_url(auth.authorize_url, placeholders), [("oauth_token", token)])
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
    """The third leg: credentials as a connection keeps them. Raises TokenUnavailable."""
    proof = ClientAuth(
        client.client_id,
        client.client_secret,
        token=temporary.token,
        token_secret=temporary.secret,
        verifier=verifier,
    )
    secrets = [client.client_secret, temporary.token, temporary.secret, verifier]
    token = _token(await _ask(caller, proof, fill_url(auth.token_url, placeholders), secrets))
    return {
        "client_key": client.client_id,
        "client_secret": client.client_secret,
        "token": token.token,
        "token_secret": token.secret,
    }


async def _ask(caller: Caller, proof: ClientAuth, url: str, secrets: Iterable[str]) -> dict[str, str]:
    try:
        _, headers, _ = proof.prepare("POST", url, {}, b"")
    except (OAuth1Error, ValueError) as error:
        raise TokenUnavailable(f"a request to {url} cannot be signed: {error}") from error
    request = UpstreamRequest("POST", URL(url), {"Authorization": str(headers["Authorization"])})
    answer = await caller.send(request, deadline_seconds=TOKEN_DEADLINE_SECONDS)
    if answer.failure is not None:
        raise TokenUnavailable(f"the provider did not answer: {answer.failure}")
    told = dict(parse_qsl(answer.text[:20_000]))
    if answer.status >= 300:
        said = told.get("error_description") or told.get("oauth_problem") or told.get("error") or answer.text
        said = " ".join(redacted(said[:20_000], secrets).split())[:300]
        raise TokenUnavailable(f"the provider gave no token ({answer.status}): {said}")
    return told


def _token(told: Mapping[str, str]) -> Token:
    token, secret = told.get("oauth_token", ""), told.get("oauth_token_secret", "")
    if not token or len(token) > _MOST_TOKEN or len(secret) > _MOST_TOKEN:
        raise TokenUnavailable("the provider's answer holds no `oauth_token`")
    return Token(token, secret)
