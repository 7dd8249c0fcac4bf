"""The tables beside this file, parsed when first asked for. Each module reads what it needs."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = Path(__file__).parent / "data"
WORLD: Final = "WORLD"
"""The row of ember.csv that is no zone."""


def rows(name: str) -> Iterator[list[str]]:
    """Every row of one table, without its header."""
    with open(FOLDER / name, encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        next(lines)
        yield from lines
