"""Python client for the Auriko LLM routing gateway."""
