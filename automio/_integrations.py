"""`api.integrations`: third-party services, their connections, and calls through them."""

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
    given,
    integration_path,
    parallel_call_of,
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
    """Third-party services, their connections, and calls through them."""

    @operation
    def get_integration(self, integration_id: str, connection_id: ConnectionId | None = None) -> Call[Integration]:
        """An integration with the connections this app may use in `connected_accounts`.

        IntegrationNotFound when there is none of this id, IntegrationHasNoConnections when no account is connected
        and activated for the app. `API(strict_exit=True)` prints a line and ends the process in both cases.
        """
        request = Request(
            method="GET",
            path=integration_path(integration_id),
            parameters=given(connection_id=connection_id),
            headers={"X-App-Id": str(self._settings.require_app_id())},
            repeatable=True,
        )
        return Call(request, lambda reply: self._read_integration(integration_id, reply))

    @operation
    def get_integrations(self, page: int | None = None, per_page: int | None = None) -> Call[Page[Integration]]:
        """One page of the available integrations, in `.results`."""
        return _integrations_page(page, per_page)

    @pages_operation
    def iterate_integrations(self, per_page: int = 100) -> Call[Batch[Integration]]:
        """All available integrations, page by page as they are needed."""
        return numbered(lambda number: _integrations_page(number, per_page))

    @operation
    def my_connections(self, integration_id: Integration | str) -> Call[list[Connection]]:
        """The caller's own connections of an integration."""
        request = Request(method="GET", path=integration_path(integration_id, "get_connections/"), repeatable=True)
        return Call(request, lambda reply: [Connection.from_wire(item) for item in as_list(read_json(reply))])

    get_connections = my_connections

    @operation
    def all_connections(
        self, integration: Integration | str, table_name: str | None = None, app_id: AppId | None = None
    ) -> Call[ConnectionsByOrganization]:
        """The connections of every organization whose rows the app works on.

        Iterate it for the connections, use `.items()` for lists by organization id. With `table_name` (bare, or
        `app_<id>_<name>`) only those usable for that table.
        """
        return _table_connections(
            integration, table_name, self._settings.require_app_id() if app_id is None else app_id
        )

    @operation
    def table_connections(
        self, app_id: AppId, integration_id: Integration | str, table: str | None = None
    ) -> Call[ConnectionsByOrganization]:
        """As `all_connections`, with the published client's order of arguments."""
        return _table_connections(integration_id, table, app_id)

    @operation
    def call(
        self,
        integration: Integration | str,
        method: str = "GET",
        endpoint: str | None = None,
        connection_id: ConnectionId | None = None,
        organization_id: int | str | None = None,
        table: str | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        files: Files | None = None,
        timeout: float = _CALL_TIMEOUT,
    ) -> Call[tuple[Any, ApiResponse]]:
        """Calls the service through a connection and gives `(data, response)`.

        `data` is the answer's parsed JSON (None when it is not JSON), `response` has `.ok`, `.status_code`, `.text`,
        `.headers` and `.url`; an error status of the service raises nothing. Without `connection_id` the default
        connection is used. The platform adds the credentials.

        The body is `data` or `json`, written as the integration's definition or a `Content-Type` says, by default as
        JSON; text and bytes in `data` go out as they stand. `files` makes it multipart, with `data` as its fields.

        IntegrationAccessDeniedError when the platform refuses, NotEnoughCredits when the budget is used up.
        """
        request = call_request(
            integration,
            app_id=self._settings.require_app_id(),
            method=method.upper(),
            endpoint=endpoint,
            parameters=given(connection_id=connection_id, organization_id=organization_id, table=table),
            body={"request_params": dict(params or {}), **body_fields(data, json, headers, files)},
            files=files,
            timeout=timeout,
        )
        return call_of(request, self._memory.remember)

    @pages_operation
    def paginate(
        self,
        integration: Integration | str,
        endpoint: str,
        connection_id: ConnectionId | None = None,
        organization_id: int | str | None = None,
        table: str | None = None,
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
        """The items of a list that the service hands out in pages, fetched as they are needed.

        `pagination` says how the list goes on; without it the integration's definition must say it. `items` says
        where this list stands in the answer when it is another place. A list that is asked for by POST has the
        cursor, page or offset in its JSON body (`data` or `json`).

        A link to the next page is followed as it stands, without `params`, and only at the service's own host.
        CallFailed when the service answers with an error, InvalidReply when it cannot be told how the list goes on.
        """
        way = pagination or Pagination.of(integration)
        if items is not None:
            way = replace(way, items=items)
        fields = body_fields(data, json, headers)
        body = json if data is None else data
        is_in_body = way.is_in_body(method)
        if is_in_body and body is not None and not isinstance(body, Mapping):
            raise TypeError("The cursor or number of a page is put into the body, so the body must be an object.")

        def call(position: Position) -> Call[tuple[Any, ApiResponse]]:
            query = {} if position.is_alone else dict(params or {})
            # Another endpoint than the first page's takes the position alone.
            sent = fields if position.endpoint is None else body_fields(None, None, headers)
            if is_in_body and position.values:
                changed = dict(body or {}) if position.endpoint is None else {}
                for path, value in position.values.items():
                    put(changed, path, value)
                sent = body_fields(changed, None, headers)
            if not is_in_body:
                query |= position.values
            request = call_request(
                integration,
                app_id=self._settings.require_app_id(),
                method=method.upper(),
                endpoint=position.url or position.endpoint or endpoint,
                parameters=given(connection_id=connection_id, organization_id=organization_id, table=table),
                body={"request_params": query, **sent},
                files=None,
                timeout=timeout,
            )
            return call_of(request, self._memory.remember)

        first = begin(way, (body or {}) if is_in_body else (params or {}), is_body=is_in_body)
        return Walk(pagination=way, call=call, position=first).page()

    @operation
    def parallel_call(
        self,
        integration: Integration | str,
        method: str,
        endpoint: str,
        data_list: Iterable[Mapping[str, Any]],
        table: str | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        concurrency: int | None = None,
        on_progress: Progress | None = None,
        timeout: float = _PARALLEL_TIMEOUT,
    ) -> Steps[list[ParallelCallResponse]]:
        """Calls the service once per item of `data_list`, each through its own connection; answers in the same order.

        An item may have `connection_id`, `organization_id`, `url_params` (fill `{name}` in `endpoint`), `params`, and
        `data` or `json`; `params`, `data`, `json` given here serve items that have none. A call that fails is an
        answer whose `.api_response.ok` is false. At most `concurrency` calls are under way at once (the platform's
        limit without it); `on_progress(done, total)` is told after every group of calls.
        """
        calls = ParallelCalls(
            integration=integration,
            operation="parallel_call/",
            app_id=self._settings.require_app_id(),
            method=method,
            endpoint=endpoint,
            parameters=given(table=table),
            request_headers=headers or {},
            params=params or {},
            timeout=timeout,
        )
        items = calls.items(data_list, data, json)
        return _collect(calls, items, concurrency, on_progress, lambda connection_id: None)

    @operation
    def parallel_call_for_connection(
        self,
        integration: Integration | str,
        method: str,
        endpoint: str | None,
        data_list: Iterable[Mapping[str, Any]],
        connection_id: ConnectionId,
        organization_id: int | str | None = None,
        table: str | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        concurrency: int | None = None,
        on_progress: Progress | None = None,
        timeout: float = _PARALLEL_TIMEOUT,
    ) -> Steps[list[ParallelCallResponse]]:
        """As `parallel_call`, all calls through one connection (its id or its account name)."""
        calls = ParallelCalls(
            integration=integration,
            operation="parallel_call_for_connection/",
            app_id=self._settings.require_app_id(),
            method=method,
            endpoint=endpoint,
            parameters=given(connection_id=connection_id, organization_id=organization_id, table=table),
            request_headers=headers or {},
            params=params or {},
            timeout=timeout,
        )
        items = calls.items(data_list, data, json)
        return _collect(calls, items, concurrency, on_progress, self._memory.remember)

    @stream_operation
    def parallel_call_stream(
        self,
        integration: Integration | str,
        method: str,
        endpoint: str,
        data_list: Iterable[Mapping[str, Any]],
        connection_id: ConnectionId | None = None,
        table: str | None = None,
        *,
        params: Mapping[str, Any] | None = None,
        data: Any = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = _PARALLEL_TIMEOUT,
    ) -> ParallelAnswers:
        """As `parallel_call`, each answer handed out when it arrives, in the order of completion.

        An answer is `{"data", "response", "index", "total", "connection_id", "organization_id"}`, the last item
        `{"final": True, "total_processed": n}`. `timeout` is the longest silence in seconds. When the stream breaks
        off, open requests of a repeatable method (GET, HEAD, OPTIONS, PUT, DELETE) are sent again, others raise
        StreamInterrupted.
        """
        calls = ParallelCalls(
            integration=integration,
            operation="parallel_call/",
            app_id=self._settings.require_app_id(),
            method=method,
            endpoint=endpoint,
            parameters=given(connection_id=connection_id, table=table),
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
        # A request that the platform refused went nowhere: it names the connection that it was meant for.
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
    """Third-party services, their connections, and calls through them."""


class AsyncIntegrations(IntegrationsOperations, AsyncResource):
    """Third-party services, their connections, and calls through them."""


def _integrations_page(page: int | None, per_page: int | None) -> Call[Page[Integration]]:
    request = Request(
        method="GET", path="/api/integrations/", parameters=given(page=page, per_page=per_page), repeatable=True
    )
    return Call(request, lambda reply: Page.from_wire(read_json(reply), Integration.from_wire))


def _table_connections(
    integration: Integration | str, table: str | None, app_id: AppId
) -> Call[ConnectionsByOrganization]:
    request = Request(
        method="GET",
        path=integration_path(integration, "table_connections/"),
        parameters=given(app_id=app_id, table=table),
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
    """The answers of all items; in groups when a limit or progress is asked for."""
    if concurrency is not None and concurrency < 1:
        raise ValueError(f"concurrency is a number of calls from 1 up, not {concurrency!r}.")
    size = concurrency or (_PROGRESS_WINDOW if on_progress else None)
    answers: list[ParallelCallResponse] = []
    for window in windows(items, size or max(len(items), 1)):
        answers += yield parallel_call_of(calls.request(window), len(window), remember)
        if on_progress is not None:
            on_progress(len(answers), len(items))
    return answers
