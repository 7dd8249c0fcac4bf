"""Yearly average intensities from the tables that ship: lifecycle throughout, never another scope.

Every interval is a 95 % one, by one rule: the larger of 10 % and the relative change from the last
edition to this one, doubled where the zone is not sure, in quadrature with how far an hour lies from its
year; spanning every alternate where the zone is hardly known, and the 5th to 95th percentile of all
countries where it is unknown.
"""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core.intensity import Accounting, Basis, Confidence, Intensity, Scope
from nbcarbon.grid.tables import WORLD, rows

if TYPE_CHECKING:
    from nbcarbon.core.intensity import Zone

SMALLEST_CHANGE: Final = 0.10
HOURLY_FRACTION: Final = 0.255
"""95 % of the hours of 2022 were within 14 % (SOCO) to 66 % (BPAT) of their year's mean in eight grid areas
of the US, 25.5 % in the median one: EIA's hourly mix times lifecycle factors. Longer sessions gain little:
19 % for whole weeks in the median area, because seasons differ too."""

LATEST_YEAR: Final = 2025
"""Of the Electricity Maps table."""

EARLIEST_YEAR: Final = 2021
ELECTRICITY_MAPS: Final = "Electricity Maps (ODbL)"
EMBER: Final = "Ember via Our World in Data (CC BY)"


class Figure(NamedTuple):
    """A zone's average in its latest year, and how much it moved since the edition before."""

    g_per_kwh: float
    year: int
    change_fraction: float
    accounting: Accounting
    source: str


class YearlyAverages:
    """Electricity Maps where it has the zone, else Ember; a parent's figure for a few small zones."""

    name = "yearly averages"

    def __init__(self) -> None:
        self._countries = {zone: figure for zone, figure in _ember() if zone != WORLD}
        self._figures = dict(self._countries)
        self._world = dict(_ember())[WORLD]
        self._figures.update(_electricity_maps())
        self._aliases = {zone: figure_of for zone, _, figure_of in rows("zone_aliases.csv")}

    def intensity(self, zone: Zone) -> Intensity | None:
        """The zone's intensity; the world's where the zone is unknown. None for an id not in the tables."""
        if zone.id is None:
            return self.unknown()
        figure = self._figure(zone.id)
        if figure is None:
            return None
        low, high = self._interval(figure, doubled=zone.confidence is Confidence.MEDIUM)
        if zone.confidence is Confidence.LOW:
            for each in zone.alternates:
                other = self._figure(each)
                if other is not None:
                    other_low, other_high = self._interval(other, doubled=False)
                    low, high = min(low, other_low), max(high, other_high)
        return _intensity(figure, low, high, fallback=zone.id not in self._figures)

    def by_generation(self, zone: Zone) -> Intensity | None:
        """A country by what its own plants make, which there is of countries that have no other figure."""
        figure = self._countries.get(zone.id or "")
        if figure is None:
            return None
        return _intensity(figure, *self._interval(figure, doubled=False), fallback=False)

    def _figure(self, zone_id: str) -> Figure | None:
        return self._figures.get(zone_id) or self._figures.get(self._aliases.get(zone_id, ""))

    @staticmethod
    def _interval(figure: Figure, *, doubled: bool) -> tuple[float, float]:
        yearly = max(SMALLEST_CHANGE, figure.change_fraction) * (2 if doubled else 1)
        fraction = hypot(yearly, HOURLY_FRACTION)
        return max(0.0, figure.g_per_kwh * (1 - fraction)), figure.g_per_kwh * (1 + fraction)

    def unknown(self) -> Intensity:
        """The average of the world, with the range of nearly all of its countries."""
        countries = sorted(
            figure.g_per_kwh for zone, figure in self._figures.items() if len(zone) == 2
        )
        return _intensity(
            self._world, _percentile(countries, 0.05), _percentile(countries, 0.95), fallback=True
        )


def _intensity(figure: Figure, low: float, high: float, *, fallback: bool) -> Intensity:
    return Intensity(
        g_per_kwh=figure.g_per_kwh,
        low_g_per_kwh=low,
        high_g_per_kwh=high,
        basis=Basis.AVERAGE,
        scope=Scope.LIFECYCLE,
        accounting=figure.accounting,
        source=figure.source,
        year=figure.year,
        fallback=fallback,
    )


def _electricity_maps() -> dict[str, Figure]:
    found = {}
    for zone, _, *years in rows("electricity_maps_yearly.csv"):
        values = [
            (EARLIEST_YEAR + place, float(value)) for place, value in enumerate(years) if value
        ]
        if not values:
            continue
        year, latest = values[-1]
        before = values[-2][1] if len(values) > 1 else latest
        change = abs(latest - before) / latest if latest > 0 else 0.0
        found[zone] = Figure(latest, year, change, Accounting.CONSUMPTION, ELECTRICITY_MAPS)
    return found


def _ember() -> list[tuple[str, Figure]]:
    """One edition alone: what it says of change is the rule's smallest."""
    return [
        (zone, Figure(float(g_per_kwh), int(year), 0.0, Accounting.GENERATION, EMBER))
        for zone, _, g_per_kwh, year in rows("ember.csv")
    ]


def _percentile(values: list[float], fraction: float) -> float:
    """On the line between the two nearest of sorted values."""
    place = fraction * (len(values) - 1)
    below = int(place)
    above = min(below + 1, len(values) - 1)
    return values[below] + (place - below) * (values[above] - values[below])
