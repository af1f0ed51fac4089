"""`AURIKO_LOG=debug` or `info`: what the logger `auriko` says goes to stderr. It never says a key or a prompt."""

from __future__ import annotations

import logging
import os
import sys
import warnings
from typing import Final

logger: Final = logging.getLogger("auriko")
_LEVELS: Final = {"debug": logging.DEBUG, "info": logging.INFO}


class _StderrHandler(logging.Handler):
    """Writes to what `sys.stderr` is at that moment, as notebooks and tests exchange it."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        try:
            sys.stderr.write(f"{self.format(record)}\n")
        except (OSError, ValueError):  # stderr is closed
            self.handleError(record)


def set_up_logging() -> None:
    """Has the logger write to stderr if AURIKO_LOG says so; to be called as often as one likes."""
    asked = os.environ.get("AURIKO_LOG")
    if not asked:
        return
    level = _LEVELS.get(asked.strip().lower())
    if level is None:
        warnings.warn(f"AURIKO_LOG is {asked!r}; it can be 'debug' or 'info'", UserWarning, stacklevel=4)
        return
    logger.setLevel(level)
    if not any(isinstance(handler, _StderrHandler) for handler in logger.handlers):
        logger.addHandler(_StderrHandler())
