"""Verifies that a call comes from the expected sender: by the shared secret, or the signature over the request.

Any of several secrets may be used, so that one can be replaced while both are in use. Every candidate is compared, in
constant time, so that neither the time nor the answer reveals which one was nearly right.
"""

import base64
import hashlib
import hmac
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice, product
from typing import Any

from automio._paths import at
from platform_api.core.errors import Unauthenticated, Unprocessable
from platform_api.webhooks.bodies import parse_exactly, parse_json
from platform_api.webhooks.forms import parse_query
from platform_api.webhooks.signatures.encodings import decode_text
from platform_api.webhooks.signatures.public_keys import is_signed_by
from platform_api.webhooks.signatures.signed_text import Delivery, is_form, json_text, placeholders, render
from platform_api.webhooks.signatures.verifications import (
    BasicVerification,
    Ed25519Verification,
    NoVerification,
    SecretVerification,
    SignatureVerification,
    StandardVerification,
    Verification,
    X509Verification,
)

_Signature = SignatureVerification | Ed25519Verification | X509Verification
_MAX_SIGNATURES = 5
_MAX_ELEMENTS = 50
_MAX_KEY_TRIALS = 30
_WHSEC = "whsec_"
_WRONG_SECRET = "the webhook's secret is missing or wrong"
_WRONG_SIGNATURE = "the webhook's signature is missing or wrong"


def verify(
    verification: Verification, secrets: Sequence[str], delivery: Delivery, *, now: float | None = None
) -> None:
    """Raises Unauthenticated unless the delivery proves its sender. `now` is in Unix seconds."""
    moment = time.time() if now is None else now
    match verification:
        case NoVerification():
            return
        case SecretVerification():
            _verify_secret(verification, secrets, delivery)
        case BasicVerification():
            _verify_basic(verification, secrets, delivery)
        case SignatureVerification() | Ed25519Verification() | X509Verification():
            _verify_signature(verification, secrets, delivery, moment)
        case StandardVerification():
            _verify_standard(verification, secrets, delivery, moment)


def check_secrets(verification: Verification, secrets: Sequence[str]) -> None:
    """Raises Unprocessable when the verification cannot work with these secrets."""
    match verification:
        case NoVerification() | Ed25519Verification() | X509Verification():
            return
        case StandardVerification() if verification.public_keys and not secrets:
            return
        case _ if not secrets:
            raise Unprocessable(
                "secret: this verification needs a secret, which the sender signs with or sends", field="secret"
            )
        case SignatureVerification() | StandardVerification():
            for secret in secrets:
                try:
                    key = _key(verification, secret)
                except ValueError as error:
                    raise Unprocessable(f"secret: {error}", field="secret") from error
                if len(key) < 8:
                    raise Unprocessable("secret: the key is shorter than 8 bytes", field="secret")


def is_one_of(sent: str, secrets: Sequence[str]) -> bool:
    """Returns true if `sent` is one of the secrets."""
    given = sent.encode(errors="replace")
    matches = [hmac.compare_digest(given, secret.encode()) for secret in secrets]
    return any(matches)


def _verify_secret(verification: SecretVerification, secrets: Sequence[str], delivery: Delivery) -> None:
    sent: object = ""
    if verification.header is not None:
        sent = delivery.headers.get(verification.header, "")
    elif verification.query is not None:
        sent = parse_query(delivery.query_string).get(verification.query, [""])[0]
    elif verification.path is not None:
        sent = at(parse_json(delivery.content_type, delivery.body), verification.path)
    text = sent if isinstance(sent, str) and sent.startswith(verification.prefix) else ""
    given = text.removeprefix(verification.prefix)
    # A space follows `Bearer`, also where the prefix was written without it.
    if not (is_one_of(given, secrets) | is_one_of(given.strip(), secrets)):
        raise Unauthenticated(_WRONG_SECRET)


def _verify_basic(verification: BasicVerification, secrets: Sequence[str], delivery: Delivery) -> None:
    scheme, _, credentials = delivery.headers.get("authorization", "").partition(" ")
    expected = [base64.b64encode(f"{verification.username}:{secret}".encode()).decode() for secret in secrets]
    if not is_one_of(credentials.strip(), expected) or scheme.lower() != "basic":
        raise Unauthenticated(
            "the webhook's username or password is missing or wrong",
            headers={"WWW-Authenticate": 'Basic realm="webhook"'},
        )


