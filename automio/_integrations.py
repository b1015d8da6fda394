"""Provides `api.integrations`: third-party services, their connections, and calls through them."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from automio._decode import as_list
from automio._exceptions import IntegrationHasNoConnections, IntegrationNotFound
from automio._exchange import Batch, Call, Reply, Request, Steps, numbered
from automio._integration_calls import (
    ParallelCalls,
    body_fields,
    call_of,
    call_request,
    integration_path,
    parallel_call_of,
    query_parameters,
    windows,
)
from automio._integration_models import (
    ApiResponse,
    Connection,
    ConnectionsByOrganization,
    Integration,
    ParallelCallResponse,
)
from automio._models import Page
from automio._multipart import Files
from automio._names import Endpoint, IntegrationName, TableName
from automio._operation import AsyncResource, Resource, SyncResource, operation, pages_operation, stream_operation
from automio._page_walk import Walk
from automio._pagination import Pagination
from automio._paging.state import Position
from automio._paging.walk import begin
from automio._paths import put
from automio._replies import error_of, read_json
from automio._settings import AppId, ConnectionId
from automio._streams import ParallelAnswers

_CALL_TIMEOUT = 150.0
_PARALLEL_TIMEOUT = 300.0
_PROGRESS_WINDOW = 50

Progress = Callable[[int, int], None]


class IntegrationsOperations(Resource):
    """Offers third-party services, their connections, and calls through them."""

    @operation
    def get_integration(
        self, integration_id: IntegrationName, connection_id: ConnectionId | None = None
    ) -> Call[Integration]:
        """Returns an integration; its `connected_accounts` are the ids of the connections that this app may use.

        Raises IntegrationNotFound for an unknown id, IntegrationHasNoConnections when no account is connected and
        activated for the app. With `API(strict_exit=True)` both print a line and exit the process instead.
        """
        request = Request(
            method="GET",
            path=integration_path(integration_id),
            parameters=query_parameters(connection_id=connection_id),
            headers={"X-App-Id": str(self._settings.require_app_id())},
            repeatable=True,
        )
        return Call(request, lambda reply: self._read_integration(integration_id, reply))

    @operation
    def get_integrations(self, page: int | None = None, per_page: int | None = None) -> Call[Page[Integration]]:
        """Returns one page of the available integrations, in `.results`."""
        return _integrations_page(page, per_page)

    @pages_operation
    def iterate_integrations(self, per_page: int = 100) -> Call[Batch[Integration]]:
        """Yields all available integrations; a page is fetched when it is needed."""
        return numbered(lambda number: _integrations_page(number, per_page))

    @operation
    def my_connections(self, integration_id: Integration | IntegrationName) -> Call[list[Connection]]:
        """Returns the caller's own connections of an integration."""
        request = Request(method="GET", path=integration_path(integration_id, "get_connections/"), repeatable=True)
        return Call(request, lambda reply: [Connection.from_wire(item) for item in as_list(read_json(reply))])

    get_connections = my_connections

    @operation
    def all_connections(
        self,
        integration: Integration | IntegrationName,
        table_name: TableName | None = None,
        app_id: AppId | None = None,
    ) -> Call[ConnectionsByOrganization]:
        """Returns the connections of every organization whose rows the app can access.

        Iterate over it for the connections, or use `.items()` for lists by organization id. With `table_name` (bare,
        or `app_<id>_<name>`) only the connections for that table.
        """
        return _table_connections(
            integration, table_name, self._settings.require_app_id() if app_id is None else app_id
        )

    @operation
    def table_connections(
        self, app_id: AppId, integration_id: Integration | IntegrationName, table: TableName | None = None
    ) -> Call[ConnectionsByOrganization]:
        """Does the same as `all_connections`, with the argument order of the published client."""
        return _table_connections(integration_id, table, app_id)

    @operation
    def call(
        self,
        integration: Integration | IntegrationName,
        method: str = "GET",
        endpoint: Endpoint | None = None,
        connection_id: ConnectionId | None = None,
        organization_id: int | str | None = None,
        table: TableName | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        files: Files | None = None,
        timeout: float = _CALL_TIMEOUT,
    ) -> Call[tuple[Any, ApiResponse]]:
        """Calls the service through a connection and returns `(data, response)`.

        `data` is the answer's parsed JSON (None when it is not JSON), `response` has `.ok`, `.status_code`, `.text`,
        `.headers` and `.url`; an error status of the service does not raise. Without `connection_id` the default
        connection is used. The platform adds the credentials.

        The body is `data` or `json`, encoded as the integration's definition or a `Content-Type` header says, by
        default as JSON; text and bytes in `data` are sent unchanged. With `files` the request is multipart, with
        `data` as its fields.

        Raises IntegrationAccessDeniedError when the platform refuses the call, NotEnoughCredits when the budget is
        used up. `timeout` is in seconds.
        """
        request = call_request(
            integration,
            app_id=self._settings.require_app_id(),
            method=method.upper(),
            endpoint=endpoint,
            parameters=query_parameters(connection_id=connection_id, organization_id=organization_id, table=table),
            body={"request_params": dict(params or {}), **body_fields(data, json, headers, files)},
            files=files,
            timeout=timeout,
        )
        return call_of(request, self._memory.remember)

    @pages_operation
    def paginate(
        self,
        integration: Integration | IntegrationName,
        endpoint: Endpoint,
        connection_id: ConnectionId | None = None,
        organization_id: int | str | None = None,
        table: TableName | None = None,
        *,
        method: str = "GET",
        pagination: Pagination | None = None,
        items: str | None = None,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = _CALL_TIMEOUT,
    ) -> Call[Batch[Any]]:
        """Yields the items of a list that the service returns in pages; a page is fetched when it is needed.

        `pagination` says how to get the next page; by default the integration's definition does. `items` is the path
        of the list in the answer, if it differs. For a list that is requested by POST, the cursor, page or offset
        goes into the JSON body (`data` or `json`).

        A link to the next page is followed unchanged, without `params`, and only to the service's own host. Raises
        CallFailed when the service answers with an error, InvalidReply when the next page cannot be determined.
        """
        rules = pagination or Pagination.of(integration)
        if items is not None:
            rules = replace(rules, items=items)
        fields = body_fields(data, json, headers)
        body = json if data is None else data
        is_in_body = rules.is_in_body(method)
        if is_in_body and body is not None and not isinstance(body, Mapping):
            raise TypeError("The cursor or page number is added to the body, so the body must be a mapping.")

        def call(position: Position) -> Call[tuple[Any, ApiResponse]]:
            query = {} if position.is_alone else dict(params or {})
            # An endpoint other than the first page's takes the position alone.
            page_fields = fields if position.endpoint is None else body_fields(None, None, headers)
            if is_in_body and position.values:
                changed = dict(body or {}) if position.endpoint is None else {}
                for path, value in position.values.items():
                    put(changed, path, value)
                page_fields = body_fields(changed, None, headers)
            if not is_in_body:
                query |= position.values
            request = call_request(
                integration,
                app_id=self._settings.require_app_id(),
                method=method.upper(),
                endpoint=position.url or position.endpoint or endpoint,
                parameters=query_parameters(
                    connection_id=connection_id, organization_id=organization_id, table=table
                ),
                body={"request_params": query, **page_fields},
                files=None,
                timeout=timeout,
            )
            return call_of(request, self._memory.remember)

        first = begin(rules, (body or {}) if is_in_body else (params or {}), is_body=is_in_body)
        return Walk(pagination=rules, call=call, position=first).page()

    @operation
    def parallel_call(
        self,
        integration: Integration | IntegrationName,
        method: str,
        endpoint: Endpoint,
        data_list: Iterable[Mapping[str, Any]],
        table: TableName | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        concurrency: int | None = None,
        on_progress: Progress | None = None,
        timeout: float = _PARALLEL_TIMEOUT,
    ) -> Steps[list[ParallelCallResponse]]:
        """Calls the service once per item of `data_list`, each through its own connection; keeps the order.

        An item may have `connection_id`, `organization_id`, `url_params` (values for `{name}` in `endpoint`),
        `params`, and `data` or `json`; the arguments `params`, `data` and `json` are defaults for items without their
        own. A call that fails is an answer with a false `.api_response.ok`. At most `concurrency` calls run at once
        (by default the platform's limit); `on_progress(done, total)` is called after every group of calls.
        """
        calls = ParallelCalls(
            integration=integration,
            operation="parallel_call/",
            app_id=self._settings.require_app_id(),
            method=method,
            endpoint=endpoint,
            parameters=query_parameters(table=table),
            request_headers=headers or {},
            params=params or {},
            timeout=timeout,
        )
        items = calls.items(data_list, data, json)
        return _collect(calls, items, concurrency, on_progress, lambda connection_id: None)

    @operation
    def parallel_call_for_connection(
        self,
        integration: Integration | IntegrationName,
        method: str,
        endpoint: Endpoint | None,
        data_list: Iterable[Mapping[str, Any]],
        connection_id: ConnectionId,
        organization_id: int | str | None = None,
        table: TableName | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        concurrency: int | None = None,
        on_progress: Progress | None = None,
        timeout: float = _PARALLEL_TIMEOUT,
    ) -> Steps[list[ParallelCallResponse]]:
        """Does the same as `parallel_call`, with all calls through one connection (its id or its account name)."""
        calls = ParallelCalls(
            integration=integration,
            operation="parallel_call_for_connection/",
            app_id=self._settings.require_app_id(),
            method=method,
            endpoint=endpoint,
            parameters=query_parameters(connection_id=connection_id, organization_id=organization_id, table=table),
            request_headers=headers or {},
            params=params or {},
            timeout=timeout,
        )
        items = calls.items(data_list, data, json)
        return _collect(calls, items, concurrency, on_progress, self._memory.remember)

    @stream_operation
    def parallel_call_stream(
        self,
        integration: Integration | IntegrationName,
        method: str,
        endpoint: Endpoint,
        data_list: Iterable[Mapping[str, Any]],
        connection_id: ConnectionId | None = None,
        table: TableName | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = _PARALLEL_TIMEOUT,
    ) -> ParallelAnswers:
        """Does the same as `parallel_call`, but yields each answer as soon as it arrives.

        An answer is `{"data", "response", "index", "total", "connection_id", "organization_id"}`, the last item
        `{"final": True, "total_processed": n}`. `timeout` is how many seconds may pass without any data. When the
        stream breaks, unanswered calls are repeated if their method is safe to repeat (GET, HEAD, OPTIONS, PUT,
        DELETE); otherwise StreamInterrupted is raised.
        """
        calls = ParallelCalls(
            integration=integration,
            operation="parallel_call/",
            app_id=self._settings.require_app_id(),
            method=method,
            endpoint=endpoint,
            parameters=query_parameters(connection_id=connection_id, table=table),
            request_headers=headers or {},
            params=params or {},
            timeout=timeout,
            is_streamed=True,
        )
        return ParallelAnswers(
            calls.items(data_list, data, json),
            request_for=calls.request,
            on_answer=self._remember_used,
        )

    def _remember_used(self, answer: ParallelCallResponse) -> None:
        # A refused call has no URL: it names the connection that it would have used.
        if answer.api_response.url:
            self._memory.remember(answer.connection_id)

    def _read_integration(self, integration_id: str, reply: Reply) -> Integration:
        if reply.status == 404:
            self._exit_if_strict(f"Integration '{integration_id}' does not exist.")
            raise error_of(reply, IntegrationNotFound)
        integration = Integration.from_wire(read_json(reply))
        if not integration.connected_accounts:
            message = (
                f"Integration '{integration_id}' has no connected accounts. "
                "Please ensure you have set up a connection and activated it for this app."
            )
            self._exit_if_strict(message)
            raise IntegrationHasNoConnections(message)
        return integration

    def _exit_if_strict(self, message: str) -> None:
        if self._context.strict_exit:
            sys.stdout.write(message + "\n")
            sys.stdout.flush()
            raise SystemExit(1)


