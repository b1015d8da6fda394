"""The shared code of plugin interfaces, one module per namespace; see `plugins`."""
