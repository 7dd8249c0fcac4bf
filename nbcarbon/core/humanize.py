"""How figures are written for people. The one formatter: every card, table, badge and export asks it.

At most three significant digits, two below 1, no trailing zeros. A unit reaches from 0.1 of itself
up to 1000 of it for the middle one (Wh, W, g), the smaller ones below 0.1, the larger ones from
1000. A number and its unit never part at the end of a line. Nothing unmeasured is ever written as 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Final

from nbcarbon.core.units import J_PER_WH, MIN_PER_H, PREFIX_STEP, S_PER_MIN, S_PER_MS

SPACE: Final = "\u00a0"
"""Between a number and its unit: no line may break there."""
THIN_SPACE: Final = "\u202f"
"""Between groups of three digits: as narrow as a thin space, and no line may break there."""
NOT_MEASURED: Final = "not measured"

_LARGEST = 999.5
"""From here on three digits round to 1000."""
_SMALLEST = 0.09995
"""Below this a number rounds to less than 0.1."""
_LONGEST_S = 59.95
"""From here on three digits round to a minute."""
_WHOLE_FRACTION = 1 - 1e-9
"""A sum of parts misses 1 by less than this."""


@dataclass(frozen=True, slots=True)
class Scale:
    """The units of one quantity, each a thousand of the one before; `base_index` is where to start."""

    symbols: tuple[str, ...]
    base_index: int

    def fit(self, value: float) -> tuple[float, str]:
        """The value in the unit it is written in, and that unit's symbol."""
        index, scaled = self.base_index, value
        while index > 0 and 0 < abs(scaled) < _SMALLEST:
            index, scaled = index - 1, scaled * PREFIX_STEP
        while index < len(self.symbols) - 1 and abs(scaled) >= _LARGEST:
            index, scaled = index + 1, scaled / PREFIX_STEP
        return scaled, self.symbols[index]


ENERGY: Final = Scale(("µWh", "mWh", "Wh", "kWh", "MWh"), 2)
POWER: Final = Scale(("mW", "W", "kW", "MW"), 1)
GRAMS: Final = Scale(("µg", "mg", "g", "kg", "t"), 2)
WATER: Final = Scale(("µl", "ml", "l", "m³"), 2)
CO2E: Final = Scale(tuple(f"{symbol}CO₂e" for symbol in GRAMS.symbols), 2)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval, both written in the value's own unit.

    `interval` is empty where the value is itself one ("0 – 3 mWh") or was not measured. `wide` says
    that the interval is wider than the value, which is then only `about` right.
    """

    value: str
    interval: str = ""
    wide: bool = False

    @property
    def headline(self) -> str:
        """The value, with `about` before it where that is all one can say."""
        return f"about {self.value}" if self.wide else self.value

    @property
    def aside(self) -> str:
        """What stands in quiet ink behind the headline: the interval, unless `about` replaced it."""
        return "" if self.wide else self.interval

    @property
    def range(self) -> str:
        """The interval with its unit, for wherever there is room; empty where there is none."""
        unit = self.value.rpartition(SPACE)[2]
        return f"{self.interval}{SPACE}{unit}" if self.interval else ""

    def __str__(self) -> str:
        return f"{self.headline} ({self.aside})" if self.aside else self.headline


def energy(energy_j: float) -> str:
    """Joules in watt-hours: `0.41 Wh`, `81 mWh`."""
    return quantity(energy_j / J_PER_WH, ENERGY)


def power(power_w: float) -> str:
    """Watts: `32 W`."""
    return quantity(power_w, POWER)


def mass(emissions_g: float, *, ascii: bool = False) -> str:
    """Grams of CO2e: `12.8 mgCO₂e`, or `12.8 mgCO2e` where the subscript cannot be shown."""
    text = quantity(emissions_g, CO2E)
    return text.replace("₂", "2") if ascii else text


def grams(emissions_g: float) -> str:
    """Grams where a heading already says of what: `0.7 mg`."""
    return quantity(emissions_g, GRAMS)


def energy_estimate(
    energy_j: float,
    low_j: float,
    high_j: float,
    *,
    coverage_fraction: float = 1.0,
    below_resolution: bool = False,
) -> Estimate:
    """Joules with the ends of their interval, in watt-hours."""
    return estimate(
        energy_j / J_PER_WH,
        low_j / J_PER_WH,
        high_j / J_PER_WH,
        scale=ENERGY,
        coverage_fraction=coverage_fraction,
        below_resolution=below_resolution,
    )


def estimate(
    value: float,
    low: float,
    high: float,
    *,
    scale: Scale,
    coverage_fraction: float = 1.0,
    below_resolution: bool = False,
) -> Estimate:
    """A value of any quantity with the ends of its interval, all in the scale's middle unit.

    Below the sensors' resolution the value itself says nothing: where its interval is wide, the
    interval is all there is to write. The same goes for next to nothing that may be more.
    """
    if coverage_fraction <= 0 or not isfinite(value):
        return Estimate(NOT_MEASURED)
    if not isfinite(low) or not isfinite(high):
        return Estimate(quantity(value, scale), wide=True)
    wide = high - low > abs(value)
    if wide and (below_resolution or _is_tiny(value, scale)) and not _is_tiny(high, scale):
        _, symbol = scale.fit(high)
        return Estimate(f"{interval(low, high, like=high, scale=scale)}{SPACE}{symbol}")
    if _is_tiny(value, scale):
        return Estimate(quantity(value, scale))
    return Estimate(quantity(value, scale), interval(low, high, like=value, scale=scale), wide)


def interval(low: float, high: float, *, like: float, scale: Scale) -> str:
    """Both ends in the unit that `like` is written in, and no finer than it: `0.36 – 0.46`."""
    placed, _ = scale.fit(like)
    factor = placed / like if like else 1.0
    finest = _decimals(placed)
    return f"{number(low * factor, finest=finest)} – {number(high * factor, finest=finest)}"


def quantity(value: float, scale: Scale) -> str:
    """A value in the scale's middle unit, written in the unit that suits it."""
    if not isfinite(value):
        return NOT_MEASURED
    scaled, symbol = scale.fit(value)
    if value and _is_tiny(value, scale):
        return f"< 0.1{SPACE}{symbol}"
    return f"{number(scaled)}{SPACE}{symbol}"


