"""Replaces forgotten passwords, by a link that is sent by mail."""
