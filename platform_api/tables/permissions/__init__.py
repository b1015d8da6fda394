"""Limits, per table, what a role in an organization may do with its rows: rules, columns, presets."""
