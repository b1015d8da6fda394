"""Everything that speaks Hasura: typed metadata API, tenant permissions, the embedded engine."""
