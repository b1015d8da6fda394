"""An embedded GraphQL engine that behaves like Hasura v2 on PostgreSQL.

Stages, each a module or package that imports only from those before it:

    errors, session, sql, names   vocabulary shared by all stages
    catalog/                      what PostgreSQL has: read incrementally, typed
    metadata/                     what the user declared: typed model, storage
    schema_cache, resolve/        both resolved into an immutable snapshot; building it checks consistency
    api/                          the metadata and query APIs, run_sql
    schema/                       what one role may see, lazily per table
    ir/                           what a request means: documents and permissions become boolean expressions,
                                  selections, inserts ...; permissions enter here, nothing later can forget them
    translate/                    IR to SQL fragments, one module per concern
    prepare, plan                 the compiler's entry: document -> prepared operation -> plan (SQL and parameters)
    execution/                    connections, prepared statements, plan cache, transactions
    subscriptions/                live queries, streams
    transport/                    HTTP (ASGI), websockets, REST endpoints, explain
    engine                        `Engine`: all of it, started and stopped together
    cli                           `automio engine`

One root field is one SQL statement that returns JSON text; the bytes go out as they came. Only mutations that need to
see their own work (nested inserts, relationships in `returning`, `update_many`) are several, in one transaction.
"""
