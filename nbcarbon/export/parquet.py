"""The cells as Parquet, a row for each cell and device, with the whole summary in the file's metadata.

Needs pyarrow (extra `parquet`).
"""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.errors import ExportError
from nbcarbon.export import json_summary
from nbcarbon.export.cell_table import COLUMNS, NUMBER, TEXT, TIMES, TRUTH, WHOLE, columns

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "Parquet, a row per cell and device"
AS: Final = "parquet"
ENDINGS: Final = (".parquet",)

SUMMARY_KEY: Final = b"nbcarbon.summary"
MOST_KEPT: Final = 5000
"""A file of more cells than this does not hold its summary: readers read all metadata first."""


def render(summary: Mapping[str, Any]) -> bytes:
    """A summary's cells as one Parquet file. Raises ExportError where pyarrow is missing."""
    arrow = _arrow()
    kinds = {
        TEXT: arrow.string(),
        WHOLE: arrow.int64(),
        NUMBER: arrow.float64(),
        TRUTH: arrow.bool_(),
    }
    fields = [
        arrow.field(name, arrow.timestamp("us", tz="UTC") if name in TIMES else kinds[kind])
        for name, kind in COLUMNS.items()
    ]
    values = columns(summary)
    arrays = [arrow.array(values[field.name], field.type) for field in fields]
    metadata = {}
    if len(summary["cells"]) <= MOST_KEPT:
        kept = {**summary, "cells": list(summary["cells"])}
        metadata[SUMMARY_KEY] = json.dumps(kept, allow_nan=False).encode("ascii")
    table = arrow.Table.from_arrays(arrays, schema=arrow.schema(fields, metadata))
    from pyarrow import parquet

    out = BytesIO()
    parquet.write_table(table, out)
    return out.getvalue()


def load(data: bytes) -> dict[str, Any]:
    """The summary in a file's metadata. Raises ExportError where it is no such file, or too long to hold one."""
    arrow = _arrow()
    from pyarrow import parquet

    try:
        metadata = parquet.read_schema(BytesIO(data)).metadata or {}
    except (arrow.ArrowException, OSError) as error:
        raise ExportError(
            "This is not a Parquet file.", hint="Name a file that nbcarbon exported."
        ) from error
    if SUMMARY_KEY not in metadata:
        raise ExportError(
            "This Parquet file holds no summary.",
            hint=f"Those of nbcarbon do, up to {MOST_KEPT} cells. JSON holds any number.",
        )
    return json_summary.load(metadata[SUMMARY_KEY])


def _arrow() -> Any:
    try:
        import pyarrow
    except ImportError as error:
        raise ExportError(
            "Parquet needs pyarrow, which is not installed here.",
            hint="Run: pip install 'nbcarbon[parquet]'",
        ) from error
    return pyarrow
