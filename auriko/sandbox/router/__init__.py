"""Which provider serves a request: candidates, filters, scores, order. Pure: no clock, no I/O, no chance."""
