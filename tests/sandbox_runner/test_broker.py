"""The broker as scripts see it: from inside a jail, against a real HTTP server."""

import json
import time

from multidict import CIMultiDict, CIMultiDictProxy

from sandbox_runner.broker.headers import request_headers, response_headers
from sandbox_runner.testing import ReceivedRequest
from tests.sandbox_runner.conftest import LiveRunner

_ASK = """
import json, os, urllib.error, urllib.request
BASE = os.environ['API_BASE_URL']
def ask(path, method='GET', data=None, headers=None):
    request = urllib.request.Request(BASE + path, data=data, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=240) as reply:
            return [reply.status, json.loads(reply.read() or b'null'), dict(reply.headers)]
    except urllib.error.HTTPError as error:
        return [error.code, json.loads(error.read()), dict(error.headers)]
"""


def last_received(live: LiveRunner) -> ReceivedRequest:
    return live.twin.received[-1]


def test_the_runs_token_replaces_whatever_the_script_sent(live: LiveRunner) -> None:
    ended = live.execute(
        _ASK
        + "result = ask('/api/actions/?app=3', headers={'Authorization': 'App-Token stolen', 'X-App-Id': '3'})[0]\n"
    )
    assert ended.result == 200, ended
    received = last_received(live)
    assert received.headers["Authorization"] == f"App-Token amt_run_{ended.run.claim['run_id']}"
    assert received.headers["X-App-Id"] == "3"
    assert received.target == "/api/actions/?app=3"


def test_headers_that_scripts_must_not_set_are_dropped(live: LiveRunner) -> None:
    ended = live.execute(
        _ASK
        + "headers = {'Cookie': 'a=b', 'X-Hasura-Role': 'admin', 'x-hasura-admin-secret': 's', 'Accept': 'x/y',\n"
        "           'X-Forwarded-For': '10.0.0.1', 'Host': 'evil.test'}\n"
        "status, body, headers = ask('/v1/graphql', 'POST', b'{}', headers)\n"
        "result = [status, 'Set-Cookie' in headers]\n"
    )
    assert ended.result == [200, False], ended
    names = {name.lower() for name in last_received(live).headers}
    assert not names & {"cookie", "x-hasura-role", "x-hasura-admin-secret", "x-forwarded-for"}
    assert last_received(live).headers["Accept"] == "x/y"
    assert last_received(live).headers["Host"] == f"127.0.0.1:{live.twin.port}"


def test_headers_named_by_connection_end_at_the_broker() -> None:
    sent = CIMultiDictProxy(CIMultiDict({"Connection": "close, X-Hop", "x-hop": "1", "X-Kept": "2", "TE": "x"}))
    assert dict(request_headers(sent, authorization="App-Token t")) == {"X-Kept": "2", "Authorization": "App-Token t"}
    assert dict(response_headers(sent)) == {"X-Kept": "2"}


def test_runner_and_admin_paths_are_refused_with_a_reason(live: LiveRunner) -> None:
    before = len(live.twin.received)
    ended = live.execute(
        _ASK
        + "result = [ask(path, 'POST', b'{}')[:2] for path in ('/api/runner/claim/', '/v1/metadata', '/v2/query',\n"
        "    '/api/apps/%2e%2e/runner/claim/', '/api/nothing/')]\n"
    )
    assert [status for status, _ in ended.result] == [403] * 5, ended
    details = [body["detail"] for _, body in ended.result]
    assert details[0] == "scripts may not use /api/runner/claim/"
    assert details[3] == "the path contains a `.` or `..` segment"
    assert details[4] == "/api/nothing/ is not a path that scripts may use"
    assert len(live.twin.received) == before


def test_a_request_target_with_another_host_goes_nowhere(live: LiveRunner) -> None:
    ended = live.execute(
        "import os, socket\n"
        "host, port = os.environ['API_BASE_URL'].removeprefix('http://').split(':')\n"
        "result = []\n"
        "for head in (b'GET http://192.0.2.1/api/actions/ HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n',\n"
        "             b'CONNECT 192.0.2.1:80 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n',\n"
        "             b'POST /v1/graphql HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 3\\r\\n'\n"
        "             b'Transfer-Encoding: chunked\\r\\n\\r\\n0\\r\\n\\r\\nGET /x HTTP/1.1\\r\\n\\r\\n'):\n"
        "    with socket.create_connection((host, int(port))) as connection:\n"
        "        connection.sendall(head)\n"
        "        result.append(connection.recv(100).split(b' ')[1].decode())\n"
    )
    assert ended.result[:2] in (["403", "403"], ["403", "400"], ["400", "400"]), ended
    assert ended.result[2] == "400", ended


def test_bodies_and_answers_pass_unchanged(live: LiveRunner) -> None:
    ended = live.execute(
        _ASK + "body = os.urandom(3_000_000)\n"
        "result = ask('/api/integrations/x/call/', 'POST', body, {'Content-Type': 'application/x'})[1]\n"
    )
    assert ended.result == {"method": "POST", "target": "/api/integrations/x/call/", "bytes": 3_000_000}, ended


