"""A session as plain JSON values. The keys are a contract: later versions add, and never rename.

Joules and grams throughout, times in ISO 8601 with their offset. A number that is not finite is
None: a reader of JSON must never meet NaN.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, overload

from nbcarbon.core.energy import contained
from nbcarbon.core.figures import notable
from nbcarbon.core.lifecycle_json import session_split, split
from nbcarbon.core.per_unit import per_units
from nbcarbon.core.plain import emissions, energy, finite
from nbcarbon.core.tags import by_tag
from nbcarbon.core.units import kwh

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from nbcarbon.core.calibration import Calibration
    from nbcarbon.core.device import Device
    from nbcarbon.core.events import SessionStarted
    from nbcarbon.core.figures import CellFigures, DeviceFigure, Figures, SessionFigures
    from nbcarbon.core.intensity import Intensity, Zone
    from nbcarbon.core.per_unit import PerUnit
    from nbcarbon.core.tags import TagSum

SCHEMA: Final = "nbcarbon.summary"
SCHEMA_VERSION: Final = 1


def summary(
    figures: SessionFigures,
    *,
    session: SessionStarted,
    ended_at: datetime | None,
    devices: Iterable[Device],
    interval_s: float,
    with_host: bool = False,
    lazy: bool = False,
    sums_j: Mapping[str, float] | None = None,
    power: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Everything a session can say about itself, without what names a person or a machine.

    `ended_at` is None while the session runs. `with_host` puts in the host's name and the
    notebook's path, which are None otherwise. `lazy` cells are made one by one as they are asked for.
    `sums_j` is what each device used in all of the session, `power` its power over time.
    """
    devices = list(devices)
    return {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "session": {
            "id": session.id,
            "started_at": session.started_at.isoformat(),
            "ended_at": ended_at.isoformat() if ended_at else None,
            "notebook": session.notebook if with_host else None,
            "host": session.host if with_host else None,
            "python": session.python,
            "nbcarbon": session.nbcarbon,
        },
        "zone": zone(figures.zone),
        "intensity": intensity(figures.intensity),
        "settings": {
            "pue": finite(figures.pue),
            "attribution": str(figures.rule),
            "interval_s": finite(interval_s),
        },
        "devices": [_found(device, devices, sums_j or {}) for device in devices],
        "cells": CellRows(figures.cells) if lazy else [cell(each) for each in figures.cells],
        "front_end": energy(figures.front_end),
        "background": energy(figures.background),
        "between_cells": energy(figures.between_cells),
        "others": energy(figures.others),
        "machine_j": finite(figures.machine_j),
        "totals": {
            **energy(figures.energy),
            "energy_kwh": finite(kwh(figures.energy.energy_j)),
            "emissions_g": finite(figures.emissions.emissions_g),
            "low_g": finite(figures.emissions.low_g),
            "high_g": finite(figures.emissions.high_g),
            "duration_s": finite(figures.duration_s),
        },
        "tags": [_tagged(each) for each in by_tag(figures)],
        "notices": list(figures.notices),
        "calibration": calibration(figures.calibration, figures.calibrated_fraction),
        "lifecycle": None if figures.lifecycle is None else session_split(figures.lifecycle),
        "power": None if power is None else dict(power),
    }


class CellRows(Sequence[dict[str, Any]]):
    """The cells of a summary, each made when it is asked for: whoever writes a file needs one at a time."""

    def __init__(self, cells: CellFigures) -> None:
        self._cells = cells

    def notable(self, most_count: int) -> CellRows:
        return CellRows(self._cells.notable(most_count))

    def __len__(self) -> int:
        return len(self._cells)

    @overload
    def __getitem__(self, position: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, position: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, position: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        if isinstance(position, slice):
            return [cell(each) for each in self._cells[position]]
        return cell(self._cells[position])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]


def notable_cells(cells: Sequence[dict[str, Any]], most_count: int) -> Sequence[dict[str, Any]]:
    """All cells of a summary, or the notable ones where there are more than that."""
    if isinstance(cells, CellRows):
        return cells.notable(most_count)
    if len(cells) <= most_count:
        return cells
    joules = [
        -1.0 if each["parent_index"] is not None else each["energy_j"] or 0.0 for each in cells
    ]
    return [cells[place] for place in notable(joules, most_count)]


