"""Keys, what each may do, and budgets."""
