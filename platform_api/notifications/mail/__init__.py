"""Writes mail to users, sends it over SMTP, and lists what was sent."""
