"""The telling of what a call cost: to trackers, spans and metrics."""