class Integrations(IntegrationsOperations, SyncResource):
    """Offers third-party services, their connections, and calls through them."""


class AsyncIntegrations(IntegrationsOperations, AsyncResource):
    """Offers third-party services, their connections, and calls through them."""


def _integrations_page(page: int | None, per_page: int | None) -> Call[Page[Integration]]:
    request = Request(
        method="GET",
        path="/api/integrations/",
        parameters=query_parameters(page=page, per_page=per_page),
        repeatable=True,
    )
    return Call(request, lambda reply: Page.from_wire(read_json(reply), Integration.from_wire))


def _table_connections(
    integration: Integration | IntegrationName, table: TableName | None, app_id: AppId
) -> Call[ConnectionsByOrganization]:
    request = Request(
        method="GET",
        path=integration_path(integration, "table_connections/"),
        parameters=query_parameters(app_id=app_id, table=table),
        repeatable=True,
    )
    return Call(request, lambda reply: ConnectionsByOrganization.from_wire(read_json(reply)))


def _collect(
    calls: ParallelCalls,
    items: list[dict[str, Any]],
    concurrency: int | None,
    on_progress: Progress | None,
    remember: Callable[[ConnectionId | None], None],
) -> Steps[list[ParallelCallResponse]]:
    """Returns the answers of all items; sends them in groups for `concurrency` or `on_progress`."""
    if concurrency is not None and concurrency < 1:
        raise ValueError(f"concurrency must be at least 1, not {concurrency!r}.")
    size = concurrency or (_PROGRESS_WINDOW if on_progress else None)
    answers: list[ParallelCallResponse] = []
    for window in windows(items, size or max(len(items), 1)):
        answers += yield parallel_call_of(calls.request(window), len(window), remember)
        if on_progress is not None:
            on_progress(len(answers), len(items))
    return answers
