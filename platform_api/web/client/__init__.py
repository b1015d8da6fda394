"""Serves the client as a package that pip installs: the wheel that fits this platform, at `/client/`."""
