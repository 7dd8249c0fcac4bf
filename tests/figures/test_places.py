"""What is said of places and boards: a hundredfold that is none, and the leaderboard of language models."""

from __future__ import annotations

import pytest

from nbcarbon.core.energy import Energy
from nbcarbon.core.where import rank
from nbcarbon.grid import everywhere
from tests.figures.priced import gpu_kwh, kg


def test_quebec_is_more_than_ten_times_as_clean_as_new_south_wales_and_no_hundred_times() -> None:
    """Electricity Maps, lifecycle and consumption, 2025: 41 and 525 g/kWh. A hundredfold is one vintage of
    one provider's operational figures (Google's region-carbon-info, 2024: 5.48 and 497.5).
    """
    zones = everywhere.zones()
    here = next(each for each in zones if each.id == "AU-NSW")
    found = rank(Energy(3.6e6, 3.6e6, 3.6e6), zones, here, pue=1.0)
    quebec = next(each for each in found.ranked if each.id == "CA-QC")

    assert quebec.ratio_fraction is not None
    assert 1 / quebec.ratio_fraction == pytest.approx(12.8, abs=0.05)


def test_an_hour_of_the_open_llm_leaderboard() -> None:
    """Hugging Face's documentation of the Open LLM Leaderboard: 8 H100 at 5.6 kW, 269.8 g/kWh."""
    energy_kwh = gpu_kwh("H100 SXM", count=8, hours=1)

    assert energy_kwh == pytest.approx(5.6)
    assert kg(energy_kwh, 269.8) == pytest.approx(1.511, abs=5e-4)
