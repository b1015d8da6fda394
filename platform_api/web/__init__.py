"""Serves web pages: signing in, GraphiQL per app, the API documentation."""
