"""Whether a call comes from whom it should: the shared secret, or the signature over the bytes as they came."""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Mapping

from platform_api.core.errors import Unauthenticated
from platform_api.webhooks.schemas import (
    NoVerification,
    SecretVerification,
    SignatureVerification,
    Verification,
)

_MOST_SIGNATURES = 5


def verify(
    verification: Verification,
    secret: str | None,
    *,
    headers: Mapping[str, str],
    body: bytes,
    now: float | None = None,
) -> None:
    """Raises Unauthenticated. `headers` have lower-case names; `now` is in Unix seconds."""
    match verification:
        case NoVerification():
            return
        case SecretVerification():
            sent = headers.get(verification.header, "")
            if secret is None or not hmac.compare_digest(sent.encode(), secret.encode()):
                raise Unauthenticated("the webhook's secret is missing or wrong")
        case SignatureVerification():
            _verify_signature(verification, secret, headers, body, time.time() if now is None else now)


def _verify_signature(
    verification: SignatureVerification, secret: str | None, headers: Mapping[str, str], body: bytes, now: float
) -> None:
    header = headers.get(verification.header, "")
    elements = _elements(header) if verification.element is not None else []
    timestamp = ""
    if verification.timestamp_header is not None:
        timestamp = headers.get(verification.timestamp_header, "")
    elif verification.timestamp_element is not None:
        timestamp = next((value for name, value in elements if name == verification.timestamp_element), "")
    given = [header]
    if verification.element is not None:
        given = [value for name, value in elements if name == verification.element][:_MOST_SIGNATURES]
    expected = _signature(verification, secret or "", timestamp, body)
    signatures = [_decoded(verification, text) for text in given]
    # Every one is compared, so that the time tells nothing.
    matches = [hmac.compare_digest(signature, expected) for signature in signatures]
    if secret is None or not any(matches):
        raise Unauthenticated("the webhook's signature is missing or wrong")
    if "{timestamp}" in verification.payload:
        _require_recent(timestamp, verification.tolerance_seconds, now)


def _signature(verification: SignatureVerification, secret: str, timestamp: str, body: bytes) -> bytes:
    before, _, after = verification.payload.partition("{body}")
    signed = before.replace("{timestamp}", timestamp).encode() + body
    signed += after.replace("{timestamp}", timestamp).encode()
    return hmac.new(secret.encode(), signed, getattr(hashlib, verification.algorithm)).digest()


def _decoded(verification: SignatureVerification, text: str) -> bytes:
    """The bytes of a signature; nothing when it is none."""
    if not text.startswith(verification.prefix):
        return b""
    text = text.removeprefix(verification.prefix).strip()
    try:
        if verification.encoding == "hex":
            return bytes.fromhex(text)
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _elements(header: str) -> list[tuple[str, str]]:
    parts = (part.strip().partition("=") for part in header.split(",")[:50])
    return [(name, value) for name, _, value in parts]


def _require_recent(timestamp: str, tolerance: int, now: float) -> None:
    sent = int(timestamp) if timestamp.isascii() and timestamp.isdecimal() and len(timestamp) < 14 else 0
    if abs(now - sent) > tolerance:
        raise Unauthenticated(f"the webhook's signed time is more than {tolerance} seconds away from now")
