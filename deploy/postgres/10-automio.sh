#!/bin/bash
# Runs once, when PostgreSQL's volume is empty: the platform's login, the engine's role, Hasura's login, the database.
set -euo pipefail

psql --set ON_ERROR_STOP=1 --set password="$POSTGRES_PASSWORD" --username "${POSTGRES_USER:-postgres}" <<'SQL'
create role automio login password :'password';
-- Owns the app tables; has no rights on the platform's own.
create role automio_engine nologin;
grant automio_engine to automio;
-- Hasura reads and writes app tables through that role and keeps its catalogue in a schema of its own.
create role hasura login password :'password';
grant automio_engine to hasura;
create database automio owner automio;
\connect automio
create extension vector;
create extension pgcrypto;
grant create on database automio to hasura;
SQL
