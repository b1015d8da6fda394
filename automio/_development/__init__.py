"""Supports local development: syncs a folder with an app, tests plugins without their services, runs actions."""
