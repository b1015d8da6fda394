"""Reads the records of CSV and Excel files, however large they are. Everything here blocks."""
