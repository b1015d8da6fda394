"""Reads a multipart body with one file as a stream: only small fields are kept in memory."""

from collections.abc import AsyncIterator, Mapping

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from platform_api.core.errors import BadRequest, TooLarge

FILE_FIELD = "file"
_MAX_FIELDS = 10
_MAX_FIELD_BYTES = 4096


class UploadForm:
    """Parses the form: `fields`, `filename` and `content_type` are complete after `chunks` was read to its end."""

    def __init__(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        """Takes the request's `content_type`. Raises BadRequest when it is not a multipart form."""
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise BadRequest(f"send multipart/form-data with the file in the field `{FILE_FIELD}`")
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.content_type: str | None = None
        self._body = body
        self._has_file = False
        self._is_whole = False
        self._pieces: list[bytes] = []
        self._header_name = b""
        self._header_value = b""
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._field_value = bytearray()
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_end": self._on_end,
                },
            )
        except FormParserError as error:
            raise BadRequest("the boundary of the multipart form is invalid") from error

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yields the file's bytes. Raises BadRequest when the form is malformed or does not have exactly one file."""
        try:
            async for data in self._body:
                self._parser.write(data)
                pieces, self._pieces = self._pieces, []
                for piece in pieces:
                    yield piece
            self._parser.finalize()
        except FormParserError as error:
            raise BadRequest("the multipart form is malformed") from error
        if not self._is_whole:
            raise BadRequest("the multipart form is incomplete: it ends before its closing boundary")
        if not self._has_file:
            raise BadRequest(f"the multipart form has no file; send it in the field `{FILE_FIELD}`")

    def _on_part_begin(self) -> None:
        self._headers = {}
        self._field = None
        self._field_value = bytearray()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._header_name.lower()] = self._header_value
        self._header_name = self._header_value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        field = options.get(b"name", b"").decode(errors="replace")
        if b"filename" in options or field == FILE_FIELD:
            self._begin_file(field, options)
            return
        if len(self.fields) >= _MAX_FIELDS:
            raise TooLarge(f"the multipart form has more than {_MAX_FIELDS} fields besides the file")
        self._field = field

    def _begin_file(self, field: str, options: Mapping[bytes, bytes]) -> None:
        if field != FILE_FIELD:
            raise BadRequest(f"the file must be in the field `{FILE_FIELD}`, not in `{field[:100]}`")
        if self._has_file:
            raise BadRequest("the multipart form has several files; send one file in each request")
        self._has_file = True
        filename = options.get(b"filename")
        self.filename = filename.decode(errors="replace") if filename else None
        declared = self._headers.get(b"content-type")
        self.content_type = declared.decode("latin-1") if declared else None

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._field is None:
            self._pieces.append(data[start:end])
            return
        self._field_value += data[start:end]
        if len(self._field_value) > _MAX_FIELD_BYTES:
            raise TooLarge(f"a field of the multipart form is longer than {_MAX_FIELD_BYTES} bytes")

    def _on_part_end(self) -> None:
        if self._field is not None:
            self.fields[self._field] = self._field_value.decode(errors="replace")

    def _on_end(self) -> None:
        self._is_whole = True
