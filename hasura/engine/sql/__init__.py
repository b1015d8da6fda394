"""Composes SQL of which no part can be mistaken for another, and reads the errors that PostgreSQL answers with."""
