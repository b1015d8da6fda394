"""What PostgreSQL's catalogue says: typed tables, columns, constraints, functions, and how they are read."""
