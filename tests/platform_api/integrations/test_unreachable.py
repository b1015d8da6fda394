"""An upstream that cannot be reached is named, with what happened there."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from yarl import URL

from platform_api.core.upstreams import AllowedUpstreams
from platform_api.integrations.outgoing.caller import Caller, DownloadFailed, UpstreamRequest
from tests.platform_api.conftest import Platform
from tests.platform_api.integrations.raw_upstream import connect_raw, raw_upstream
from tests.ports import free_port

pytestmark = pytest.mark.anyio


async def _failure(url: str, *, caller: Caller | None = None, seconds: float = 30) -> str:
    async with caller or Caller(allow_private=True) as sending:
        answer = await sending.send(UpstreamRequest("GET", URL(url), {}), deadline_seconds=seconds)
    assert answer.failure is not None and answer.text == answer.failure and not answer.ok
    return answer.failure


@asynccontextmanager
async def _server(answer: bytes | None, *, context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Answers so and closes; with None it never answers."""
    never = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        if answer is None:
            await never.wait()
        writer.write(answer or b"")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        never.set()
        server.close()


async def test_a_refused_connection_names_host_and_port() -> None:
    port = free_port()
    for host in ("127.0.0.1", "localhost"):
        assert await _failure(f"http://{host}:{port}/x?key=secret") == f"cannot connect to {host}:{port}: refused"


async def test_a_host_that_does_not_exist_is_told_without_a_query() -> None:
    said = await _failure("https://no-such-host.invalid/x?key=secret")
    assert said in (
        "cannot connect to no-such-host.invalid:443: no such host",
        "cannot connect to no-such-host.invalid:443: its name cannot be resolved just now",
    )


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"", "it closed the connection without an answer"),
        (b"hello\r\n\r\n", "its answer is not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
            "its answer ended too early",
        ),
        (b"HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n", "it redirects too often"),
    ],
)
async def test_a_call_that_breaks_off_says_how(answer: bytes, cause: str) -> None:
    async with _server(answer) as port:
        assert await _failure(f"http://127.0.0.1:{port}/") == f"the call to 127.0.0.1:{port} broke off: {cause}"


async def test_no_answer_in_time_names_who_gave_none() -> None:
    async with _server(None) as port:
        said = await _failure(f"http://127.0.0.1:{port}/", seconds=0.2)
    assert said == f"the upstream 127.0.0.1:{port} did not answer within 0.2 seconds"


async def test_after_a_redirect_the_place_it_led_to_is_named() -> None:
    port = free_port()
    location = f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/\r\nContent-Length: 0\r\n\r\n".encode()
    async with _server(location) as first:
        assert await _failure(f"http://127.0.0.1:{first}/") == f"cannot connect to 127.0.0.1:{port}: refused"


async def test_tls_that_fails_is_called_so(tmp_path: Path) -> None:
    async with _server(b"HTTP/1.1 200 OK\r\n\r\n") as port:
        said = await _failure(f"https://127.0.0.1:{port}/")
    assert said.startswith(f"cannot connect to 127.0.0.1:{port}: TLS: ") and "does it speak HTTPS?" in said
    async with _server(b"", context=_self_signed(tmp_path)) as port:
        said = await _failure(f"https://127.0.0.1:{port}/")
    assert said.startswith(f"cannot connect to 127.0.0.1:{port}: TLS: its certificate is not accepted (self-signed")


async def test_a_private_address_is_refused_as_before_and_not_told() -> None:
    guarded = Caller(allow_private=False, allowed=AllowedUpstreams.from_entries(""))
    said = await _failure(f"http://localhost:{free_port()}/", caller=guarded)
    assert said == "localhost is a private or local address, which integrations may not call"


async def test_a_download_names_the_place_too() -> None:
    port = free_port()
    async with Caller(allow_private=True) as caller:
        with pytest.raises(DownloadFailed, match=f"cannot connect to 127.0.0.1:{port}: refused"):
            async with caller.download(URL(f"http://127.0.0.1:{port}/"), deadline_seconds=30):
                pass


async def test_a_calls_answer_says_it(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    async with raw_upstream() as upstream:
        await connect_raw(shared_platform, caller, upstream.url)
    async with shared_platform.client(caller) as client:
        reply = await client.post("/api/integrations/raw/call/", json={"endpoint": "/x"})
    response = reply.json()["api_response"]
    assert response["status_code"] == 502
    assert response["text"] == f"cannot connect to {upstream.url.removeprefix('http://')}: refused"


async def test_oauth1_over_plain_http_is_explained(shared_platform: Platform) -> None:
    caller = await shared_platform.create_caller()
    urls = dict.fromkeys(("request_token_url", "authorize_url", "token_url"), "https://x.example/")
    names = ("client_key", "client_secret", "token", "token_secret")
    await connect_raw(
        shared_platform,
        caller,
        "http://x.example",
        auth={"type": "oauth1", **urls},
        credentials=dict.fromkeys(names, "x"),
    )
    async with shared_platform.client(caller) as client:
        reply = await client.post("/api/integrations/raw/call/", json={"endpoint": "/x"})
    assert "signed for https://" in reply.json()["api_response"]["text"]


def _self_signed(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
