"""The user's real work: its shape, its classes, and its replay on other stacks. Pure; columns are NumPy arrays."""
