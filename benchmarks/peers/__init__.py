"""Other clients: each module imports nothing but its own, in an environment of its own (`.venvs/bench-*`)."""
