"""Tables of an app: what a builder defines, and the PostgreSQL tables and Hasura metadata made from it."""
