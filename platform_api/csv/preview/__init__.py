"""Previews a file before it is imported: its content, the inferred options and likely errors."""
