"""Everyday amounts: energy against energy, CO2e against CO2e, each with its source and year."""

from __future__ import annotations

import pytest

from nbcarbon.core.equivalents import PHONE_CHARGE_J, driven, equivalent
from nbcarbon.core.humanize import plain
from nbcarbon.core.units import J_PER_KWH

EPA = " (19 Wh, US EPA 2024)"


@pytest.mark.parametrize(
    ("charges", "words"),
    [
        (0.0, ""),
        (0.001, "about 6.8 s of a 10 W lamp"),
        (0.02, "about 2 min 20 s of a 10 W lamp"),
        (0.06, f"about a twentieth of a phone charge{EPA}"),
        (0.1, f"about a tenth of a phone charge{EPA}"),
        (0.33, f"about a third of a phone charge{EPA}"),
        (0.65, f"about two thirds of a phone charge{EPA}"),
        (0.8, f"about three quarters of a phone charge{EPA}"),
        (1.0, f"about one phone charge{EPA}"),
        (2.34, f"about 2.3 phone charges{EPA}"),
        (19.0, f"about 19 phone charges{EPA}"),
        (21.0, "about 13 h 20 min of a 30 W laptop"),
        (1234.0, "about 33 days of a 30 W laptop"),
    ],
)
def test_energy_in_words(charges: float, words: str) -> None:
    assert plain(equivalent(charges * PHONE_CHARGE_J)) == words


@pytest.mark.parametrize(
    ("emissions_g", "words"),
    [
        (0.0, ""),
        (0.01, ""),
        (1.0, "about 4.1 m in an average US car (244 g/km, US EPA 2024)"),
        (244.2, "about 1 km in an average US car (244 g/km, US EPA 2024)"),
        (50_533_000.0, "about 210 000 km in an average US car (244 g/km, US EPA 2024)"),
    ],
)
def test_emissions_in_words(emissions_g: float, words: str) -> None:
    assert plain(driven(emissions_g)) == words


def test_a_laptop_for_a_hundred_days_is_what_it_says() -> None:
    """30 W for 2400 h are 72 kWh."""
    assert plain(equivalent(72 * J_PER_KWH)) == "about 100 days of a 30 W laptop"
