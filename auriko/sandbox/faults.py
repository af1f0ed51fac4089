"""Faults on demand.

A fault is written `kind[=rate][;option=value]...`, for example `429;retry_after=2;times=1`, `cut;after=3` or
`503=0.1`. It is given to the sandbox for every inference request, by the header `X-Sandbox-Fault` for one, or after
an `@` at the end of a model's name. Several are separated by commas; the first that strikes is the one.

| kind | what happens | options |
|---|---|---|
| `408` `429` `500` `502` `503` `504` `529` | that status; an envelope if it has a code | `retry_after` (s) |
| `budget`, `quota`, `filtered` | 429 `budget_exhausted`, 429 `insufficient_quota`, 400 `content_filtered` | |
| `html` | 502 with the page of a proxy | |
| `empty` | 200 without a body | |
| `drop` | the connection is closed without a reply | |
| `slow` | nothing is heard before the reply begins | `seconds` |
| `bad_json` | 200 with broken JSON; in a stream, an event of it | `after` |
| `cut` | the connection breaks in the reply; in a stream, after some events | `after` |
| `stall` | silence in the reply; in a stream, after some events | `after`, `seconds` |
| `end` | a stream ends without `[DONE]` | `after` |
| `error` | an error event in a stream | `after` |
| `refusal` | the model refuses to answer | |
| `redacted` | reasoning, if there is any, has a part that is not for reading | |
| `down` | a provider fails, always or at a rate, so that the next one is tried | `provider`, `seconds` from the start |

The codes of the API's registry are kinds too, such as `model_unavailable`: that error in place of the reply (option
`retry_after`), or as an event in a stream (option `after`) if it has no HTTP status, such as `client_disconnected`.

Options of every kind: `times` (how often it strikes at most), `provider` for `down` alone, `id` (any text, to count
`times` anew). Rates are drawn from a seeded generator.
"""

from __future__ import annotations

import math
import random
import time
from collections import Counter
from collections.abc import Iterable
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from auriko.errors import CODES
from auriko.sandbox.errors import GatewayError

HEADER = "x-sandbox-fault"

STATUSES = ("408", "429", "500", "502", "503", "504", "529")
KINDS = frozenset(
    {
        *STATUSES,
        *("budget", "quota", "filtered", "html", "empty", "drop", "slow"),
        *("bad_json", "cut", "stall", "end", "error", "refusal", "redacted", "down"),
    }
)


_Finite = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Fault(BaseModel):
    """One thing that goes wrong; the table above says what its fields mean."""

    model_config = ConfigDict(frozen=True)

    kind: str
    rate: Annotated[_Finite, Field(le=1)] = 1.0
    times: int | None = Field(default=None, ge=0)
    after: int = Field(default=1, ge=0)
    seconds: _Finite | None = None
    retry_after: _Finite | None = None
    provider: str | None = None
    id: str = ""


_OPTIONS = tuple(Fault.model_fields)[2:]


def parse_fault(text: str) -> Fault:
    """The fault that this text describes.

    Raises:
        ValueError: The kind, an option or a value is not known.
    """
    head, *options = text.strip().split(";")
    kind, _, rate = head.partition("=")
    if kind not in KINDS and kind not in CODES:
        raise ValueError(f"{kind!r} is not a fault; there are {', '.join(sorted(KINDS))}, and the codes of errors")
    values = {"kind": kind, **({"rate": rate} if rate else {})}
    for option in options:
        name, _, value = option.strip().partition("=")
        if name not in _OPTIONS:
            raise ValueError(f"{name!r} is not an option of a fault; there are {', '.join(_OPTIONS)}")
        values[name] = value
    try:
        fault = Fault.model_validate(values)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise ValueError(f"in {text!r}, the {wrong['loc'][0]} cannot be {wrong['input']!r}") from None
    if (kind == "down") != (fault.provider is not None):
        raise ValueError("the fault down, and only it, needs a provider")
    return fault


def split_model(name: str) -> tuple[str, str | None]:
    """A model's name and the faults after its `@`."""
    model, at, faults = name.partition("@")
    return (model, faults) if at else (name, None)


class Faults:
    """Decides which fault strikes which request.

    Args:
        standing: Faults of every inference request.
        seed: Of the generator that rates are drawn from.

    Raises:
        ValueError: A fault cannot be read.
    """

    def __init__(self, standing: Iterable[str] = (), seed: int = 0) -> None:
        self._standing = [(text, parse_fault(text)) for text in standing]
        self._random = random.Random(seed)
        self._strikes: Counter[str] = Counter()
        self._outages: dict[str, tuple[float, float]] = {}  # until when, and how often a call there fails
        for _, fault in self._standing:
            if fault.provider is not None:
                self.take_down(fault.provider, fault.seconds, fault.rate)

    def strike(self, *asked_for: str | None) -> Fault | None:
        """The fault that strikes this request: of those that it asks for, or of the standing ones.

        Raises:
            GatewayError: What it asks for cannot be read.
        """
        texts = ",".join(filter(None, asked_for)).split(",")
        faults = [(text, _asked(text)) for text in texts if text.strip()]
        return next((fault for text, fault in [*faults, *self._standing] if self._strikes_now(text, fault)), None)

    @property
    def providers(self) -> set[str]:
        """Ids of the providers that have an outage."""
        return set(self._outages)

    def take_down(self, provider: str, seconds: float | None = None, rate: float = 1.0) -> None:
        """Let a provider fail, always or at a rate, for so many seconds from now, or until `bring_up`."""
        self._outages[provider] = math.inf if seconds is None else time.monotonic() + seconds, rate

    def bring_up(self, provider: str) -> None:
        """End a provider's outage."""
        self._outages.pop(provider, None)

    def is_down(self, provider: str) -> bool:
        """True if the provider always fails now."""
        return self._rate(provider) == 1

    def fails(self, provider: str) -> bool:
        """True if a call that goes to the provider now fails there."""
        rate = self._rate(provider)
        return rate == 1 or (rate > 0 and self._random.random() < rate)

    def _rate(self, provider: str) -> float:
        until, rate = self._outages.get(provider, (-math.inf, 0.0))
        return rate if until > time.monotonic() else 0.0

    def _strikes_now(self, text: str, fault: Fault) -> bool:
        if fault.kind == "down" or self._random.random() >= fault.rate:
            return False
        if fault.times is not None and self._strikes[text] >= fault.times:
            return False
        self._strikes[text] += 1
        return True


def _asked(text: str) -> Fault:
    try:
        fault = parse_fault(text)
    except ValueError as error:
        raise GatewayError("invalid_request", f"The fault {text!r} cannot be read: {error}.") from None
    if fault.kind == "down":
        raise GatewayError("invalid_request", "A provider is taken down for the whole sandbox, not by a request.")
    return fault
