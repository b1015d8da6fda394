"""Holds the engine's logger: event sentences with fields in `extra`, no secrets."""

import logging

log = logging.getLogger("hasura.engine")
