"""An engine without a model: it quotes the prompt's own text, fills JSON schemas and calls tools, always alike."""
