"""Energy times PUE times intensity, and the published figures that this arithmetic must give."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import Energy
from nbcarbon.core.intensity import Accounting, Basis, Intensity, Scope
from nbcarbon.core.units import J_PER_KWH


def grid(g_per_kwh: float, spread: float = 0.0) -> Intensity:
    return Intensity(
        g_per_kwh,
        g_per_kwh * (1 - spread),
        g_per_kwh * (1 + spread),
        Basis.AVERAGE,
        Scope.LIFECYCLE,
        Accounting.CONSUMPTION,
        "test",
        2025,
    )


@pytest.mark.parametrize(
    ("energy_kwh", "g_per_kwh", "pue", "tonnes"),
    [
        (433_196, 57, 1.0, 24.69),  # BLOOM training, dynamic (arXiv 2211.02001)
        (256_646, 57, 1.0, 14.63),  # BLOOM training, idle and infrastructure
        (433_196, 57, 1.2, 29.63),  # the same training with a PUE of 1.2
        (433_196, 475, 1.0, 205.8),  # and on an average grid
        (11.49, 138.75, 1.0, 1.594e-3),  # Stable Diffusion XL, 1,000 images (arXiv 2311.16863)
    ],
)
def test_published_figures(energy_kwh: float, g_per_kwh: float, pue: float, tonnes: float) -> None:
    joules = energy_kwh * J_PER_KWH
    found = operational(Energy(joules, joules, joules), pue=pue, intensity=grid(g_per_kwh))

    assert found.emissions_g / 1e6 == pytest.approx(tonnes, rel=5e-3)


def test_independent_doubts_combine_in_quadrature() -> None:
    found = operational(
        Energy(J_PER_KWH, 0.7 * J_PER_KWH, 1.3 * J_PER_KWH), pue=1, intensity=grid(100, 0.4)
    )

    assert found.low_g == pytest.approx(50.0)
    assert found.high_g == pytest.approx(150.0)


def test_what_is_below_resolution_keeps_its_high_end() -> None:
    found = operational(Energy(0.0, 0.0, J_PER_KWH), pue=1.0, intensity=grid(100, 0.1))

    assert (found.emissions_g, found.low_g) == (0.0, 0.0)
    assert found.high_g == pytest.approx(110.0)


@given(st.floats(0, 1e12), st.floats(0, 1), st.floats(0, 3), st.floats(1, 3), st.floats(0, 1))
def test_the_interval_holds_the_figure(
    energy_j: float, below: float, above: float, pue: float, spread: float
) -> None:
    energy = Energy(energy_j, energy_j * (1 - below), energy_j * (1 + above))
    found = operational(energy, pue=pue, intensity=grid(300, spread))

    assert 0 <= found.low_g <= found.emissions_g + 1e-9
    assert found.emissions_g <= found.high_g + 1e-9
