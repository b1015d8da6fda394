"""Translates inserts, updates, deletes and function calls into the statements of one mutation field."""
