"""Manages the tables of apps: their definitions, and the PostgreSQL tables and Hasura metadata made from these."""
