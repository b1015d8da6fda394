"""Breaking the connections of a test's database as a restart of PostgreSQL would, and nothing beside them."""

# Client backends alone: an autovacuum worker may be at work in the database at that moment, and ending one is for
# superusers.
END_OTHER_CONNECTIONS = (
    "select count(pg_terminate_backend(pid)) from pg_stat_activity"
    " where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
)
END_LISTENING_CONNECTIONS = f"{END_OTHER_CONNECTIONS} and query ilike 'listen%'"
