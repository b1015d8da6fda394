"""Builds the intermediate representation: what a request means, permissions included, before any SQL.

`ir.permission` resolves the boolean expressions of metadata (filters, checks) and is also what the consistency check
calls: `resolve_boolean_expression(cache_tables, table, expression)` gives the expression or raises `EngineError`, and
`expression_dependencies` lists the tables, columns and relationships it needs.
"""
