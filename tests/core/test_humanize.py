"""Figures as people read them: units, digits, ranges, and what is never written as 0."""

from __future__ import annotations

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core import humanize
from nbcarbon.core.humanize import CO2E, ENERGY, GRAMS


def plain(text: str) -> str:
    return humanize.plain(text)


@pytest.mark.parametrize(
    ("energy_wh", "expected"),
    [
        (0.41, "0.41 Wh"), (0.1, "0.1 Wh"), (0.0999, "99.9 mWh"), (0.0812, "81.2 mWh"),
        (12.44, "12.4 Wh"), (999.4, "999 Wh"), (999.5, "1 kWh"), (1234, "1.23 kWh"),
        (5e6, "5 MWh"), (2e9, "2 000 MWh"), (21e-6, "21 µWh"), (1e-9, "< 0.1 µWh"), (0, "0 Wh"),
        (nan, "not measured"), (inf, "not measured"),
    ],
)  # fmt: skip
def test_energy(energy_wh: float, expected: str) -> None:
    assert plain(humanize.energy(energy_wh * 3600)) == expected


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [
        (0.82, "820 ms"), (12.3, "12.3 s"), (250, "4 min 10 s"), (240, "4 min"), (7500, "2 h 5 min"),
        (59.96, "1 min"), (3600, "1 h"), (0.00001, "< 0.1 ms"), (0, "0 ms"), (nan, "not measured"),
    ],
)  # fmt: skip
def test_durations(duration_s: float, expected: str) -> None:
    assert plain(humanize.duration(duration_s)) == expected


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [
        (0, "0 %"),
        (0.001, "< 1 %"),
        (0.5, "50 %"),
        (0.999, "> 99 %"),
        (1, "100 %"),
        (nan, "not measured"),
    ],
)
def test_percentages(fraction: float, expected: str) -> None:
    assert plain(humanize.percent(fraction)) == expected


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ((0.41, 0.36, 0.46), {}, "0.41 Wh (0.36 – 0.46)"),
        ((0.4, 0.1, 0.9), {}, "about 0.4 Wh"),
        ((0.0005, 0, 0.003), {"below_resolution": True}, "0 – 3 mWh"),
        ((0.0, 0.0, 0.3), {"coverage_fraction": 0.0}, "not measured"),
        ((nan, 0.0, 0.3), {}, "not measured"),
        ((0.5, 0.0, inf), {}, "about 0.5 Wh"),
        ((1e-9, 0, 1e-3), {}, "0 – 1 mWh"),
        ((1e-9, 0, 2e-9), {}, "< 0.1 µWh"),
        ((0.0, 0.0, 0.0), {}, "0 Wh"),
    ],
)
def test_an_estimate_shows_its_range(
    values: tuple[float, float, float], options: dict[str, float], expected: str
) -> None:
    found = humanize.estimate(*values, scale=ENERGY, **options)  # type: ignore[arg-type]
    assert plain(str(found)) == expected


def test_a_wide_range_is_there_for_who_asks() -> None:
    found = humanize.estimate(0.4, 0.1, 0.9, scale=ENERGY)
    assert (plain(found.range), found.aside, found.wide) == ("0.1 – 0.9 Wh", "", True)
    assert humanize.estimate(nan, 0, 0, scale=ENERGY).range == ""


def test_places_and_how_it_is_known() -> None:
    def place(zone: str | None, *, basis: str = "average", fallback: bool = False) -> str:
        return plain(
            humanize.place(zone, 31, year=2025, scope="lifecycle", basis=basis, fallback=fallback)
        )

    assert place("France") == "France, 31 g/kWh (2025, lifecycle)"
    assert place("France", basis="marginal") == "France, 31 g/kWh (2025, lifecycle, marginal)"
    assert (
        place("Monaco", fallback=True) == "Monaco, no figure of its own, 31 g/kWh (2025, lifecycle)"
    )
    assert place(None, fallback=True) == "zone unknown, world average 31 g/kWh (2025, lifecycle)"
    assert plain(humanize.intensity(nan)) == "not measured"
    assert [plain(humanize.known(measured_fraction=each)) for each in (0.0, 0.004, 0.8, 1.0)] == [
        "modelled",
        "< 1 % measured",
        "80 % measured",
        "measured",
    ]
    assert humanize.known(measured_fraction=0.0, reported=True) == "reported"


def test_mass_and_power() -> None:
    assert plain(humanize.mass(0.0128)) == "12.8 mgCO₂e"
    assert plain(humanize.mass(0.0128, ascii=True)) == "12.8 mgCO2e"
    assert plain(humanize.grams(0.0007)) == "0.7 mg"
    assert plain(humanize.power(0.05)) == "50 mW"


def test_a_bare_terminal_gets_ascii() -> None:
    text = humanize.plain("µWh · 1 – 2 − CO₂e … é", ascii=True)
    assert text.isascii()
    assert text == "uWh | 1 - 2 - CO2e ~ ?"


@given(st.floats(1e-12, 1e12), st.sampled_from([ENERGY, GRAMS, CO2E]))
def test_at_most_three_digits_and_a_value_near_the_true_one(
    value: float, scale: humanize.Scale
) -> None:
    text = plain(humanize.quantity(value, scale))
    number, _, unit = text.rpartition(" ")
    if text.startswith("<"):
        assert value < 1e-6
        return
    digits = number.replace(".", "").replace(" ", "").lstrip("0").rstrip("0")
    assert len(digits) <= 3
    factor = 1000.0 ** (scale.symbols.index(unit) - scale.base_index)
    assert float(number.replace(" ", "")) * factor == pytest.approx(value, rel=0.06)


@given(st.floats(0, 1e6), st.floats(0, 1), st.floats(0, 10))
def test_no_interval_is_lost(value: float, below: float, above: float) -> None:
    found = humanize.estimate(value, value * (1 - below), value * (1 + above), scale=ENERGY)
    assert found.value
    assert "nan" not in str(found)
    assert (found.headline.startswith("about")) == found.wide
