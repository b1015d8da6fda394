"""The metadata and query APIs: `/v1/metadata`, `/v2/query`, `/v1/query`.

workspace      one request's view: documents, the world they make, the checks on it
registry       commands by name
tables, relationships, permissions, functions, roles, collections, settings, documents   the commands
dependents     what would break when something goes
type_changes   columns whose type a permission rests on
run_sql        SQL and the metadata that follows it
sql_lexer, sql_script, sql_execution   its statements, what they need, how they run and for how long
source_names   the one source that is served, under its own name
endpoint_checks   REST endpoints that do not fit the schema
data           the old data API (select, insert, update, delete, count)
dispatch       a request: version, role, bulk, transaction
"""
