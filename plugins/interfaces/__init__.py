"""The package for interface modules, one per namespace; see `plugins`."""
