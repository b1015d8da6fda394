"""CSV and Excel files into app tables, and out of them: jobs that any control plane takes up and goes on with."""
