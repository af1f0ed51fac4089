"""One assertion over many cases that says in which of them it does not hold: `assert not failures(check, CASES)`."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def failures(check: Callable[..., object], cases: Iterable[Any]) -> list[str]:
    """A line for each case in which the check fails; a case that is a tuple is its arguments."""
    found = []
    for case in cases:
        try:
            check(*case) if isinstance(case, tuple) else check(case)
        except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - whatever it is, it is the case's failure
            found.append(f"{case!r:.200}: {type(error).__name__}: {error}")
    return found