def _is_tiny(value: float, scale: Scale) -> bool:
    """Whether even the smallest unit is too large for a value."""
    return abs(scale.fit(value)[0]) < _SMALLEST


def number(value: float, *, finest: int | None = None) -> str:
    """Three significant digits, two below 1, no trailing zeros, digits in groups of three.

    `finest` is the most decimals to write.
    """
    decimals = _decimals(value) if finest is None else min(_decimals(value), finest)
    text = f"{round(value, decimals):,.{max(0, decimals)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace(",", THIN_SPACE).replace("-", "−") if text != "-0" else "0"


def _decimals(value: float) -> int:
    """How many decimals the digits of a value reach to; negative where they end before the point."""
    if value == 0:
        return 0
    digits = 3 if abs(value) >= 1 else 2
    return digits - 1 - floor(log10(abs(value)))


def count(number: int) -> str:
    """How many there are, exactly: `99 900`."""
    return f"{number:,}".replace(",", THIN_SPACE)


def percent(fraction: float) -> str:
    """A part of a whole, without decimals. Only a true whole is 100 %, only a true none is 0 %."""
    if not isfinite(fraction):
        return NOT_MEASURED
    whole = round(fraction * 100)
    if whole == 0 and fraction > 0:
        return f"< 1{SPACE}%"
    if whole == 100 and fraction < _WHOLE_FRACTION:
        return f"> 99{SPACE}%"
    return f"{whole}{SPACE}%"


def duration(duration_s: float) -> str:
    """Seconds: `820 ms`, `12.3 s`, `4 min 10 s`, `2 h 5 min`."""
    if not isfinite(duration_s):
        return NOT_MEASURED
    duration_ms = duration_s / S_PER_MS
    if 0 < duration_ms < _SMALLEST:
        return f"< 0.1{SPACE}ms"
    if duration_ms < _LARGEST:
        return f"{number(duration_ms)}{SPACE}ms"
    if duration_s < _LONGEST_S:
        return f"{number(duration_s)}{SPACE}s"
    minutes, seconds = divmod(round(duration_s), round(S_PER_MIN))
    if minutes < MIN_PER_H:
        return _joined((minutes, "min"), (seconds, "s"))
    hours, minutes = divmod(round(duration_s / S_PER_MIN), MIN_PER_H)
    return _joined((hours, "h"), (minutes, "min"))


def _joined(*parts: tuple[int, str]) -> str:
    """Two units of time, the second left out where it is none."""
    return SPACE.join(
        f"{value:,}".replace(",", THIN_SPACE) + SPACE + symbol
        for position, (value, symbol) in enumerate(parts)
        if value or position == 0
    )


def intensity(g_per_kwh: float) -> str:
    """Carbon intensity: `31 g/kWh`."""
    return f"{number(g_per_kwh)}{SPACE}g/kWh" if isfinite(g_per_kwh) else NOT_MEASURED


def place(
    zone: str | None, g_per_kwh: float, *, year: int, scope: str, basis: str, fallback: bool
) -> str:
    """Where the electricity comes from: `France, 31 g/kWh (2025, lifecycle)`.

    `zone` is its name, None where it is unknown.
    """
    qualities = [str(year), scope, *([basis] if basis != "average" else [])]
    figure = f"{intensity(g_per_kwh)} ({', '.join(qualities)})"
    if zone is None:
        return f"zone unknown, {'world average ' if fallback else ''}{figure}"
    return f"{zone}, no figure of its own, {figure}" if fallback else f"{zone}, {figure}"


def known(*, measured_fraction: float, reported: bool = False) -> str:
    """How joules came to be known: `measured`, `80 % measured`, `modelled` or `reported`."""
    if measured_fraction >= _WHOLE_FRACTION:
        return "measured"
    if measured_fraction > 0:
        return f"{percent(measured_fraction)} measured"
    return "reported" if reported else "modelled"


def plain(text: str, *, ascii: bool = False) -> str:
    """Written figures for a terminal: ordinary spaces, so that they can be searched and copied.

    With `ascii`, every character a bare terminal lacks is replaced too.
    """
    text = text.translate(_TERMINAL)
    return text.translate(_ASCII).encode("ascii", "replace").decode("ascii") if ascii else text


_TERMINAL: Final = {ord(SPACE): " ", ord(THIN_SPACE): " "}
_ASCII: Final = {
    ord("–"): "-", ord("−"): "-", ord("·"): "|", ord("µ"): "u", ord("₂"): "2", ord("…"): "~", ord("³"): "3",
}  # fmt: skip
