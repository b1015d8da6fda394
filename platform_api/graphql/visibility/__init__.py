"""Says why somebody sees a row or does not: which part of their role's rule the row does not meet."""
