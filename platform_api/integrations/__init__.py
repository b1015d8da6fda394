"""Third-party HTTP APIs: definitions, connections (whose credentials never leave the platform), outgoing calls."""
