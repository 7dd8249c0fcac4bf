"""A session as the one row that CodeCarbon 3 would have put in its emissions.csv, for dashboards that read it.

Its habits, not ours: kilowatt-hours and kilograms, everything behind PUE (so `cpu_energy` is more than the
CPU's own where PUE is not 1), local time without its zone. `ram` holds memory and DRAM, `cpu` whatever is
neither that nor a GPU. What we do not know of the machine is empty, which readers take for missing; an unknown
country is `unknown` and ZZZ, because its dashboard fails on an empty one. Without a GPU its columns are 0, as
there. The range has no column, so it is not here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import escape
from nbcarbon.core.units import G_PER_KG, J_PER_KWH
from nbcarbon.export import shown
from nbcarbon.export.cell_csv import line
from nbcarbon.export.countries import Country, country_of

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "CSV, CodeCarbon’s columns"
AS: Final = "codecarbon"
ENDINGS: Final = (".codecarbon.csv",)

PROJECT: Final = "nbcarbon"
UNKNOWN: Final = Country("ZZ", "ZZZ", "unknown")

COLUMNS: Final = (
    "timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions", "emissions_rate",
    "cpu_power", "gpu_power", "ram_power", "cpu_energy", "gpu_energy", "ram_energy", "energy_consumed",
    "water_consumed", "country_name", "country_iso_code", "region", "cloud_provider", "cloud_region",
    "os", "python_version", "codecarbon_version", "cpu_count", "cpu_model", "gpu_count", "gpu_model",
    "longitude", "latitude", "ram_total_size", "tracking_mode", "cpu_utilization_percent",
    "gpu_utilization_percent", "ram_utilization_percent", "ram_used_gb", "on_cloud", "pue", "wue",
)  # fmt: skip
"""All of emissions.csv, in CodeCarbon 3.3's order: it backs a file away whose columns are not these."""

_PART_OF: Final = {"gpu": "gpu", "memory": "ram", "dram": "ram"}


def render(summary: Mapping[str, Any]) -> bytes:
    """A header and one row."""
    row = _row(summary)
    values = [row.get(name) for name in COLUMNS]
    return line(COLUMNS) + line(
        [escape.csv(each) if isinstance(each, str) else each for each in values]
    )


def _row(summary: Mapping[str, Any]) -> dict[str, Any]:
    session, totals, settings = summary["session"], shown.totals(summary), summary["settings"]
    duration_s, pue = totals["duration_s"], settings["pue"]
    emissions_kg = _over(totals["emissions_g"], G_PER_KG)
    zone = summary["zone"]
    country = country_of(zone["id"]) or UNKNOWN
    return {
        "timestamp": _ended_at(session, duration_s),
        "project_name": session["notebook"] or PROJECT,
        "run_id": session["id"],
        "duration": duration_s,
        "emissions": emissions_kg,
        "emissions_rate": _over(emissions_kg, duration_s),
        **_by_part(summary, duration_s, pue),
        "energy_consumed": _times(totals["energy_kwh"], pue),
        "country_name": country.name,
        "country_iso_code": country.alpha_3,
        "region": zone["name"] if zone["id"] and zone["id"] != country.alpha_2 else None,
        "python_version": session["python"],
        "codecarbon_version": f"nbcarbon {session['nbcarbon']}",
        "tracking_mode": "machine" if settings["attribution"] == "machine" else "process",
        "pue": pue,
    }


def _by_part(
    summary: Mapping[str, Any], duration_s: float | None, pue: float | None
) -> dict[str, Any]:
    """Energy and mean power of CPU, GPU and memory, as far as devices' sums are known, and models."""
    devices = [each for each in summary["devices"] if each.get("counted", True)]
    found: dict[str, Any] = {}
    for part in ("cpu", "gpu", "ram"):
        of_part = [each for each in devices if _PART_OF.get(each["kind"], "cpu") == part]
        joules = [each.get("energy_j") for each in of_part]
        known = all(each is not None for each in joules) and (of_part or part == "gpu")
        energy_j = sum(joules) if known else None
        found[f"{part}_energy"] = _times(_over(energy_j, J_PER_KWH), pue)
        found[f"{part}_power"] = _times(_over(energy_j, duration_s), pue)
        if part != "ram" and of_part:
            found[f"{part}_model"] = ", ".join(each["name"] for each in of_part)
    found["gpu_count"] = sum(each["kind"] == "gpu" for each in devices) or None
    return found


def _ended_at(session: Mapping[str, Any], duration_s: float | None) -> str:
    """When the row was as it is, in local time to the second, as CodeCarbon writes it."""
    if session["ended_at"]:
        moment = datetime.fromisoformat(session["ended_at"])
    else:
        moment = datetime.fromisoformat(session["started_at"]) + timedelta(seconds=duration_s or 0)
    return moment.astimezone().strftime("%Y-%m-%dT%H:%M:%S")


def _over(value: float | None, by: float | None) -> float | None:
    return value / by if value is not None and by else None


def _times(value: float | None, by: float | None) -> float | None:
    return None if value is None or by is None else value * by
