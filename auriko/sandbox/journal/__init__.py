"""Records of what was received and decided."""
