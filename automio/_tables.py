"""Provides `api.tables`: GraphQL on an app's tables, and tags."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from automio._decode import as_object
from automio._exceptions import GraphqlException
from automio._exchange import Call, Reply, Request
from automio._graphql_document import is_read_only
from automio._json import decode_json, encode_json
from automio._models import GraphQLRequest, GraphQLResponse, Tag
from automio._names import TableName
from automio._operation import AsyncResource, Resource, SyncResource, operation
from automio._replies import invalid_reply, read_json, read_text
from automio._settings import AppId, app_in_path

if TYPE_CHECKING:
    import gql

_PATH = "/api/apps/graphql/"


class TablesOperations(Resource):
    """Offers operations on an app's tables."""

    @operation
    def apps_graphql_query(
        self, app: AppId, table: TableName, graph_ql_request: GraphQLRequest
    ) -> Call[GraphQLResponse]:
        """Runs a GraphQL document on the tables of `app`; check `.errors` of the answer before you use `.data`.

        `app` is the app's id or `<organization>/<app>`, `table` the table's name without the prefix `app_<id>_`.
        """
        return Call(_graphql_request(app, table, graph_ql_request), _read_graphql)

    @operation
    def graphql(
        self,
        table: TableName,
        query: str | None = None,
        variables: Mapping[str, Any] | None = None,
        graph_ql_request: GraphQLRequest | None = None,
    ) -> Call[GraphQLResponse]:
        """Runs a GraphQL document on the tables of the configured app; raises GraphqlException on errors.

        Inserted rows without a `connection_id` get that of the latest integration call (see `api.connection_id`).
        """
        if graph_ql_request is None:
            if query is None:
                raise ValueError("graphql() needs a `query` or a `graph_ql_request`.")
            graph_ql_request = GraphQLRequest(query=query, variables=variables)
        filled = GraphQLRequest(
            query=graph_ql_request.query,
            variables=self._memory.fill(graph_ql_request.query, graph_ql_request.variables or {}),
            operation_name=graph_ql_request.operation_name,
        )
        return Call(_graphql_request(self._settings.require_app_id(), table, filled), _read_graphql_data)

    @operation
    def apps_graphql_playground(self, app: AppId, table: TableName) -> Call[str]:
        """Returns the HTML page of the GraphQL playground for a table."""
        parameters = {"app": str(app), "table": table}
        request = Request(
            method="GET", path=_PATH, parameters=parameters, headers={"Accept": "text/html"}, repeatable=True
        )
        return Call(request, read_text)

    @operation
    def add_tag(self, app_id: AppId, table_name: TableName, tag: Tag | Mapping[str, Any]) -> Call[Tag]:
        """Adds a tag (name, and optionally color and description) to a table of `app_id`."""
        if isinstance(tag, Tag):
            tag = {"name": tag.name, "color": tag.color, "description": tag.description}
        return _add_tag(app_id, table_name, tag)

    @operation
    def create_tag(self, table_name: TableName, tag_name: str) -> Call[Tag]:
        """Adds a tag to a table of the configured app."""
        return _add_tag(self._settings.require_app_id(), table_name, {"name": tag_name})


class Tables(TablesOperations, SyncResource):
    """Offers operations on an app's tables."""

    def client(self, app: AppId | None = None) -> "gql.Client":
        """Creates a `gql` client for the app's tables; `execute` uses HTTP, `subscribe` a web socket.

        client = api.tables.client()
        client.execute(gql.gql("{ app_3_orders { id } }"))
        for rows in client.subscribe(gql.gql("subscription { app_3_orders { id } }")): ...
        """
        from automio import _gql  # gql costs a script that does not use it 0.1 s.

        return _gql.create_client(self._settings, app if app is not None else self._settings.require_app_id())


class AsyncTables(TablesOperations, AsyncResource):
    """Offers operations on an app's tables."""

    def client(self, app: AppId | None = None) -> "gql.Client":
        """Creates a `gql` client for `async with`; `execute` uses HTTP, `subscribe` a web socket."""
        from automio import _gql  # gql costs a script that does not use it 0.1 s.

        return _gql.create_async_client(self._settings, app if app is not None else self._settings.require_app_id())


def _graphql_request(app: AppId, table: TableName, document: GraphQLRequest) -> Request:
    return Request(
        method="POST",
        path=_PATH,
        parameters={"app": str(app), "table": table},
        content=encode_json(document.to_wire()),
        repeatable=is_read_only(document.query),
    )


def _read_graphql(reply: Reply) -> GraphQLResponse:
    payload = read_json(reply, decode=decode_json)
    if not isinstance(payload, dict) or not ({"data", "errors"} & payload.keys()):
        raise invalid_reply(reply, "is not a GraphQL answer")
    return GraphQLResponse.from_wire(payload)


def _read_graphql_data(reply: Reply) -> GraphQLResponse:
    response = _read_graphql(reply)
    if response.errors:
        messages = "; ".join(error.message for error in response.errors)
        error = GraphqlException(f"GraphQL errors occurred: {messages}", response.errors)
        error.request_id = reply.request_id
        raise error
    return response


def _add_tag(app_id: AppId, table_name: str, tag: Mapping[str, Any]) -> Call[Tag]:
    path = f"/api/apps/table-tags/{app_in_path(app_id)}/{quote(table_name, safe='')}/add/"
    body = {name: value for name, value in tag.items() if value is not None}
    return Call(Request(method="POST", path=path, content=encode_json(body)), _read_tag)


def _read_tag(reply: Reply) -> Tag:
    payload = as_object(read_json(reply))
    # For the two methods of the published client the answer has the fields at the top level and under `tag`.
    return Tag.from_wire(payload.get("tag") or payload)
