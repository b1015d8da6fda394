"""Reads rows that are nested in many others once for all of them, by their keys, instead of once for each.

grouping decides which are; joined and whole_tables do so for rows that joins lead to and for what a whole table is
ordered or filtered by; searches looks for the first few of each key in a large table; translator writes the SQL.
"""
