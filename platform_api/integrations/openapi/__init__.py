"""Reads and checks OpenAPI and Swagger documents, and reduces them to what an integration needs."""
