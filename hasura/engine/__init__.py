"""Embeds a GraphQL engine that behaves like Hasura v2 on PostgreSQL.

Stages, from the ground up. Each imports only from lines before its own, and stages that share a line know nothing of
each other (import-linter holds both, see `pyproject.toml`):

    catalog/, errors, session,
    logging                       what PostgreSQL has (read incrementally, typed), and the vocabulary of all stages
    names, exact_json, sql/       GraphQL names; JSON that keeps every digit; SQL put together safely, and what
                                  PostgreSQL's errors mean
    metadata/                     what the user declared: typed model, storage
    schema_cache                  metadata and catalog resolved: the immutable snapshot that everything is served from
    schema/, plan, options        what one role may see, lazily per table; the form of a compiled operation; settings
    ir/, settings                 what a request means: documents and permissions become boolean expressions,
                                  selections, inserts ...; permissions enter here, nothing later can forget them
    translate/, resolve/          IR to SQL fragments, one module per concern; the snapshot is built, which checks
                                  the metadata for consistency
    prepare, api/                 the compiler's entry: document -> prepared operation -> plan (SQL and parameters);
                                  the metadata and query APIs, run_sql
    execution/, metadata_service  connections, prepared statements, plan cache, transactions; one metadata call at a
                                  time in its transaction, and the snapshot that is current
    subscriptions/                live queries, streams
    explain                       `/v1/graphql/explain`
    engine                        `Engine`: all of it, started and stopped together
    transport/                    HTTP (ASGI), websockets, REST endpoints
    cli                           `automio engine`

One root field is one SQL statement that returns JSON text; the bytes go out as they came. Only mutations that need to
see their own work (nested inserts, relationships in `returning`, `update_many`) are several, in one transaction.
"""
