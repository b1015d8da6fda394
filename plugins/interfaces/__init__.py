"""Contains interface modules, one per namespace; see `plugins`."""
