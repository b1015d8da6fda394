"""Runs plans: held connections with prepared statements, the plan cache, transactions."""
