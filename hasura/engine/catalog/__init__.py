"""Reads PostgreSQL's catalogue into types: tables, columns, constraints, functions."""
