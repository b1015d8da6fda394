"""Provides `api.csv`: import and export CSV and Excel files."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeVar, Unpack

from automio._csv_models import CsvExport, CsvImport, CsvPreview
from automio._csv_options import CsvReading, form_fields
from automio._decode import as_list
from automio._exceptions import CsvJobFailed, RequestTimeout
from automio._exchange import Call, Pause, Reply, Request, Steps
from automio._json import encode_json
from automio._multipart import file_parts
from automio._names import TableName
from automio._operation import AsyncResource, Resource, SyncResource, operation
from automio._replies import raise_for_status, read_json

_TRANSFER_TIMEOUT = 150.0
_FIRST_PAUSE, _MAX_PAUSE = 0.1, 2.0

CsvSource = str | os.PathLike[str] | bytes | BinaryIO
J = TypeVar("J", CsvImport, CsvExport)
M = TypeVar("M", CsvImport, CsvPreview)


class CsvOperations(Resource):
    """Manages imports of CSV and Excel files into tables of the configured app, and exports of them."""

    @operation
    def import_file(
        self,
        table: TableName,
        source: CsvSource,
        *,
        name: str | None = None,
        on_conflict: Mapping[str, Any] | None = None,
        dry_run: bool = False,
        **reading: Unpack[CsvReading],
    ) -> Steps[CsvImport]:
        """Uploads a file (a path, bytes, or a file opened with 'rb') and starts importing it; see `wait`.

        `on_conflict`, for example `{"columns": ["sku"], "action": "update"}`, says what happens to lines whose row
        exists (`update`, `skip`); without it they are rejected. `dry_run` checks every line and stores none. The
        other options say how to read the file: see `automio.CsvReading`. Raises UnprocessableEntity for options that
        contradict each other or the table, ApiError with status 413 for a file that is too large.
        """
        form = {"app": str(self._settings.require_app_id()), "table": table}
        form |= form_fields({**reading, "on_conflict": on_conflict, "dry_run": dry_run or None})
        started: CsvImport = yield from _send(
            "/api/apps/csv-imports/", form, source, name, table, CsvImport.from_wire
        )
        return started

    @operation
    def preview(
        self,
        source: CsvSource,
        table: TableName | None = None,
        *,
        name: str | None = None,
        **reading: Unpack[CsvReading],
    ) -> Steps[CsvPreview]:
        """Reads a file without importing it: its first 50 lines, the type of each column, and values that do not fit.

        `options` of the answer are arguments for `import_file`; `questions` name what the file leaves unclear. With
        `table` also what the table would reject.
        """
        form = {"app": str(self._settings.require_app_id())} | ({"table": table} if table is not None else {})
        form |= form_fields(reading)
        preview: CsvPreview = yield from _send(
            "/api/apps/csv-imports/preview/", form, source, name, table, CsvPreview.from_wire
        )
        return preview

    @operation
    def export(
        self,
        table: TableName,
        *,
        columns: Sequence[str] | None = None,
        where: Mapping[str, Any] | None = None,
        order_by: Sequence[Mapping[str, Literal["asc", "desc"]]] = (),
        format: Literal["csv", "xlsx"] = "csv",
        delimiter: Literal[",", ";", "\t", "|"] = ",",
        guard_formulas: bool = True,
    ) -> Call[CsvExport]:
        """Starts an export of the rows that match `where`, ordered by `order_by` (both as in GraphQL).

        See `wait` and `download`.

        `guard_formulas` puts a `'` before text that a spreadsheet would evaluate as a formula.
        """
        body: dict[str, Any] = {
            "app": str(self._settings.require_app_id()),
            "table": table,
            "where": dict(where or {}),
            "order_by": [dict(item) for item in order_by],
            "format": format,
            "delimiter": delimiter,
            "guard_formulas": guard_formulas,
        }
        if columns is not None:
            body["columns"] = list(columns)
        request = Request(method="POST", path="/api/apps/csv-exports/", content=encode_json(body))
        return Call(request, lambda reply: CsvExport.from_wire(read_json(reply)))

    @operation
    def imports(self, table: TableName | None = None) -> Call[list[CsvImport]]:
        """Returns the latest imports of the configured app, newest first; with `table` only those into that table."""
        read = CsvImport.from_wire
        return Call(
            self._list("csv-imports", table), lambda reply: [read(item) for item in as_list(read_json(reply))]
        )

    @operation
    def exports(self, table: TableName | None = None) -> Call[list[CsvExport]]:
        """Returns the latest exports of the configured app, newest first; with `table` only those of that table."""
        read = CsvExport.from_wire
        return Call(
            self._list("csv-exports", table), lambda reply: [read(item) for item in as_list(read_json(reply))]
        )

    @operation
    def import_status(self, import_id: int) -> Call[CsvImport]:
        """Returns the state of an import: its status, progress, and counts of lines."""
        request = Request(method="GET", path=f"/api/apps/csv-imports/{int(import_id)}/", repeatable=True)
        return Call(request, lambda reply: CsvImport.from_wire(read_json(reply)))

    @operation
    def export_status(self, export_id: int) -> Call[CsvExport]:
        """Returns the state of an export: its status and progress."""
        request = Request(method="GET", path=f"/api/apps/csv-exports/{int(export_id)}/", repeatable=True)
        return Call(request, lambda reply: CsvExport.from_wire(read_json(reply)))

    @operation
    def wait(
        self, job: J, *, timeout: float | None = None, on_progress: Callable[[J], object] | None = None
    ) -> Steps[J]:
        """Waits until an import or export has ended, and returns it in its final state.

        `on_progress` is called with the job whenever its progress changes. Raises CsvJobFailed when the job failed,
        RequestTimeout after `timeout` seconds (the job continues). Rejected lines are not a failure.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        pause, last_progress = _FIRST_PAUSE, -1
        kind: type[J] = type(job)
        request = Request(method="GET", path=_path(job), repeatable=True)
        while True:
            job = yield Call(request, lambda reply: kind.from_wire(read_json(reply)))
            if on_progress is not None and job.progress != last_progress:
                last_progress = job.progress
                on_progress(job)
            if job.status == "failed":
                raise CsvJobFailed(job)
            if job.status == "completed":
                return job
            if deadline is not None and time.monotonic() + pause > deadline:
                raise RequestTimeout(f"{_path(job)} has not ended within {timeout:g} seconds.")
            yield Pause(pause)
            pause = min(pause * 1.5, _MAX_PAUSE)

    @operation
    def cancel(self, job: J) -> Call[J]:
        """Cancels an import or export; rows that were imported stay. A job that has ended is not changed."""
        kind = type(job)
        request = Request(method="POST", path=f"{_path(job)}cancel/", repeatable=True)
        return Call(request, lambda reply: kind.from_wire(read_json(reply)))

    @operation
    def download(self, job: CsvImport | CsvExport) -> Call[bytes]:
        """Returns the file of a completed export, or the uploaded file of an import.

        Raises NotFound when the platform no longer keeps it.
        """
        return _content(f"{_path(job)}file/")

    @operation
    def rejected(self, job: CsvImport) -> Call[bytes]:
        """Returns a file with the rejected lines of an import, each followed by its line number and the reason.

        The file has the format of the upload (CSV or Excel), so that it can be corrected and imported again. Raises
        NotFound when no line was rejected.
        """
        return _content(f"{_path(job)}rejected/")

    def _list(self, kind: str, table: str | None) -> Request:
        parameters = {"app": str(self._settings.require_app_id())}
        if table is not None:
            parameters["table"] = table
        return Request(method="GET", path=f"/api/apps/{kind}/", parameters=parameters, repeatable=True)


