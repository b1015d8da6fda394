"""Executes GraphQL: in the embedded engine of this process, or on a Hasura v2 over HTTP."""
