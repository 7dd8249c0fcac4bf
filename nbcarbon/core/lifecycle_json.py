"""A split into dynamic, idle, infrastructure and embodied as plain JSON values (docs/summary.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbcarbon.core import plain
from nbcarbon.core.plain import finite

if TYPE_CHECKING:
    from nbcarbon.core.embodied import Manufactured
    from nbcarbon.core.emissions import Emissions
    from nbcarbon.core.energy import Energy
    from nbcarbon.core.lifecycle import DeviceLifecycle, Ground, Lifecycle, SessionLifecycle


def split(life: Lifecycle) -> dict[str, Any]:
    """One part or total: None for what is not known."""
    return {
        "dynamic": _priced(life.dynamic, life.dynamic_emissions),
        "idle": _priced(life.idle, life.idle_emissions),
        "infrastructure": plain.emissions(life.infrastructure),
        "operational": plain.emissions(life.operational),
        "embodied": None if life.embodied is None else plain.emissions(life.embodied),
        "embodied_whole": life.embodied_whole,
        "total": plain.emissions(life.emissions),
        "water": {"site_l": finite(life.site_water_l), "grid_l": finite(life.grid_water_l)},
    }


def session_split(whole: SessionLifecycle) -> dict[str, Any]:
    """A session: its total, its parts, its devices, and all that was assumed."""
    return {
        **split(whole.total),
        "parts": {name: split(part) for name, part in whole.parts.items()},
        "devices": [_device(each) for each in whole.devices],
        **_ground(whole.ground),
    }


def _ground(ground: Ground) -> dict[str, Any]:
    baseline = None
    if ground.baseline_date is not None:
        baseline = {
            "date": ground.baseline_date,
            "devices": [
                {
                    "name": ground.names[key],
                    "power_w": finite(each.power_w),
                    "low_w": finite(each.low_w),
                    "high_w": finite(each.high_w),
                }
                for key, each in ground.idle.items()
            ],
        }
    hardware = None if ground.hardware is None else [_made(each) for each in ground.hardware]
    return {
        "baseline": baseline,
        "hardware": hardware,
        "unknown_hardware": list(ground.unknown),
        "water_factors": {
            "site_l_per_kwh": finite(ground.water.site_l_per_kwh),
            "grid_l_per_kwh": finite(ground.water.grid_l_per_kwh),
        },
    }


def _made(each: Manufactured) -> dict[str, Any]:
    return {
        "name": each.name,
        "device_id": each.device_id,
        "emissions_g": finite(each.emissions_g),
        "low_g": finite(each.low_g),
        "high_g": finite(each.high_g),
        "lifetime_years": finite(each.lifetime_years),
        "lifetime_error_fraction": finite(each.lifetime_error_fraction),
        "utilisation": finite(each.utilisation),
        "utilisation_error_fraction": finite(each.utilisation_error_fraction),
        "share_fraction": finite(each.share_fraction),
        "source": each.source,
    }


def _device(each: DeviceLifecycle) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.name,
        "energy_j": finite(each.energy_j),
        "idle_j": finite(each.idle_j),
        "embodied": None if each.embodied is None else plain.emissions(each.embodied),
    }


def _priced(energy: Energy | None, emissions: Emissions | None) -> dict[str, Any] | None:
    if energy is None or emissions is None:
        return None
    return {**plain.energy(energy), **plain.emissions(emissions)}
