"""Reads the engine's settings: Hasura's environment variables under their names, with Hasura's defaults."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from hasura.engine.names import NamingConvention
from hasura.engine.options import AdministrationLimits, EngineOptions
from hasura.engine.schema_cache import SchemaOptions


class EngineSettings(BaseSettings):
    """Holds one field per `HASURA_GRAPHQL_*` variable that this engine knows."""

    model_config = SettingsConfigDict(env_prefix="HASURA_GRAPHQL_", extra="ignore")

    database_url: str | None = Field(None, description="A libpq URL of the database that is the source `default`.")
    admin_secret: str | None = Field(None, description="Without it every caller is admin.")
    unauthorized_role: str | None = Field(None, description="The role of callers without credentials.")
    jwt_secret: str | None = Field(None, description="JSON: type and key, or jwk_url; claims and checks.")
    server_host: str = Field("127.0.0.1", description="The address to listen on.")
    server_port: int = Field(8081, description="The port to listen on.")
    pg_connections: int = Field(50, ge=1, description="Maximum number of connections to the database.")
    pg_timeout: int | None = Field(None, description="Seconds after which PostgreSQL ends a statement.")
    run_sql_timeout: float = Field(600, ge=0, description="Maximum seconds for the SQL of one run_sql; 0: no limit.")
    run_sql_lock_timeout: float = Field(
        60, ge=0, description="Maximum seconds that run_sql or a metadata call waits for a lock; 0: no limit."
    )
    stringify_numeric_types: bool = Field(False, description="bigint, numeric, double precision as JSON strings.")
    infer_function_permissions: bool = Field(True, description="A table's readers may call functions that return it.")
    v1_boolean_null_collapse: bool = Field(False, description="`{_eq: null}` is true, as in Hasura v1.")
    default_naming_convention: NamingConvention = Field(
        NamingConvention.HASURA_DEFAULT, description="hasura-default or graphql-default."
    )
    enable_allowlist: bool = Field(False, description="Only allow-listed operations run, except admin's.")
    dev_mode: bool = Field(False, description="All callers see the `internal` part of errors.")
    admin_internal_errors: bool = Field(True, description="Admin sees the `internal` part of errors.")
    enabled_apis: str = Field(
        "metadata,graphql,pgdump,config", description="The APIs that are served, comma-separated."
    )
    cors_domain: str = Field("*", description="Origins that browsers may call from, comma-separated.")
    disable_cors: bool = Field(False, description="Cross-origin requests get no CORS headers.")
    live_queries_multiplexed_refetch_interval: int = Field(1000, description="Milliseconds between two reads.")
    live_queries_multiplexed_batch_size: int = Field(100, description="Subscribers per SQL statement.")
    streaming_queries_multiplexed_refetch_interval: int = Field(1000, description="Milliseconds between two reads.")
    streaming_queries_multiplexed_batch_size: int = Field(100, description="Subscribers per SQL statement.")

    def options(self) -> EngineOptions:
        """Returns the settings as the engine takes them. The database URL must be set."""
        assert self.database_url is not None
        return EngineOptions(
            database_url=self.database_url,
            admin_secret=self.admin_secret,
            unauthorized_role=self.unauthorized_role,
            jwt_secret=self.jwt_secret,
            schema=SchemaOptions(
                naming_convention=self.default_naming_convention,
                stringify_numeric_types=self.stringify_numeric_types,
                infer_function_permissions=self.infer_function_permissions,
                boolean_null_collapse=self.v1_boolean_null_collapse,
            ),
            pool_max=self.pg_connections,
            statement_timeout_seconds=self.pg_timeout,
            administration=AdministrationLimits(self.run_sql_timeout or None, self.run_sql_lock_timeout or None),
            enable_allowlist=self.enable_allowlist,
            dev_mode=self.dev_mode,
            admin_internal_errors=self.admin_internal_errors,
            enabled_apis=frozenset(part.strip() for part in self.enabled_apis.split(",")),
            cors_domain=None if self.disable_cors else self.cors_domain,
            live_query_refetch_seconds=self.live_queries_multiplexed_refetch_interval / 1000,
            live_query_batch_size=self.live_queries_multiplexed_batch_size,
            streaming_refetch_seconds=self.streaming_queries_multiplexed_refetch_interval / 1000,
            streaming_batch_size=self.streaming_queries_multiplexed_batch_size,
        )
