"""Runs `automio up`: starts PostgreSQL, the control plane and a runner, and keeps them running."""
