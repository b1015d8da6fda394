"""What every domain stands on: settings, database, errors, application factory."""
