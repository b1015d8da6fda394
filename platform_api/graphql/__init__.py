"""Serves GraphQL on app tables: resolves the caller's engine session and passes their documents on."""
