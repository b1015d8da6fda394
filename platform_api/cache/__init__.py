"""Serves the cache: small JSON values with expiry, of an app or of an organization."""
