"""Contains the control plane: one folder per domain, each with models, schemas, service and endpoints."""
