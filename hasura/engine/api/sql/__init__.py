"""Splits an administrator's SQL into statements, tells what they need, and runs them within limits (`run_sql`)."""
