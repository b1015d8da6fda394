"""Adapts HTTP to what clients send: slashes, forms, pages of lists, event streams."""
