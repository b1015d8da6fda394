"""Whether GraphQL is answered, for `/health`."""

from hasura.engine.session import Session
from platform_api.core.health import HealthCheck
from platform_api.graphql.backends.backend import GraphQLBackend

_QUESTION = b'{"query": "query { __typename }"}'


def engine_check(backend: GraphQLBackend) -> HealthCheck:
    """Asks `backend` the least that GraphQL can be asked."""

    async def check() -> str:
        answer = await backend.execute(_QUESTION, Session(role="admin", variables={}, is_admin=True))
        if answer.status != 200 or b"query_root" not in answer.body:
            raise RuntimeError(f"GraphQL answered {answer.status}: {answer.body[:200]!r}")
        return "ok"

    return check
