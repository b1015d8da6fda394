"""Lists runs as an operator needs them: with filters, over time, and live."""
