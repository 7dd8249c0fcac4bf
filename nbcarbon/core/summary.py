"""A session as plain JSON values. The keys are a contract: later versions add, and never rename.

Joules and grams throughout, times in ISO 8601 with their offset. A number that is not finite is
None: a reader of JSON must never meet NaN.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core.units import kwh

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from nbcarbon.core.device import Device
    from nbcarbon.core.energy import Energy
    from nbcarbon.core.events import SessionStarted
    from nbcarbon.core.figures import DeviceFigure, Figures, SessionFigures
    from nbcarbon.core.intensity import Intensity, Zone

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
) -> dict[str, Any]:
    """Everything a session can say about itself, without what names a person or a machine.

    `ended_at` is None while the session runs. `with_host` puts in the host's name and the
    notebook's path, which are None otherwise.
    """
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
        "devices": [_found(device) for device in devices],
        "cells": [cell(each) for each in figures.cells],
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
        "notices": list(figures.notices),
    }


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
    }


def energy(part: Energy) -> dict[str, float | None]:
    """Joules with the ends of their interval."""
    return {
        "energy_j": finite(part.energy_j),
        "low_j": finite(part.low_j),
        "high_j": finite(part.high_j),
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


def finite(value: float | None) -> float | None:
    """The value, or None where it is not a number that JSON can hold."""
    return value if value is not None and isfinite(value) else None


def _found(device: Device) -> dict[str, Any]:
    return {
        "id": device.id,
        "kind": str(device.kind),
        "name": device.name,
        "provenance": str(device.provenance),
        "method": device.method,
        "error_fraction": finite(device.error_fraction),
        "resolution_s": finite(device.resolution_s),
        "within": device.within,
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
    }
