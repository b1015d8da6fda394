"""What `automio integration import` asks the platform: a definition out of an OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from automio._account import Account
from automio._decode import WireModel
from automio._exchange import Call, Request
from automio._json import encode_json
from automio._operation import operation
from automio._replies import read_json

_PATIENCE_SECONDS = 150.0


@dataclass(frozen=True, kw_only=True)
class ImportedDefinition(WireModel):
    """The part of a definition that the command shows."""

    id: str
    base_url: str


@dataclass(frozen=True, kw_only=True)
class Imported(WireModel):
    """What an import did, or would do."""

    definition: ImportedDefinition
    is_new: bool
    dry_run: bool
    operation_count: int
    notes: tuple[str, ...] = ()


class IntegrationImports(Account):
    """Imports of integrations, by a token that may build."""

    @operation
    def import_document(self, wanted: Mapping[str, Any]) -> Call[Imported]:
        """Makes a definition out of a document, or changes the one of `id`."""
        return Call(
            Request(
                method="POST",
                path="/api/integrations/import/",
                content=encode_json(dict(wanted)),
                timeout=_PATIENCE_SECONDS,
            ),
            lambda reply: Imported.from_wire(read_json(reply)),
        )
