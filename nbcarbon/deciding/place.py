"""Where the electricity would come from: a zone, a cloud region with its PUE, or a number somebody gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core import humanize, wording
from nbcarbon.core.intensity import Accounting, Basis, Confidence, Intensity, Scope, Zone
from nbcarbon.core.scenario import Assumption
from nbcarbon.deciding.asked import number
from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from argparse import Namespace

LARGEST_G_PER_KWH: Final = 5000.0
LARGEST_PUE: Final = 5.0
BY_YOU: Final = "set by you"


class Place(NamedTuple):
    """Electricity and building, and whose figures those are. `zone` is None for an intensity of your own."""

    zone: Zone | None
    intensity: Intensity
    pue: float
    pue_source: str

    def assumptions(self) -> tuple[Assumption, ...]:
        """Both as rows of a list."""
        return (self._electricity(), Assumption("PUE", humanize.number(self.pue), self.pue_source))

    def _electricity(self) -> Assumption:
        found = self.intensity
        if self.zone is None:
            return Assumption("electricity", humanize.intensity(found.g_per_kwh), BY_YOU)
        ends = f"{humanize.number(found.low_g_per_kwh)} – {humanize.number(found.high_g_per_kwh)}"
        text = f"{wording.place(self.zone, found)}; {ends}"
        return Assumption("electricity", text, f"{found.source}; zone: {self.zone.how}")


def chosen(given: Namespace, here: Place) -> Place:
    """What the options say, `here` where they say nothing. Raises SettingError."""
    pue = number("--pue", given.pue, 1.0, LARGEST_PUE)
    place = here
    if given.zone is not None:
        place = _in_zone(given.zone, here)
    elif given.cloud is not None:
        place = _in_cloud(given.cloud, here)
    elif given.intensity is not None:
        g_per_kwh = number("--intensity", given.intensity, 0.0, LARGEST_G_PER_KWH)
        place = here._replace(zone=None, intensity=of_your_own(g_per_kwh or 0.0))
    return place if pue is None else place._replace(pue=pue, pue_source=BY_YOU)


def of_your_own(g_per_kwh: float) -> Intensity:
    """An intensity that somebody gives: exact, and of whatever kind they mean."""
    return Intensity(
        g_per_kwh, g_per_kwh, g_per_kwh,
        Basis.AVERAGE, Scope.LIFECYCLE, Accounting.CONSUMPTION, BY_YOU, 0,
    )  # fmt: skip


def priced(zone: Zone) -> Intensity:
    """The yearly average of a zone. Raises SettingError where there is none."""
    from nbcarbon.grid.averages import YearlyAverages

    found = YearlyAverages().intensity(zone)
    if found is None:
        raise SettingError(f"There is no figure for {zone.name}.", hint="Use another zone.")
    return found


def _in_zone(text: str, here: Place) -> Place:
    from nbcarbon.grid.zones import load_zones

    if text.strip().casefold() == "auto":
        return here
    zone = load_zones().resolve(text)
    return here._replace(zone=zone, intensity=priced(zone))


def _in_cloud(text: str, here: Place) -> Place:
    from nbcarbon.grid import clouds
    from nbcarbon.grid.zones import load_zones

    region = clouds.region(text)
    zone = load_zones().zone(region.zone_id, f"{region.id}, {region.city}", Confidence.SET)
    place = here._replace(zone=zone, intensity=priced(zone))
    if region.pue is None:
        return place._replace(pue_source=f"{region.provider} publishes none: {here.pue_source}")
    return place._replace(pue=region.pue.pue, pue_source=region.pue.source)
