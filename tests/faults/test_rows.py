"""The fault matrix is whole: each of its 62 rows has a line in the table or a test that is named after it."""

import re
from pathlib import Path

from tests.faults.test_matrix import ROWS

IDS = [f"C{n}" for n in range(1, 11)] + ["T1", "T2"] + [f"S{n}" for n in range(1, 14)] + [f"B{n}" for n in range(1, 9)]
IDS += ["E1a", "E1b"] + [f"E{n}" for n in range(2, 14)] + [f"L{n}" for n in range(1, 13)] + ["A1", "A2", "A3"]
TESTS = "\n".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))


def test_there_are_62_rows() -> None:
    assert len(IDS) == len(set(IDS)) == 62


def test_each_row_is_covered() -> None:
    in_table = {re.sub("(?<=[0-9])[a-z]$", "", entry.id) for entry in ROWS} | {entry.id for entry in ROWS}
    tested = set(re.findall(r"^(?:async )?def test_([a-z]\d+[a-z]?)_", TESTS, re.MULTILINE))
    assert not [row for row in IDS if row not in in_table and row.lower() not in tested]
