"""Streams imports and exports as they come further."""
