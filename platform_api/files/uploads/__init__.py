"""Receives files from a form or a URL, checked, with bounded memory."""
