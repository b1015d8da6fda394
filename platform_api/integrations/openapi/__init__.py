"""Imports OpenAPI and Swagger documents as integrations."""
