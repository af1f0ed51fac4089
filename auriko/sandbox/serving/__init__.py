"""The life of a request between the router and the reply."""
