"""Refuses a change that did not start from the newest revision."""

from platform_api.core.errors import StaleVersion
from platform_api.documents.models import Document


def require_base(document: Document, base_revision: int) -> None:
    """Raises StaleVersion, with what is stored now, unless `base_revision` is the document's revision."""
    if base_revision == document.revision:
        return
    raise StaleVersion(
        f"base_revision: it is at revision {document.revision}, not {base_revision}; load it and merge your change",
        field="base_revision",
        extra={"current_revision": document.revision, "current_content": document.content},
    )