def cell(figures: Figures) -> dict[str, Any]:
    """One run. A run with a `parent_index` is part of that run: do not add both."""
    return {
        "key": figures.key,
        "index": figures.index,
        "parent_index": figures.parent_index,
        "name": figures.name,
        "started_at": figures.started_at.isoformat(),
        "duration_s": finite(figures.duration_s),
        "outcome": str(figures.outcome),
        "flags": list(figures.flags),
        **energy(figures.energy),
        "emissions_g": finite(figures.emissions_g),
        "low_g": finite(figures.low_g),
        "high_g": finite(figures.high_g),
        "coverage_fraction": finite(figures.coverage_fraction),
        "measured_fraction": finite(figures.measured_fraction),
        "devices": [_device(each) for each in figures.devices],
        "calibrated": figures.calibration is not None,
        "lifecycle": None if figures.lifecycle is None else split(figures.lifecycle),
        "tag": figures.notes.tag or None,
        "score": finite(figures.notes.score),
        "score_unit": figures.notes.score_unit or None,
        "run_count": figures.run_count,
        "is_batch": figures.is_batch,
        **{f"per_{unit}": None for unit in ("query", "token")},
        **{f"per_{each.unit}": _per_unit(each) for each in per_units(figures)},
    }


def _per_unit(each: PerUnit) -> dict[str, Any]:
    """One query or token of a cell, and how many there were."""
    return {"count": each.count, **energy(each.energy), **emissions(each.emissions)}


def _tagged(each: TagSum) -> dict[str, Any]:
    """What the cells of one tag used together."""
    return {
        "tag": each.tag or None,
        "cell_count": each.cell_count,
        "duration_s": finite(each.duration_s),
        **energy(each.energy),
        **emissions(each.emissions),
        "cells_fraction": finite(each.cells_fraction),
    }


def calibration(calibration: Calibration | None, fraction: float) -> dict[str, Any] | None:
    """What the joules were calibrated against, None where they are the sensors' own."""
    if calibration is None:
        return None
    return {
        "date": calibration.date,
        "calibrated_fraction": finite(fraction),
        "offset_w": finite(calibration.offset_w),
        "slope": finite(calibration.slope),
        "residual_w": finite(calibration.residual_w),
        "meter_error_fraction": finite(calibration.meter_fraction),
        "duration_s": finite(calibration.duration_s),
        "devices": list(calibration.devices),
    }


def zone(zone: Zone) -> dict[str, Any]:
    return {
        "id": zone.id,
        "name": zone.name,
        "how": zone.how,
        "confidence": str(zone.confidence),
    }


def intensity(intensity: Intensity) -> dict[str, Any]:
    return {
        "g_per_kwh": finite(intensity.g_per_kwh),
        "low": finite(intensity.low_g_per_kwh),
        "high": finite(intensity.high_g_per_kwh),
        "basis": str(intensity.basis),
        "scope": str(intensity.scope),
        "accounting": str(intensity.accounting),
        "source": intensity.source,
        "year": intensity.year,
        "fallback": intensity.fallback,
    }


def _found(
    device: Device, devices: Iterable[Device], sums_j: Mapping[str, float]
) -> dict[str, Any]:
    return {
        "id": device.id,
        "kind": str(device.kind),
        "name": device.name,
        "provenance": str(device.provenance),
        "method": device.method,
        "error_fraction": finite(device.error_fraction),
        "resolution_s": finite(device.resolution_s),
        "within": device.within,
        "energy_j": finite(sums_j.get(device.id)),
        "counted": not contained(device, sums_j.keys(), {each.id: each for each in devices}),
    }


def _device(figure: DeviceFigure) -> dict[str, Any]:
    return {
        "id": figure.id,
        "kind": str(figure.kind),
        "name": figure.name,
        "energy_j": finite(figure.energy_j),
        "low_j": finite(figure.low_j),
        "high_j": finite(figure.high_j),
        "provenance": str(figure.provenance),
        "method": figure.method,
        "below_resolution": figure.below_resolution,
        "coverage_fraction": finite(figure.coverage_fraction),
        "counted": figure.counted,
        "idle_j": finite(figure.idle_j),
    }
