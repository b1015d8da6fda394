"""Parses multipart forms as senders write them, including those that encode file names as in RFC 8187."""

from email.message import Message

from python_multipart.multipart import parse_options_header
from starlette.formparsers import MultiPartParser


class FormParser(MultiPartParser):
    """Extends Starlette's parser, which takes a part for a field when its file name comes as `filename*` only."""

    def on_headers_finished(self) -> None:
        disposition = self._current_part.content_disposition or b""
        if b"filename*" in disposition.lower() and b"filename" not in parse_options_header(disposition)[1]:
            header = Message()
            header["Content-Disposition"] = disposition.decode("latin-1")
            name = (header.get_filename() or "").translate({ord('"'): "%22", ord("\\"): "%5C"})
            self._current_part.content_disposition = disposition + f'; filename="{name}"'.encode(errors="replace")
        super().on_headers_finished()
