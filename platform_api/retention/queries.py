"""Loads the statements of `queries.sql` by name."""

from platform_api.runs.queries import load_statements

QUERIES = load_statements(__package__, "queries.sql")
