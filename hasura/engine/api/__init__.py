"""Serves the metadata and query APIs: `/v1/metadata`, `/v2/query`, `/v1/query`.

dispatch       a request: version, role, bulk, transaction
commands/      what can be called: tables, relationships, permissions, functions, roles, collections, settings,
               documents as a whole, run_sql
data           the old data API (select, insert, update, delete, count); data_access is what a role may do there
sql/           the statements of a script, what they need, how they run and for how long
rewriting      names in documents, after something was renamed
type_changes   columns whose type a permission rests on
dependents     what would break when something goes
registry       commands by name
workspace      one request's view: documents, the world they make, the checks on it
completeness   what is checked of documents before they are stored
endpoint_checks   REST endpoints that do not fit the schema
source_names   the one source that is served, under its own name
"""
