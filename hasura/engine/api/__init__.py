"""The metadata and query APIs: `/v1/metadata`, `/v2/query`, `/v1/query`.

workspace      one request's view: documents, the world they make, the checks on it
registry       commands by name
tables, relationships, permissions, functions, roles, collections, settings, documents   the commands
dependents     what would break when something goes
run_sql        SQL and the metadata that follows it
data           the old data API (select, insert, update, delete, count)
dispatch       a request: version, role, bulk, transaction
"""
