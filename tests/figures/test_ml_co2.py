"""The ML CO2 Impact calculator (Lacoste et al. 2019, mlco2.github.io/impact, js/grayscale.js), and the
submissions to Luccioni's AI_Carbon space (huggingface.co/spaces/sasha/AI_Carbon).

The calculator rounds energy and intensity to hundredths before it multiplies them: so does this, where it
compares with what it prints.
"""

from __future__ import annotations

import pytest

from nbcarbon.core.embodied import embodied
from nbcarbon.core.units import G_PER_KG, S_PER_H
from nbcarbon.hardware import rated
from nbcarbon.hardware.embodied import find, manufactured
from tests.figures.priced import gpu_kwh, kg

ASIA_EAST1_G_PER_KWH = 557
EUROPE_WEST6_G_PER_KWH = 16


def test_its_example() -> None:
    energy_kwh = gpu_kwh("P100", hours=100)

    assert energy_kwh == pytest.approx(25)
    assert kg(energy_kwh, ASIA_EAST1_G_PER_KWH) == pytest.approx(13.925)


def test_its_example_as_it_prints_it() -> None:
    energy_kwh = round(gpu_kwh("P100", hours=100), 2)
    printed = kg(energy_kwh, round(ASIA_EAST1_G_PER_KWH / 1000, 2) * 1000)

    assert round(printed, 2) == 14.0
    assert round(kg(energy_kwh, EUROPE_WEST6_G_PER_KWH), 2) == 0.4


@pytest.mark.parametrize(
    ("name", "tdp_w"), [("A100-SXM4-80GB", 400), ("H100 SXM", 700), ("T4", 70), ("TITAN RTX", 280)]
)
def test_its_rated_powers(name: str, tdp_w: float) -> None:
    assert rated.gpu(name).rated_w == tdp_w


def test_a_model_on_sixteen_a100s() -> None:
    training_kg = kg(gpu_kwh("A100 PCIe 40GB", count=16, hours=20), 617)
    made = manufactured(find("a100"), lifetime_years=4, utilisation=1, personal=False)
    made_kg = embodied([made], 16 * 20 * S_PER_H).emissions_g / G_PER_KG

    assert training_kg == pytest.approx(49.36)
    assert round(training_kg) == 49
    assert round(kg(1, (round(training_kg) + 15) * G_PER_KG, pue=1.135)) == 73
    assert round(made_kg, 1) == 1.4


def test_a_model_on_two_titans() -> None:
    energy_kwh = gpu_kwh("TITAN RTX", count=2, hours=72)
    made = manufactured(find("gpu"), lifetime_years=4, utilisation=1, personal=False)
    made_kg = embodied([made], 2 * 72 * S_PER_H).emissions_g / G_PER_KG

    assert kg(energy_kwh, 105) == pytest.approx(4.23, abs=0.005)
    assert round(kg(energy_kwh, 105)) == 4
    assert round(kg(energy_kwh, 105, pue=1.28)) == 5
    assert round(made_kg, 1) == 0.6
