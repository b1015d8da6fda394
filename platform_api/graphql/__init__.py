"""GraphQL on app tables: who the caller is to the engine, and the endpoints that pass their documents on."""
