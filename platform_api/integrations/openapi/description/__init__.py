"""Reads OpenAPI and Swagger documents, whatever state they are in, to what an integration needs of them."""
