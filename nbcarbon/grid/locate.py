"""The zone of this machine and its intensity, with what the user should know about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from nbcarbon.core.intensity import Confidence, Intensity, Zone
from nbcarbon.errors import UnknownZoneError
from nbcarbon.grid.averages import LATEST_YEAR, YearlyAverages
from nbcarbon.grid.detect import Detector, system_timezone, unknown
from nbcarbon.grid.zones import load_zones

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nbcarbon.ports import IntensityProvider

AUTO: Final = "auto"
OLD_YEARS: Final = 3
"""A figure this much older than the newest is worth a word."""


def locate(
    wanted: str,
    environ: Mapping[str, str],
    *,
    root: Path = Path("/"),
    timezone: Callable[[], str | None] = system_timezone,
    providers: Sequence[IntensityProvider] = (),
) -> tuple[Zone, Intensity, tuple[tuple[str, str], ...]]:
    """The zone `wanted`, or the one found where that is `auto`, its intensity, notices as (key, text).

    `providers` are asked before the yearly averages. Raises nothing: what does not resolve is
    unknown, and a notice says why.
    """
    zones = load_zones()
    refused = ""
    if wanted.strip() and wanted.strip().casefold() != AUTO:
        try:
            zone = zones.resolve(wanted)
        except UnknownZoneError as error:
            zone, refused = unknown("what was set is no zone"), f"{error} "
    else:
        zone = Detector(zones, environ, root=root, timezone=timezone).detect()
    averages = YearlyAverages()
    found = next(
        (each for source in (*providers, averages) if (each := source.intensity(zone))), None
    )
    if found is None:
        zone = unknown(f"there is no figure for {zone.name}")
        found = averages.unknown()
    return zone, found, tuple(_notices(zone, found, refused))


def _notices(zone: Zone, found: Intensity, refused: str) -> list[tuple[str, str]]:
    if zone.id is None:
        text = (
            f"{refused}Where is this machine? Using the world average "
            f"({found.g_per_kwh:.0f} g/kWh). Set it with %carbon zone FR."
        )
        return [("zone", text)]
    notices = []
    if zone.confidence is Confidence.LOW:
        text = (
            f"Zone guessed from the {zone.how}: {zone.name}. "
            f"Set it with %carbon zone {zone.id} if that is wrong."
        )
        notices.append(("zone", text))
    if found.year < LATEST_YEAR - OLD_YEARS:
        text = f"The intensity of {zone.name} is of {found.year}: newer figures may differ much."
        notices.append(("intensity", text))
    return notices
