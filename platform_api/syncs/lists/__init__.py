"""Walks through the lists of third-party services, page by page."""
