"""The cells of a summary as a flat table: a row for each cell and device. CSV, Parquet and frames start here.

A row stands for itself: it has the session's zone, intensity and PUE too, so that tables of many sessions can
be put below each other. Columns that begin with `cell_` are the cell's and repeat in each of its rows: sum
them over rows of one device, or sum `energy_j` over rows that are `counted`, and over cells without a
`parent_index`, or joules are counted twice. Time between cells is in no row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core.units import kwh

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TEXT, WHOLE, NUMBER, TRUTH = "text", "whole", "number", "truth"

COLUMNS: Final[dict[str, str]] = {
    "session_id": TEXT,
    "cell_index": WHOLE,
    "cell_key": TEXT,
    "parent_index": WHOLE,
    "cell_name": TEXT,
    "cell_tag": TEXT,
    "started_at": TEXT,
    "duration_s": NUMBER,
    "outcome": TEXT,
    "flags": TEXT,
    "cell_energy_j": NUMBER,
    "cell_low_j": NUMBER,
    "cell_high_j": NUMBER,
    "cell_emissions_g": NUMBER,
    "cell_low_g": NUMBER,
    "cell_high_g": NUMBER,
    "cell_coverage_fraction": NUMBER,
    "cell_measured_fraction": NUMBER,
    "cell_calibrated": TRUTH,
    "device_id": TEXT,
    "device_kind": TEXT,
    "device_name": TEXT,
    "energy_j": NUMBER,
    "low_j": NUMBER,
    "high_j": NUMBER,
    "emissions_g": NUMBER,
    "provenance": TEXT,
    "method": TEXT,
    "counted": TRUTH,
    "below_resolution": TRUTH,
    "coverage_fraction": NUMBER,
    "zone": TEXT,
    "g_per_kwh": NUMBER,
    "pue": NUMBER,
}
"""Every column and what it holds. Later versions add columns and never rename one."""

_DEVICE: Final = (
    "energy_j", "low_j", "high_j", "provenance", "method", "counted", "below_resolution",
    "coverage_fraction",
)  # fmt: skip
_CELL: Final = (
    "energy_j", "low_j", "high_j", "emissions_g", "low_g", "high_g", "coverage_fraction",
    "measured_fraction",
)  # fmt: skip


def rows(summary: Mapping[str, Any]) -> Iterator[list[Any]]:
    """A row for each cell and device, in the order of `COLUMNS`; None where something is not known."""
    of_all = {
        "session_id": summary["session"]["id"],
        "zone": summary["zone"]["id"],
        "g_per_kwh": summary["intensity"]["g_per_kwh"],
        "pue": summary["settings"]["pue"],
    }
    for cell in summary["cells"]:
        of_cell = {
            "cell_index": cell["index"],
            "cell_key": cell["key"],
            "parent_index": cell["parent_index"],
            "cell_name": cell["name"],
            "cell_tag": cell.get("tag"),
            "started_at": cell["started_at"],
            "duration_s": cell["duration_s"],
            "outcome": cell["outcome"],
            "flags": " ".join(cell["flags"]),
            **{f"cell_{key}": cell[key] for key in _CELL},
            "cell_calibrated": cell.get("calibrated"),
        }
        for device in cell["devices"] or [{}]:
            row = {**of_all, **of_cell, **_of_device(device, of_all)}
            yield [row.get(name) for name in COLUMNS]


def _of_device(device: Mapping[str, Any], of_all: Mapping[str, Any]) -> dict[str, Any]:
    """A cell that no device was seen in has no such columns."""
    if not device:
        return {}
    return {
        "device_id": device["id"],
        "device_kind": device["kind"],
        "device_name": device["name"],
        **{key: device[key] for key in _DEVICE},
        "emissions_g": _emissions_g(device["energy_j"], of_all["pue"], of_all["g_per_kwh"]),
    }


def _emissions_g(
    energy_j: float | None, pue: float | None, g_per_kwh: float | None
) -> float | None:
    if energy_j is None or pue is None or g_per_kwh is None:
        return None
    return kwh(energy_j) * pue * g_per_kwh
