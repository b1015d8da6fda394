"""The statements of `queries.sql`, by name."""

from platform_api.core.named_sql import load_queries

QUERIES = load_queries("platform_api.runs")
