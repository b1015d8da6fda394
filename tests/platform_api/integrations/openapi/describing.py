"""Descriptions of documents, made in this process."""

import json
from collections.abc import Mapping
from typing import Any

from platform_api.integrations.definitions.api_description import ApiDescription
from platform_api.integrations.openapi.description.extraction import describe_texts


def described(document: Any, *, path: str = "", **files: Any) -> ApiDescription:
    """What is taken of a document, given as text or as a value; other files by path."""
    return described_with(document, files, path=path)


def described_with(document: Any, files: Mapping[str, Any], *, path: str = "") -> ApiDescription:
    texts = [(path, _text(document)), *((name, _text(value)) for name, value in files.items())]
    return describe_texts(texts, lambda stage, done, total: None)


def _text(document: Any) -> bytes:
    if isinstance(document, bytes):
        return document
    return document.encode() if isinstance(document, str) else json.dumps(document).encode()


def api(paths: Any, **more: Any) -> dict[str, Any]:
    """A document with these paths."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Shop", "version": "1"},
        "servers": [{"url": "https://shop.example"}],
        "paths": paths,
        **more,
    }
