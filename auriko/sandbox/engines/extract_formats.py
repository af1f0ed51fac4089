"""The formats of strings that JSON schemas know: how to find them in a text, write them, and invent them."""

from __future__ import annotations

import re

PATTERNS = {
    "uuid": r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}",
    "ipv4": r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)",
    "hostname": r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}",
    "duration": r"P(?=\w)(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?:\d+H)?(?:\d+M)?(?:\d+S)?)?",
}
"""What a text of the format looks like, for the formats that are found by their look."""

EXAMPLES = {
    "date": "2026-01-01", "date-time": "2026-01-01T00:00:00Z", "time": "00:00:00Z", "duration": "PT0S",
    "email": "unknown@example.com", "idn-email": "unknown@example.com", "uri": "https://example.com",
    "iri": "https://example.com", "url": "https://example.com", "uri-reference": "/", "hostname": "example.com",
    "idn-hostname": "example.com", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1",
    "uuid": "00000000-0000-4000-8000-000000000000", "json-pointer": "", "relative-json-pointer": "0", "regex": ".*",
}  # fmt: skip
"""A text of each format for when nothing is found."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")
_ZONE = re.compile(r"Z|[+-]\d\d:\d\d$")


def written(text: str, form: str) -> str | None:
    """A found `text` as the format `form` demands it; None if it cannot be."""
    if form == "date":
        return text if _DATE.fullmatch(text) else None
    if form == "time":
        return f"{text}:00Z"
    if form == "date-time":
        moment = text.replace(" ", "T") + (":00" if _MOMENT.fullmatch(text) else "")
        return moment if _ZONE.search(moment) else f"{moment}Z"
    return text
