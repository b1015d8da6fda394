"""Secrets that stand in addresses are not in the log, whatever became of the request."""

import json
import logging
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from platform_api.accounts.links.secret import LinkKind, invitation_url, new_secret, password_reset_url, set_up_url
from platform_api.core.logs.redaction import MASK, mask_path, mask_secrets
from tests.platform_api.conftest import Platform

pytestmark = pytest.mark.anyio

TICKET = "Zq8vLw2RkT5nYx7BpHd3Mc9JsGf4Ae6UiOo1KjVbNmQwErTy"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        (f"/api/webhooks/shop/{TICKET}/", f"/api/webhooks/shop/{MASK}/"),
        ("/webhooks/shop/mistyped", f"/webhooks/shop/{MASK}"),
        ("//api//webhooks//shop//mis typed\n//", f"//api//webhooks//shop//{MASK}//"),
        ("/API/Webhooks/shop/x", f"/API/Webhooks/shop/{MASK}"),
        (f"/connect/{TICKET}/", f"/connect/{MASK}/"),
        ("/connect/cut-off", f"/connect/{MASK}"),
        ("/invite/amt_invite_abc", f"/invite/amt_invite_{MASK}"),
        ("/invite/amt_invite_", f"/invite/{MASK}"),
        ("/api/invitations/cut-off/accept/", f"/api/invitations/{MASK}/accept/"),
        (f"/nowhere/{TICKET}/x", f"/nowhere/{MASK}/x"),
        ("/nowhere/amt_run_abcdefghij", f"/nowhere/amt_run_{MASK}"),
    ],
)
def test_secrets_of_paths(path: str, shown: str) -> None:
    assert mask_path(path) == shown


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api/apps/shop/webhooks/7/rotate/",
        "/api/apps/shop/webhooks/presets/",
        "/api/organizations/acme/invitations/12/",
        "/api/actions/runs/0190d3f2-5a1e-7cc0-9a57-3c9a1f0b2d4e/",
        "/api/apps/shop/table/weekly_reports_of_2024_and_2025/",
        "/accounts/connect/shop/",
        "/api/integrations/shop/connections/7/",
    ],
)
def test_paths_without_secrets_stay_as_they_are(path: str) -> None:
    assert mask_path(path) == mask_secrets(path) == path


@given(st.text(alphabet=st.characters(exclude_characters="/"), min_size=12))
def test_no_secret_of_a_webhook_or_a_link_stays_in_a_path(secret: str) -> None:
    for before, after in (("/api/webhooks/shop/", "/"), ("/connect/", ""), ("/api/invitations/", "/accept/")):
        assert mask_path(before + secret + after) == f"{before}{MASK}{after}"


def test_links_in_a_text_are_masked() -> None:
    for link in (invitation_url, password_reset_url, set_up_url):
        secret = new_secret(LinkKind.INVITATION)
        assert secret[12:] not in mask_secrets(f'cannot open "{link("https://automio.example.com", secret)}" now')
    text = f'call to https://automio.example.com/api/webhooks/shop/{TICKET}?a=1 and "/connect/{TICKET}/" failed'
    assert mask_secrets(text) == (
        f'call to https://automio.example.com/api/webhooks/shop/{MASK}?a=1 and "/connect/{MASK}/" failed'
    )
    query = mask_secrets("GET /oauth/callback/?state=abc&code=d%20e&page=2 HTTP/1.1")
    assert query == f"GET /oauth/callback/?state={MASK}&code={MASK}&page=2 HTTP/1.1"


@pytest.mark.parametrize("path", ["/api/webhooks/shop/{}/", "/connect/{}/", "/invite/{}", "/api/nowhere/{}/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_request_log_has_no_secret(
    shared_platform: Platform, caplog: pytest.LogCaptureFixture, path: str, method: str
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with shared_platform.client() as client:
            await client.request(method, path.format(TICKET))
    [logged] = [record for record in caplog.records if record.message == "request"]
    assert logged.__dict__["path"] == path.format(MASK)
    assert not any(TICKET in str(record.__dict__) for record in caplog.records if "platform" in record.name)


_SCRIPT = """
import logging, structlog
from platform_api.core.logs.configuration import configure_logging
from platform_api.core.settings import LogFormat
configure_logging(log_format=LogFormat({format!r}))
logging.getLogger("uvicorn.error").info('%s - "WebSocket %s" [accepted]', ("1.2.3.4", 5), "/v1?token={secret}")
try:
    raise ValueError("no answer of https://automio.example.com/connect/{secret}/")
except ValueError as error:
    structlog.stdlib.get_logger("ours").error("failed", exc_info=error, url="/api/webhooks/a/{secret}")
"""


@pytest.mark.slow
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_lines_of_libraries_and_tracebacks_have_no_secret(log_format: str) -> None:
    script = _SCRIPT.format(format=log_format, secret=TICKET)
    # The traceback would show the source line: compiled without one, it shows the message only.
    done = subprocess.run([sys.executable, "-"], input=script, capture_output=True, text=True, check=True)
    assert TICKET not in done.stderr
    assert done.stderr.count(MASK) + done.stderr.count(json.dumps(MASK)[1:-1]) >= 3
    assert "ValueError" in done.stderr
