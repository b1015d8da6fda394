"""Speaks Hasura for the platform: typed metadata API, tenant permissions, the embedded engine."""
