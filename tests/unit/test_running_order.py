"""The table of slow files names files that exist, and puts them first."""

from __future__ import annotations

from pathlib import Path

from tests.support.running_order import SECONDS, slow_files_first

ROOT = Path(__file__).parents[2]


def test_slow_files_exist():
    assert [file for file in SECONDS if not (ROOT / file).is_file()] == []


def test_tests_of_slower_file_come_first():
    slow, slower = min(SECONDS, key=SECONDS.__getitem__), max(SECONDS, key=SECONDS.__getitem__)
    tests = ["tests/unit/test_a.py::test_b", f"{slow}::test_d", f"{slower}::test_c[x::y]"]

    assert sorted(tests, key=slow_files_first) == [tests[2], tests[1], tests[0]]
