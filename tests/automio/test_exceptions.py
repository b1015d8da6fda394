"""The exception tree."""

import pickle
import re
from collections.abc import Callable

import pytest

import automio
from automio import ApiError, AutomioError, _exceptions
from automio.wrapper import API
from tests.automio.loopback import Answer, Loopback


def test_the_tree_in_the_documentation_is_the_tree_in_the_code() -> None:
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (_exceptions.__doc__ or "").splitlines():
        found = re.match(r"^    ([│├└─ ]*)([A-Z]\w+)", line)
        if found is None:
            continue
        depth = len(found.group(1)) // 4
        path = [*path[:depth], found.group(2)]
        if depth:
            drawn[path[-1]] = path[-2]
    defined = {
        name: next(base.__name__ for base in kind.__bases__ if issubclass(base, AutomioError))
        for name, kind in vars(_exceptions).items()
        if isinstance(kind, type) and issubclass(kind, AutomioError) and kind is not AutomioError
        if name == kind.__name__
    }
    assert drawn == defined


@pytest.mark.parametrize(("status", "kind"), sorted(_exceptions.ERRORS_BY_STATUS.items()))
def test_each_status_is_an_error_of_its_own(server: Loopback, api: API, status: int, kind: type[ApiError]) -> None:
    server.on("POST /api/actions/1/run/", Answer(status, json={"detail": "why"}, headers={"X-Request-Id": "r-7"}))
    with pytest.raises(kind) as caught:
        api.actions.run(1)
    error = caught.value
    assert (error.status, error.detail, error.request_id, error.body) == (status, "why", "r-7", {"detail": "why"})
    assert all(part in str(error) for part in ("why", str(status), "r-7", f"POST {server.url}/api/actions/1/run/"))


def test_what_programs_act_on_is_in_the_error(server: Loopback, api: API) -> None:
    fields = [{"path": "columns.0.type", "message": "is unknown"}]
    body = {"detail": "why", "code": "invalid_definition", "fields": fields, "request_id": "r-7"}
    server.on("POST /api/actions/1/run/", Answer(422, json=body, headers={"X-Request-Id": "r-7"}))
    with pytest.raises(ApiError) as caught:
        api.actions.run(1)
    for error in (caught.value, pickle.loads(pickle.dumps(caught.value))):
        assert (error.code, error.request_id) == ("invalid_definition", "r-7")
        assert list(error.fields) == [automio.FieldError("columns.0.type", "is unknown")]


@pytest.mark.parametrize(
    "body", [{}, [], "x", {"code": 5, "fields": "x"}, {"fields": [5, {}, {"path": 1, "message": "x"}]}]
)
def test_an_answer_of_what_stands_before_the_platform_has_no_code(server: Loopback, api: API, body: object) -> None:
    server.on("POST /api/actions/1/run/", Answer(422, json=body))
    with pytest.raises(ApiError) as caught:
        api.actions.run(1)
    assert (caught.value.code, list(caught.value.fields)) == (None, [])


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(400, json={"error": "no table"}), "no table"),
        (Answer(422, json={"detail": [{"loc": ["body", "name"], "msg": "too long"}]}), "body.name: too long"),
        (Answer(500, body=b"<html>Bad gateway</html>"), "<html>Bad gateway</html>"),
        (Answer(500, json={}), "gave no reason"),
        (Answer(418, json={"detail": "teapot"}), "teapot"),
        (Answer(301, json=None, headers={"Location": "/elsewhere/"}), "301"),
    ],
)
def test_whatever_the_body_the_reason_is_shown(server: Loopback, api: API, answer: Answer, said: str) -> None:
    server.on("POST /api/actions/1/run/", answer)
    with pytest.raises(ApiError, match=re.escape(said)):
        api.actions.run(1)


@pytest.mark.parametrize(
    "call",
    [
        lambda api: api.actions.list(),
        lambda api: api.integrations.call("shop", "GET", "/x"),
        lambda api: api.integrations.parallel_call("shop", "GET", "/x", [{}]),
        lambda api: api.tables.graphql("orders", "{ a }"),
        lambda api: list(api.actions.stream_logs("t")),
    ],
)
def test_html_where_json_was_promised_is_named(server: Loopback, api: API, call: Callable[[API], object]) -> None:
    page = Answer(200, body=b"<html>login</html>", headers={"Content-Type": "text/html"})
    for route in (
        "GET /api/actions/",
        "GET /api/actions/run-code-stream/",
        "POST /api/integrations/shop/call/",
        "POST /api/integrations/shop/parallel_call/",
        "POST /api/apps/graphql/",
    ):
        server.on(route, page)
    with pytest.raises(automio.InvalidReply):
        call(api)


def test_errors_survive_pickling() -> None:
    error = automio.NotEnoughCredits("none left", status=402, detail="d", request_id="r", hint="ask", body={"a": 1})
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.status, again.request_id, again.body) == (
        automio.NotEnoughCredits,
        "none left ask",
        402,
        "r",
        {"a": 1},
    )
    for kind in (automio.ConnectionFailed, automio.PluginNotFound, automio.CapabilityNotImplemented):
        assert str(pickle.loads(pickle.dumps(kind("what", hint="next")))) == "what next"