def test_a_body_over_the_limit_is_refused(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        _ASK
        + "status, body, _ = ask('/api/integrations/x/call/', 'POST', bytes(50_000_000))\nresult = [status, body]\n"
    )
    assert ended.result == [413, {"detail": "a request of a script may be at most 32 MB"}], ended


def test_an_event_stream_arrives_event_by_event(live: LiveRunner) -> None:
    ended = live.execute(
        _ASK + "import time\n"
        "times = []\n"
        "with urllib.request.urlopen(BASE + '/api/actions/run-code-stream/?task_id=1') as stream:\n"
        "    for line in stream:\n"
        "        if line.strip(): times.append((line.decode().strip(), time.monotonic()))\n"
        "result = [[line for line, _ in times], times[-1][1] - times[0][1]]\n"
    )
    lines, spread = ended.result
    assert lines == ["data: line 0", "data: line 1", "data: line 2"]
    assert spread > 0.05


def test_the_cache_is_reached_with_a_bearer_token(live: LiveRunner) -> None:
    ended = live.execute(
        _ASK + "cache = os.environ['CACHE_SERVICE_URL'].removeprefix(BASE)\n"
        "set_ = json.dumps({'key': 'a/b', 'value': [1], 'ttl': None}).encode()\n"
        "ask(cache + '/set/?cache_type=app', 'POST', set_, {'Content-Type': 'application/json'})\n"
        "result = [ask(cache + '/get/a/b/')[1], ask(cache + '/get/a%2Fb/')[1], ask(cache + '/get/none/')[1]]\n"
    )
    entry = {"key": "a/b", "value": [1], "exists": True, "ttl": -1}
    assert ended.result == [entry, entry, None], ended
    assert last_received(live).headers["Authorization"].startswith("Bearer amt_run_")


def test_http_libraries_work_sync_and_async_over_kept_connections(live: LiveRunner) -> None:
    ended = live.execute(
        "import asyncio, httpx, os\n"
        "base = os.environ['API_BASE_URL']\n"
        "with httpx.Client(base_url=base) as client:\n"
        "    sync = [client.get('/api/actions/', params={'n': n}).json()['target'] for n in range(5)]\n"
        "async def many():\n"
        "    async with httpx.AsyncClient(base_url=base) as client:\n"
        "        replies = await asyncio.gather(*(client.get('/api/actions/', params={'n': n}) for n in range(40)))\n"
        "        return [reply.status_code for reply in replies]\n"
        "result = [sync, asyncio.run(many())]\n"
    )
    sync, statuses = ended.result
    assert sync == [f"/api/actions/?n={number}" for number in range(5)]
    assert statuses == [200] * 40


def test_graphql_over_a_websocket_with_the_runs_token(live: LiveRunner) -> None:
    ended = live.execute(
        "import asyncio, json, os\n"
        "from websockets.asyncio.client import connect\n"
        "async def talk():\n"
        "    url = os.environ['API_BASE_URL'].replace('http', 'ws') + '/v1/graphql'\n"
        "    async with connect(url, subprotocols=['graphql-transport-ws'], proxy=None) as socket:\n"
        "        stolen = {'headers': {'Authorization': 'App-Token stolen'}}\n"
        "        await socket.send(json.dumps({'type': 'connection_init', 'payload': stolen}))\n"
        "        first = json.loads(await socket.recv())\n"
        '        await socket.send(\'{"type": "ping"}\')\n'
        "        return [socket.subprotocol, first, await socket.recv()]\n"
        "result = asyncio.run(talk())\n"
    )
    token = f"App-Token amt_run_{ended.run.claim['run_id']}"
    protocol, first, second = ended.result
    assert protocol == "graphql-transport-ws"
    assert first == {"type": "connection_init", "payload": {"headers": {"Authorization": token}}}
    assert json.loads(second) == {"type": "ping"}


def test_a_websocket_to_anything_else_is_refused(bubblewrap_runner: LiveRunner) -> None:
    ended = bubblewrap_runner.execute(
        "import os\n"
        "from websockets.sync.client import connect\n"
        "try:\n"
        "    connect(os.environ['API_BASE_URL'].replace('http', 'ws') + '/api/runner/claim/', proxy=None)\n"
        "except Exception as error:\n"
        "    result = str(error)\n"
    )
    assert "403" in ended.result, ended


def test_requests_wait_while_the_platform_restarts(live: LiveRunner) -> None:
    run = live.submit(
        _ASK + "import time\nprint('begun')\n"
        "while not os.path.exists('/never'):\n"
        "    status = ask('/api/actions/')[0]\n"
        "    print('status', status)\n"
        "    if status == 200: break\n"
        "result = status\n"
    )
    live.call(live.twin.go_down())
    try:
        time.sleep(0.7)
    finally:
        live.call(live.twin.come_up())

    async def ended() -> None:
        await run.ended.wait()

    live.call(ended())
    assert run.finished is not None and run.finished["result"] == 200, (run.finished, run.text)
