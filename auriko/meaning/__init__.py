"""The meaning of a reply, decided once for the core and the adapters, whole or streamed. No I/O.

`mending` makes whole what a server left out, `parts` puts a message together from its pieces, `tool_calls` says which
calls may be run and `structured` reads answers that follow a schema. Everybody else translates what they say.
"""
