"""Exports rows of a table to files, in any order."""
