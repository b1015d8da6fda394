"""Counts, groups, changes and deletes rows by an explicit selection, as the caller's own GraphQL role."""
