"""The tables beside this file: lines of fields without a comma in them, below a header, with remarks."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def read_rows(path: Path) -> Iterator[list[str]]:
    """The fields of each row, remarks and header left out. Raises OSError where the table is missing."""
    with open(path, encoding="utf-8") as lines:
        header = True
        for line in lines:
            if line.startswith("#") or not line.strip():
                continue
            if not header:
                yield line.rstrip("\n").split(",")
            header = False
