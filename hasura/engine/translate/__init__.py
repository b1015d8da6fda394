"""Translates the intermediate representation into SQL, one module per concern.

What was found to matter, besides the shapes measured before building:

* A cast of a text parameter is evaluated for every row a generic plan scans; numbers, booleans and UUIDs are
  therefore parameters of their own type. A cast to an array is evaluated for every row by any plan.
* `row_to_json(r)` means the column `r` where the row has one: whole rows are written `r.*`.
* One `count(distinct ...)` sorts the input of all aggregates beside it, `json_agg` of the nodes included.
* A row just written is not seen by subqueries of the same statement: what must see it is a later statement.
"""
