"""Turns a change of a table's definition into PostgreSQL statements, and their errors into answers."""
