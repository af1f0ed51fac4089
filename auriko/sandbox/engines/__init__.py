"""What produces text behind the sandbox's providers."""
