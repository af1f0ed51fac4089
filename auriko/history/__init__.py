"""Messages of earlier turns, made ready to be sent again, by one rule for the core and the adapters. No I/O.

`messages` is what every request's messages go through; `tool_calls`, `reasoning`, `files` and `fields` read what other
classes have written.
"""
