"""Reads GraphQL documents and the variables that come with them, down to values that PostgreSQL parses."""
