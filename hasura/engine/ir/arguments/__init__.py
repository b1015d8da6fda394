"""Builds what the arguments of a field mean: `where`, `order_by`, `args`, `objects`, `_set` and the rest."""
