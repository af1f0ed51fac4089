"""A page that shows what the sandbox is doing, while it does it."""
