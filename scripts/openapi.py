"""Writes the OpenAPI document of the control plane to the file named first, without starting anything."""

import json
import secrets
import sys
from pathlib import Path

from pydantic import SecretStr

from platform_api.app import create_app
from platform_api.core.settings import Settings


def document() -> str:
    """Returns the document as JSON, keys in the order of the application."""
    settings = Settings(database_url="postgresql://unused", secret_keys=(SecretStr(secrets.token_hex(32)),))
    return json.dumps(create_app(settings).api.openapi(), indent=1) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document())
