"""The cells as a data frame, a row for each cell and device: by pandas or polars, whichever is there."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.errors import ExportError
from nbcarbon.export.cell_table import COLUMNS, NUMBER, TEXT, TIMES, TRUTH, WHOLE, columns

if TYPE_CHECKING:
    from collections.abc import Mapping

LIBRARIES: Final = ("pandas", "polars")


def frame(summary: Mapping[str, Any], library: str = "") -> Any:
    """A data frame with the columns of `cell_table`. What is not known is missing, never 0.

    By `library`, `pandas` or `polars`; without one by the one that is imported already, else by the one that is
    installed. Raises ExportError where there is none.
    """
    chosen = library or _found()
    if chosen not in LIBRARIES or find_spec(chosen) is None:
        raise ExportError(
            f"There is no {chosen or 'pandas and no polars'} here to make a data frame with.",
            hint="Run: pip install pandas (or polars).",
        )
    values = columns(summary)
    return _pandas(values) if chosen == "pandas" else _polars(values)


def _found() -> str:
    imported = [each for each in LIBRARIES if each in sys.modules]
    return next(iter([*imported, *(each for each in LIBRARIES if find_spec(each))]), "")


def _pandas(values: Mapping[str, list[Any]]) -> Any:
    import pandas

    kinds = {TEXT: "string", WHOLE: "Int64", NUMBER: "float64", TRUTH: "boolean"}
    return pandas.DataFrame(
        {
            name: pandas.to_datetime(pandas.Series(column, dtype="object"), utc=True)
            if name in TIMES
            else pandas.Series(column, dtype=kinds[COLUMNS[name]])
            for name, column in values.items()
        }
    )


def _polars(values: Mapping[str, list[Any]]) -> Any:
    import polars

    kinds = {
        TEXT: polars.String,
        WHOLE: polars.Int64,
        NUMBER: polars.Float64,
        TRUTH: polars.Boolean,
    }
    schema = {
        name: polars.Datetime("us", "UTC") if name in TIMES else kinds[COLUMNS[name]]
        for name in values
    }
    return polars.DataFrame(values, schema=schema)
