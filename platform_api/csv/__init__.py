"""Imports CSV and Excel files into app tables and exports them, as jobs that any control plane can resume."""
