"""Holds Hasura metadata: its typed model, its parsers, and where it is stored."""
