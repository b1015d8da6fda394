"""Keeps documents of the web console: saved views of tables, and drafts of what is not saved yet."""