def _verify_signature(verification: _Signature, secrets: Sequence[str], delivery: Delivery, now: float) -> None:
    content: Any = None
    if verification.path is not None or verification.timestamp_path is not None:
        content = parse_exactly(delivery.content_type, delivery.body)
    if verification.path is not None:
        header = json_text(at(content, verification.path))
    else:
        header = delivery.headers.get(verification.header or "", "")
    elements = _elements(header, verification.separator) if verification.element is not None else []
    timestamp = ""
    if verification.timestamp_header is not None:
        timestamp = delivery.headers.get(verification.timestamp_header, "")
    elif verification.timestamp_element is not None:
        timestamp = next((value for name, value in elements if name == verification.timestamp_element), "")
    elif verification.timestamp_path is not None:
        timestamp = json_text(at(content, verification.timestamp_path))
    given = [header]
    if verification.element is not None:
        given = [value for name, value in elements if name == verification.element][:_MAX_SIGNATURES]
    signatures = [_decoded(verification, text) for text in given]
    names = placeholders(verification.payload)
    _require_covered_body(verification, names, delivery)
    signed = [
        render(
            verification.payload,
            delivery,
            url=url,
            timestamp=timestamp,
            identifier=delivery.headers.get(verification.id_header or "", ""),
        )
        for url in (_urls(verification, delivery) if "url" in names else delivery.urls[:1])
    ]
    if not isinstance(verification, SignatureVerification):
        # Each costs as much as hashing the whole body: a stranger's call cannot cause hundreds of them.
        candidates = islice(product(signed, verification.keys, signatures), _MAX_KEY_TRIALS)
        matches = [is_signed_by(key, signature, text) for text, key, signature in candidates]
    else:
        keys = [_key(verification, secret) for secret in secrets]
        expected = [hmac.new(key, text, verification.algorithm).digest() for key in keys for text in signed]
        matches = [hmac.compare_digest(signature, digest) for signature in signatures for digest in expected]
    if not any(matches):
        raise Unauthenticated(_WRONG_SIGNATURE)
    if "timestamp" in names:
        _require_recent(_unix(timestamp, verification.timestamp_format), verification.tolerance_seconds, now)


def _verify_standard(
    verification: StandardVerification, secrets: Sequence[str], delivery: Delivery, now: float
) -> None:
    prefix = verification.header_prefix
    identifier, timestamp, header = (
        delivery.headers.get(f"{prefix}-{name}", "") for name in ("id", "timestamp", "signature")
    )
    signed = f"{identifier}.{timestamp}.".encode() + delivery.body
    keys = [_key(verification, secret) for secret in secrets]
    expected = [hmac.digest(key, signed, "sha256") for key in keys]
    matches = [False]
    # A header that was sent twice has been joined by a comma and a space.
    for version, _, text in [part.strip(",").partition(",") for part in header.split()[:_MAX_SIGNATURES]]:
        signature = _bytes_of(text, "base64")
        if version == "v1":
            matches += [hmac.compare_digest(signature, digest) for digest in expected]
        elif version == "v1a":
            matches += [is_signed_by(key, signature, signed) for key in verification.keys]
    if not identifier or not any(matches):
        raise Unauthenticated(_WRONG_SIGNATURE)
    _require_recent(_unix(timestamp, "seconds"), verification.tolerance_seconds, now)


def _key(verification: SignatureVerification | StandardVerification, secret: str) -> bytes:
    """Returns the key that a secret encodes. Raises ValueError with what would be right."""
    if isinstance(verification, StandardVerification):
        try:
            return decode_text(secret.removeprefix(_WHSEC), "base64")
        except ValueError as error:
            raise ValueError("a secret of Standard Webhooks must be whsec_ followed by base64") from error
    if verification.secret_encoding == "text":
        return secret.encode()
    try:
        return decode_text(secret, verification.secret_encoding)
    except ValueError as error:
        raise ValueError(f"it is not {verification.secret_encoding}, which secret_encoding requires") from error


def _urls(verification: _Signature, delivery: Delivery) -> Sequence[str]:
    if verification.url is None:
        return delivery.urls
    return [verification.url + (f"?{delivery.query_string}" if delivery.query_string else "")]


def _require_covered_body(verification: _Signature, names: Sequence[str], delivery: Delivery) -> None:
    """Requires a body that is no form to be empty, or covered by its hash in the signed query."""
    if "form" not in names or is_form(delivery) or not delivery.body:
        return
    given = parse_query(delivery.query_string).get(verification.body_hash_query or "", [""])[0]
    if not hmac.compare_digest(
        given.lower().encode(errors="replace"), hashlib.sha256(delivery.body).hexdigest().encode()
    ):
        raise Unauthenticated("the webhook's body is not covered by the signature")


def _decoded(verification: _Signature, text: str) -> bytes:
    """Returns the bytes of a signature; empty when it is none."""
    if not text.startswith(verification.prefix):
        return b""
    return _bytes_of(text.removeprefix(verification.prefix).strip(), verification.encoding)


def _bytes_of(text: str, encoding: str) -> bytes:
    try:
        return decode_text(text, encoding)  # type: ignore[arg-type]  # one of the declared encodings
    except ValueError:
        return b""


def _elements(header: str, separator: str) -> list[tuple[str, str]]:
    parts = (part.strip().partition("=") for part in header.split(separator)[:_MAX_ELEMENTS])
    return [(name.strip(), value) for name, _, value in parts]


def _unix(timestamp: str, form: str) -> float:
    """Returns a sent time in Unix seconds; 0 when it is none."""
    if form == "iso8601":
        try:
            moment = datetime.fromisoformat(timestamp)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            return 0
    if not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 16):
        return 0
    return int(timestamp) / 1000 if form == "milliseconds" else int(timestamp)


def _require_recent(sent: float, tolerance: int, now: float) -> None:
    if abs(now - sent) > tolerance:
        raise Unauthenticated(f"the webhook's signed time is more than {tolerance} seconds away from now")
