"""The cells as CSV, a row for each cell and device: RFC 4180, UTF-8, a point before decimals.

Text that a spreadsheet would take for a formula starts with an apostrophe.
"""

from __future__ import annotations

import csv
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import escape
from nbcarbon.export.cell_table import COLUMNS, TEXT, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

NAME: Final = "CSV, a row per cell and device"
AS: Final = "csv"
ENDINGS: Final = (".csv",)

_IS_TEXT: Final = [kind == TEXT for kind in COLUMNS.values()]


def render(summary: Mapping[str, Any]) -> bytes:
    """A summary's cells as CSV with a header."""
    return b"".join(pieces(summary))


def pieces(summary: Mapping[str, Any]) -> Iterator[bytes]:
    """The same line by line."""
    yield line(list(COLUMNS))
    for row in rows(summary):
        yield line(
            [
                escape.csv(value) if text and value is not None else value
                for value, text in zip(row, _IS_TEXT, strict=True)
            ]
        )


def line(values: Sequence[Any]) -> bytes:
    """One line of values that are escaped already: nothing where there is None, words for truth."""
    out = StringIO()
    shown = [str(each).lower() if isinstance(each, bool) else each for each in values]
    csv.writer(out).writerow(shown)
    return out.getvalue().encode("utf-8")