class Csv(CsvOperations, SyncResource):
    """Manages imports of CSV and Excel files into tables of the configured app, and exports of them."""


class AsyncCsv(CsvOperations, AsyncResource):
    """Manages imports of CSV and Excel files into tables of the configured app, and exports of them."""


def _path(job: CsvImport | CsvExport) -> str:
    return f"/api/apps/csv-{'imports' if isinstance(job, CsvImport) else 'exports'}/{job.id}/"


def _content(path: str) -> Call[bytes]:
    headers = {"Accept": "*/*"}
    request = Request(method="GET", path=path, headers=headers, repeatable=True, timeout=_TRANSFER_TIMEOUT)

    def read(reply: Reply) -> bytes:
        raise_for_status(reply)
        return reply.body

    return Call(request, read)


def _send(
    path: str,
    form: Mapping[str, str],
    source: CsvSource,
    name: str | None,
    table: str | None,
    read: Callable[[Any], M],
) -> Steps[M]:
    with _opened(source) as (content, own_name):
        request = Request(
            method="POST",
            path=path,
            form=dict(form),
            files=file_parts({"file": (name or own_name or f"{table or 'file'}.csv", content)}),
            timeout=_TRANSFER_TIMEOUT,
        )
        answer: M = yield Call(request, lambda reply: read(read_json(reply)))
    return answer


@contextlib.contextmanager
def _opened(source: CsvSource) -> Iterator[tuple[bytes | BinaryIO, str | None]]:
    """Provides the content to upload and the file's own name."""
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        with path.open("rb") as stream:
            yield stream, path.name
    elif isinstance(source, bytes | bytearray | memoryview):
        yield bytes(source), None
    else:
        name = getattr(source, "name", None)
        yield source, Path(name).name if isinstance(name, str) else None
