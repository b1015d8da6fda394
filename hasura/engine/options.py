"""Holds what an engine is started with."""

import os
from dataclasses import dataclass, field

from hasura.engine.schema_cache import SchemaOptions


@dataclass(frozen=True, slots=True)
class AdministrationLimits:
    """Limits how long an administrator's calls may take, in seconds; None: any time.

    `statement_seconds` is for the SQL of one `run_sql` call, `lock_seconds` for any lock that such SQL or another
    metadata call waits for, the one on metadata among them.
    """

    statement_seconds: float | None = 600.0
    lock_seconds: float | None = 60.0


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Holds the settings of one engine process.

    `database_role` is a role to take on in every connection (`SET ROLE` at start-up), so that the engine reaches
    only what that role owns. `pool_min` connections are opened as soon as they are needed, more only when a
    request has waited; `pool_max` is the limit.
    """

    database_url: str
    database_role: str | None = None
    # None: every caller is admin, as in Hasura without an admin secret.
    admin_secret: str | None = None
    unauthorized_role: str | None = None
    # HASURA_GRAPHQL_JWT_SECRET, as JSON.
    jwt_secret: str | None = None
    schema: SchemaOptions = field(default_factory=SchemaOptions)
    # Three for each core keep PostgreSQL busy; more only take turns, which makes the slowest answers slower.
    pool_min: int = min(8, 3 * (os.cpu_count() or 2))
    pool_max: int = 50
    statement_timeout_seconds: float | None = None
    administration: AdministrationLimits = field(default_factory=AdministrationLimits)
    # Operations in one request (a batch); None: any number, as in Hasura.
    max_batch_operations: int | None = None
    # Only operations of the allow-list run, except for admin.
    enable_allowlist: bool = False
    # Who sees the `internal` part of errors: all callers, or admin.
    dev_mode: bool = False
    admin_internal_errors: bool = True
    # Which APIs this process serves over HTTP.
    enabled_apis: frozenset[str] = frozenset({"metadata", "graphql", "pgdump", "config"})
    cors_domain: str | None = "*"
    live_query_refetch_seconds: float = 1.0
    live_query_batch_size: int = 100
    streaming_refetch_seconds: float = 1.0
    streaming_batch_size: int = 100
    server_version: str = "v2.48.0"
