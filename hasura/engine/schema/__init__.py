"""Builds what one role sees: its fields, arguments and types, compiled lazily from the schema cache."""
