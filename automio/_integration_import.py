"""Sends the requests of `automio integration import`, which creates a definition from an OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automio._account import Account
from automio._decode import WireModel
from automio._exchange import Call, Request
from automio._json import encode_json
from automio._operation import operation
from automio._replies import read_json

# Longer than the platform fetches a document, waits for its turn and reads it, so that its own answer arrives.
_TIMEOUT_SECONDS = 200.0


@dataclass(frozen=True, kw_only=True)
class ImportedDefinition(WireModel):
    """Describes the fields of a definition that the command shows."""

    id: str
    base_url: str


@dataclass(frozen=True, kw_only=True)
class Imported(WireModel):
    """Describes the outcome of an import; with `dry_run`, what it would do."""

    definition: ImportedDefinition
    is_new: bool
    dry_run: bool
    operation_count: int
    notes: tuple[str, ...] = ()


class IntegrationImports(Account):
    """Imports integrations; needs a token with the scope `build`."""

    @operation
    def import_document(self, body: Mapping[str, Any]) -> Call[Imported]:
        """Creates a definition from a document, or changes the definition with the id in `body`."""
        return Call(
            Request(
                method="POST",
                path="/api/integrations/import/",
                content=encode_json(dict(body)),
                timeout=_TIMEOUT_SECONDS,
            ),
            lambda reply: Imported.from_wire(read_json(reply)),
        )
