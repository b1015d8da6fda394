"""OpenAPI and Swagger documents: read, checked and reduced to what an integration needs of them."""
