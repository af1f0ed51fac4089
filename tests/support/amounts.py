"""How much the random tests try."""

import os


def amount(per_run: int) -> int:
    """So many trials per run, times AURIKO_TEST_SCALE where it is set, as for a night."""
    return per_run * int(os.environ.get("AURIKO_TEST_SCALE", "1"))
