"""Splits an administrator's SQL into statements, knows what they need, and runs them within limits (`run_sql`)."""
