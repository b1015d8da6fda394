"""Whatever is asked for, the answer is GraphQL's, and never that the engine does not know what happened.

`ENGINE_FUZZ_CASES` says how many requests are made up, `ENGINE_FUZZ_SEED` which.
"""

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from graphql import GraphQLSchema, build_client_schema, get_introspection_query

from hasura.engine import exact_json
from hasura.engine.errors import EngineError
from tests.hasura.engine.serving.clients import TRANSPORT, client_of
from tests.hasura.engine.serving.conftest import Served
from tests.hasura.engine.serving.fuzzing import Fuzzer, Request
from tests.hasura.engine.serving.positions import RESET, make_library
from tests.hasura.engine.serving.samples import RESET_SAMPLES, make_samples
from tests.lengths import at_length

Serve = Callable[..., Served]
_CASES = int(os.environ.get("ENGINE_FUZZ_CASES", str(at_length(150, full=600))))
_SEED = int(os.environ.get("ENGINE_FUZZ_SEED", str(random.randrange(10**9))))
# Refusals to which Hasura gives this code as well.
_UNEXPECTED_IN_HASURA = ("cannot proceed to insert",)
_REQUESTS_BETWEEN_RESETS = 200


_WORLDS = {"library": (make_library, RESET), "samples": (make_samples, RESET_SAMPLES)}


@pytest.fixture(params=list(_WORLDS))
def world(serve: Serve, request: pytest.FixtureRequest) -> Iterator[tuple[Served, str]]:
    """An engine, and the SQL that makes its tables what they were."""
    make, reset = _WORLDS[request.param]
    served = serve()
    make(served)
    yield served, reset


def _schema(served: Served) -> GraphQLSchema:
    return build_client_schema(served.graphql(get_introspection_query())["data"])


def _fault(answer: Any) -> str | None:
    """What is wrong with an answer as such."""
    if not isinstance(answer, dict) or not answer.keys() & {"data", "errors"}:
        return "it is no GraphQL answer"
    errors = answer.get("errors", [])
    if "errors" in answer and (not isinstance(errors, list) or not errors):
        return "its errors are no list"
    for error in errors:
        if not isinstance(error.get("message"), str) or not error["message"]:
            return "an error says nothing"
        extensions = error.get("extensions", {})
        if not isinstance(extensions.get("path"), str):
            return "an error has no place"
        if extensions.get("code") == "unexpected" and not error["message"].startswith(_UNEXPECTED_IN_HASURA):
            return "an error is unexpected"
    return None


def _is_readable(variables: dict[str, Any]) -> bool:
    """A message that cannot be read ends the connection, as the protocol has it."""
    try:
        exact_json.loads(exact_json.dumps(variables))
    except EngineError:
        return False
    return True


def _told(request: Request, answer: Any, fault: str) -> str:
    return f"seed {_SEED}: {fault}\n{exact_json.dumps(answer)[:2000]!r}\n{request.query}\n{request.variables}"


def test_made_up_requests_are_answered(world: tuple[Served, str]) -> None:
    served, reset = world
    faults = []
    fuzzer = Fuzzer(_schema(served), _SEED)
    for index, request in enumerate(fuzzer.requests(_CASES)):
        if index % _REQUESTS_BETWEEN_RESETS == 0:
            served.sql(reset)
        if request.kind == "subscription":
            continue
        content = exact_json.dumps({"query": request.query, "variables": request.variables})
        sent = served.client.post("/v1/graphql", content=content, headers=served.admin_headers())
        answer = exact_json.loads(sent.content) if sent.status_code == 200 else {"status": sent.status_code}
        if (fault := _fault(answer)) is not None:
            faults.append(_told(request, answer, fault))
    assert faults == [], f"{len(faults)} faults\n" + "\n\n".join(faults[:20])


def test_made_up_subscriptions_are_answered(world: tuple[Served, str]) -> None:
    served, _ = world
    faults = []
    fuzzer = Fuzzer(_schema(served), _SEED)
    with client_of(served, TRANSPORT) as client:
        for index, request in enumerate(fuzzer.requests(_CASES)):
            if request.kind != "subscription" or not _is_readable(request.variables):
                continue
            client.start(str(index), request.query, variables=request.variables)
            # A stream without rows has nothing to say; what refuses it comes before the answer to the next question.
            is_stream = "_stream" in request.query
            if is_stream:
                client.start(f"{index} after", "{ __typename }")
            awaited = {str(index), f"{index} after"}
            message = client.receive()
            while message.get("id") not in awaited or message["type"] == "complete":
                message = client.receive()
            client.stop(str(index))
            payload = message["payload"]
            answer = {"errors": payload} if isinstance(payload, list) else payload
            if (fault := _fault(answer)) is not None:
                faults.append(_told(request, answer, fault))
    assert faults == [], f"{len(faults)} faults\n" + "\n\n".join(faults[:20])
