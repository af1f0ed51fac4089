"""A server-sent events decoder as plain as the specification's text, to compare the real one with."""

import re


def decode(stream: bytes) -> list[str]:
    """The data of each event of a whole stream; the last counts even if the blank line after it is missing."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    events: list[str] = []
    data = ""
    for line in [*re.split("\r\n|\r|\n", text), ""]:
        if line == "":
            if data:
                events.append(data.removesuffix("\n"))
            data = ""
            continue
        field, colon, value = line.partition(":")
        if colon and value.startswith(" "):
            value = value[1:]
        if field == "data":
            data += value + "\n"
    return events
