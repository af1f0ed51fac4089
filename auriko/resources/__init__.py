"""The API's resources: each builds a call once, and has a sync and an async face of one line."""
