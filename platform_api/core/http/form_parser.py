"""Multipart forms as senders write them, also those that write names in the way of RFC 8187."""

from email.message import Message

from python_multipart.multipart import parse_options_header
from starlette.formparsers import MultiPartParser


class FormParser(MultiPartParser):
    """Starlette's, which takes for a field what has its file's name as `filename*` only; older clients send that."""

    def on_headers_finished(self) -> None:
        disposition = self._current_part.content_disposition or b""
        if b"filename*" in disposition.lower() and b"filename" not in parse_options_header(disposition)[1]:
            header = Message()
            header["Content-Disposition"] = disposition.decode("latin-1")
            name = (header.get_filename() or "").translate({ord('"'): "%22", ord("\\"): "%5C"})
            self._current_part.content_disposition = disposition + f'; filename="{name}"'.encode(errors="replace")
        super().on_headers_finished()
