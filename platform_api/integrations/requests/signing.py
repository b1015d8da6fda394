"""Signs requests as they are sent: by HMAC over declared parts, and by OAuth 1.0a (RFC 5849)."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

from authlib.oauth1 import ClientAuth
from authlib.oauth1.rfc5849.errors import OAuth1Error
from yarl import URL

from platform_api.core.errors import Unprocessable
from platform_api.integrations.definitions.definition import HmacAuth, IntegrationDefinition, OAuth1Auth
from platform_api.integrations.outgoing.caller import NotSigned, Signature
from platform_api.integrations.outgoing.media_types import FORM, media_type


def signature(
    definition: IntegrationDefinition, credentials: Mapping[str, Any], *, content_type: str | None = None
) -> Signature | None:
    """Returns what signs the requests of a connection; None when its integration needs no signature."""
    match definition.auth:
        case HmacAuth() as auth:
            return _hmac_signature(auth, credentials)
        case OAuth1Auth():
            return _oauth1_signature(credentials, content_type)
        case _:
            return None


def secret_bytes(auth: HmacAuth, secret: str) -> bytes:
    """Returns the decoded HMAC key. Raises Unprocessable when the secret is not encoded as declared."""
    try:
        match auth.key_format:
            case "base64":
                return base64.b64decode(secret, validate=True)
            case "hex":
                return bytes.fromhex(secret)
            case "raw":
                return secret.encode()
    except (binascii.Error, ValueError) as exc:
        raise Unprocessable(f"credentials: 'secret' must be {auth.key_format}", field="credentials") from exc


def _hmac_signature(auth: HmacAuth, credentials: Mapping[str, Any]) -> Signature:
    key, secret = credentials["key"], secret_bytes(auth, credentials["secret"])

    def sign(method: str, url: URL, body: bytes) -> Mapping[str, str]:
        timestamp = str(int(time.time()))
        parts = {
            "method": method.encode(),
            "path": url.raw_path.encode(),
            "query": url.raw_query_string.encode(),
            "body": body,
            "timestamp": timestamp.encode(),
            "key": key.encode(),
        }
        message = auth.separator.encode().join(parts[name] for name in auth.fields)
        digest = hmac.new(secret, message, getattr(hashlib, auth.algorithm)).digest()
        encoded = digest.hex() if auth.encoding == "hex" else base64.b64encode(digest).decode()
        headers = {auth.header: auth.prefix + encoded}
        if auth.key_header is not None:
            headers[auth.key_header] = key
        if auth.timestamp_header is not None:
            headers[auth.timestamp_header] = timestamp
        return headers

    return sign


def _oauth1_signature(credentials: Mapping[str, Any], content_type: str | None) -> Signature:
    client = ClientAuth(
        credentials["client_key"],
        credentials["client_secret"],
        token=credentials["token"],
        token_secret=credentials["token_secret"],
    )

    parsed = media_type(content_type) if content_type is not None else None
    is_form = parsed is not None and parsed.is_form

    def sign(method: str, url: URL, body: bytes) -> Mapping[str, str]:
        # Of the body only the fields of a form are signed (RFC 5849, 3.4.1.3.1).
        kind, signed = ({"Content-Type": FORM}, body) if is_form and body else ({}, b"")
        try:
            _, headers, _ = client.prepare(method, str(url), kind, signed)
        except OAuth1Error as error:
            raise NotSigned("OAuth 1 requests can be signed for https:// addresses and this machine only") from error
        return {"Authorization": str(headers["Authorization"])}

    return sign
