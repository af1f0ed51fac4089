"""What type checkers make of the surface: exact types for what is right, an error for what is wrong."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE = "tests/typing/surface.py"


@pytest.mark.parametrize(
    "checker",
    [["mypy", "--strict"], ["pyright"]],
    ids=["mypy", "pyright"],
)
def test_every_call_has_its_exact_type_and_mistakes_are_found(checker: list[str]) -> None:
    """Each ignored error of the file must really be one, else the checkers complain of the comment."""
    done = subprocess.run([sys.executable, "-m", *checker, FILE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
