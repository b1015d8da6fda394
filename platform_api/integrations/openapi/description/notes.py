"""Collects what a person should know about a document that was read, each remark with its place."""

_MAX_NOTES = 200
_MAX_CHARACTERS = 500


class Notes:
    """Collects remarks, each once, and counts those beyond a limit."""

    def __init__(self) -> None:
        self._texts: dict[str, None] = {}
        self._more = 0

    def add(self, place: str, text: str) -> None:
        """Adds a remark about a place of the document, such as `#/paths/~1orders`."""
        note = f"{place}: {text}"[:_MAX_CHARACTERS]
        if note in self._texts:
            return
        if len(self._texts) < _MAX_NOTES:
            self._texts[note] = None
        else:
            self._more += 1

    @property
    def texts(self) -> list[str]:
        """Returns the remarks in their order; the last one says how many there are besides."""
        return [*self._texts, *([f"and {self._more} more remarks about the document"] if self._more else [])]
