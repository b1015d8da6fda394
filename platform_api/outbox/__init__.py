"""What must happen outside PostgreSQL after a commit: stored with the change, done later, repeated until done."""
