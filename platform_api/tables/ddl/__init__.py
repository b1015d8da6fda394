"""Turns a change of a table's definition into PostgreSQL statements, and its errors into messages."""
