"""Hasura metadata: its typed model, where it is stored, and the calls that change it."""
