"""Tells who has a document of an app open: the rows or the schema of a table, a file of the source."""
