"""Stores application files: a row each in PostgreSQL, their content on local disk or in an S3-compatible store."""
