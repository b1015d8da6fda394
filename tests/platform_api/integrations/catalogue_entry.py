"""An entry of the built-in catalogue, its service standing on loopback: the entry's row says what the service does.

`catalogue_entries/<category>.yaml` holds a row for each entry, with where the service documents what it says:

    proof       the header, or `?name=value`, by which every request proves the connection
    keys        what the service answers to a wrong key (`refused`), to a right one where that is not 200 (`accepted`)
                and the body that it is asked with; or `unchecked`, why a wrong key is not found out
    tokens      the token endpoint: where it is, how it wants to be asked, what it answers, how the service says that
                a token has ended (`refused`) and the endpoint that the whole grant has (`over`)
                or `lasting`, why it is not renewed; `exchanged` and `renewal`, the steps from one token to
                another; `asked`, what the service is asked then, what it lists (`names`),
                what calls carry of it (`placeholders`, `headers`)
    oauth1      the account, for a sign-in by OAuth 1.0a
    lists       lists in pages, each with the requests that lead through it; or `without_lists`, why there are none
    write       a call that writes, and the very bytes that must arrive
"""

import base64
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from platform_api.integrations.definitions.catalogue import built_in
from platform_api.integrations.definitions.definition import IntegrationDefinition
from tests.platform_api.integrations.raw_upstream import Arrived, RawUpstream
from tests.yaml_files import load_yaml

CLIENT_ID, CLIENT_SECRET = "the-client", "the-client-secret"
MONTH_SECONDS = 30 * 86_400
Row = dict[str, Any]


def _rows() -> dict[str, Row]:
    files = (Path(__file__).parent / "catalogue_entries").glob("*.yaml")
    return {name: row for file in files for name, row in load_yaml(file).items()}


ROWS = _rows()


@dataclass
class Service:
    """The service of one entry."""

    entry: str
    upstream: RawUpstream
    row: Row
    base_path: str

    @classmethod
    def of(cls, entry: str, upstream: RawUpstream) -> "Service":
        definition = built_in()[entry]
        path = re.sub(r"^(https?://[^/]+|\{[a-z_]+\}(?=/|$))", "", definition.base_url)
        base_path = re.sub(
            r"\{[^}]*\}", lambda found: secret_of("api_key") if "token" in found.group() else "x", path
        )
        in_30_days = (datetime.now(UTC) + timedelta(seconds=MONTH_SECONDS)).isoformat().replace("+00:00", "Z")
        text = json.dumps(ROWS[entry]).replace("{origin}", upstream.url).replace("{in_30_days}", in_30_days)
        return cls(entry, upstream, json.loads(text.replace("{base}", upstream.url + base_path)), base_path)

    @property
    def definition(self) -> IntegrationDefinition:
        return built_in()[self.entry]

    def here(self) -> dict[str, Any]:
        """The entry's definition, its addresses those of this service; as fast as a test wants it."""
        whole = self.definition.model_dump(mode="json")
        auth = whole["auth"]
        for place, name in ((whole, "base_url"), *((auth, name) for name in auth if name.endswith("_url"))):
            place[name] = place[name] and self._at_home(place[name])
        if auth.get("identity"):
            auth["identity"]["url"] = self._at_home(auth["identity"]["url"])
        for step in (auth.get("exchange"), auth.get("renewal")):
            if step is not None:
                step["url"] = self._at_home(step["url"])
        if (asked := whole["after_connect"]) is not None:
            asked["url"] = self._at_home(asked["url"])
        return {**whole, "inputs": {}, "rate_limit": None, "retry": {**whole["retry"], "attempts": 1}}

    def _at_home(self, url: str) -> str:
        return re.sub(r"^https?://[^/]+", self.upstream.url, url)

    def answer(self, body: Any, *, status: int = 200, headers: list[list[str]] | None = None) -> None:
        """Tells the next answer."""
        content = b"" if status == 204 else json.dumps(body).encode()
        lines = [f"HTTP/1.1 {status} Told", "Content-Type: application/json", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in headers or []]
        self.upstream.answers.append("\r\n".join(lines).encode() + b"\r\n\r\n" + content)

    def take(self) -> list[Arrived]:
        """What arrived since the last time; every answer that was told must have been fetched."""
        assert not self.upstream.answers, f"{len(self.upstream.answers)} answers were not asked for"
        arrived = list(self.upstream.arrived)
        self.upstream.arrived.clear()
        return arrived

    def query_of(self, arrived: Arrived, token: str, *, proof: str | None = None) -> list[tuple[str, str]]:
        """A request's parameters in alphabetical order, without the credential that it must have carried."""
        query = sorted(parse_qsl(urlsplit(arrived.target).query, keep_blank_values=True))
        proof = proof or self.row["proof"]
        if proof is None:
            assert urlsplit(arrived.target).path.startswith(self.base_path), "the key stands in the path"
            return query
        expected = proof.format_map(_Secrets(token))
        if expected.startswith("?"):
            query.remove(tuple(expected[1:].split("=")))
        elif expected.endswith("OAuth"):
            assert f'oauth_token="{token}"' in (arrived.header("Authorization") or "")
        else:
            name, _, value = expected.partition(": ")
            assert arrived.header(name) == value
        return query


def secret_of(field: str) -> str:
    """The right value of a credential."""
    return f"right-{field.replace('_', '-')}"


class _Secrets(dict[str, str]):
    """The values that a proof may name."""

    def __init__(self, token: str) -> None:
        super().__init__(access_token=token)

    def __missing__(self, name: str) -> str:
        if name == "user_and_password":
            pair = f"{secret_of('username')}:{secret_of('password')}"
            return base64.b64encode(pair.encode()).decode()
        return secret_of(name)


def token_fields(tokens: Row, arrived: Arrived) -> dict[str, str]:
    """What the token endpoint was asked with, apart from the client, which must have proved itself as it wants."""
    assert (arrived.method, arrived.target) == ("POST", urlsplit(tokens["url"]).path)
    assert arrived.header("Accept") == "application/json"
    is_json = tokens["body"] == "json"
    kind = "application/json" if is_json else "application/x-www-form-urlencoded"
    assert arrived.header("Content-Type") == kind
    fields = json.loads(arrived.body) if is_json else dict(parse_qsl(arrived.body.decode(), strict_parsing=True))
    if tokens["client"] == "basic":
        pair = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        assert arrived.header("Authorization") == f"Basic {pair}"
    else:
        assert arrived.header("Authorization") is None
        assert (fields.pop("client_id"), fields.pop("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
    return {str(name): str(value) for name, value in fields.items()}


def step_fields(step: Row, arrived: Arrived) -> dict[str, str]:
    """What a step to another token was asked with."""
    assert (arrived.method, urlsplit(arrived.target).path) == ("GET", urlsplit(step["url"]).path)
    assert arrived.header("Authorization") is None
    return dict(parse_qsl(urlsplit(arrived.target).query, strict_parsing=True))


def multipart_fields(arrived: Arrived, kind: str) -> list[list[str]]:
    """Names and values of a form without files."""
    name, _, boundary = (arrived.header("Content-Type") or "").partition("; boundary=")
    assert name == kind
    parts = arrived.body.decode().removesuffix(f"--{boundary}--\r\n").split(f"--{boundary}\r\n")[1:]
    found = [re.fullmatch(r'Content-Disposition: form-data; name="([^"]*)"\r\n\r\n(.*)\r\n', part) for part in parts]
    return [[field.group(1), field.group(2)] for field in found if field is not None]
