"""Synchronizes app tables with lists of third-party services, as declared."""
