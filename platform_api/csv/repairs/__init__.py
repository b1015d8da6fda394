"""Keeps the lines that an import rejected as a list, which people repair and import again."""
