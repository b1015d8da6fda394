"""Builds the input types of arguments that read: `where`, `order_by`, the `args` of functions."""
