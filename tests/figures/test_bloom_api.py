"""BLOOM's API for 18 days: the same paper, section 4.4, and its log of CodeCarbon's readings
(github.com/bigscience-workshop/carbon-footprint, API-logs).

The log itself is not here: a made one has its published sums and the slope they leave, and noise.
"""

from __future__ import annotations

import random

import pytest

from nbcarbon.core.idle_split import Interval, split
from nbcarbon.core.units import J_PER_KWH, J_PER_WH, WH_PER_KWH
from tests.figures.priced import kg

GPU_KWH, MEMORY_KWH, CPU_KWH = 650.82, 195.92, 17.51
REQUESTS, DAYS = 230_768, 18
US_CENTRAL1_G_PER_KWH = 394
INTERVALS = 2471
"""Ten minutes each."""
IDLE_KWH = 0.28843
"""In ten minutes without a request, as the paper's regression has it."""


def test_sums_and_emissions_a_day() -> None:
    whole_kwh = GPU_KWH + MEMORY_KWH + CPU_KWH

    assert whole_kwh == pytest.approx(864.25)
    assert kg(whole_kwh, US_CENTRAL1_G_PER_KWH) == pytest.approx(340.5, abs=0.05)
    assert kg(whole_kwh, US_CENTRAL1_G_PER_KWH) / DAYS == pytest.approx(18.92, abs=0.005)
    assert whole_kwh * WH_PER_KWH / REQUESTS == pytest.approx(3.745, abs=5e-4)


def made_log(noise: float, seed: int = 1) -> list[Interval]:
    """As many intervals, requests and joules as were published: busy days, quiet nights."""
    dice = random.Random(seed)
    weights = [dice.expovariate(1.0) for _ in range(INTERVALS)]
    counts = [REQUESTS * each / sum(weights) for each in weights]
    whole_kwh = GPU_KWH + MEMORY_KWH + CPU_KWH
    request_kwh = (whole_kwh - IDLE_KWH * INTERVALS) / REQUESTS
    return [
        Interval(
            count,
            (IDLE_KWH + request_kwh * count) * (1 + dice.gauss(0, noise)) * J_PER_KWH,
        )
        for count in counts
    ]


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.3])
def test_four_fifths_of_it_answered_nobody(noise: float) -> None:
    log = made_log(noise)
    found = split(log)

    assert sum(each.request_count for each in log) == pytest.approx(REQUESTS)
    assert sum(each.energy_j for each in log) / J_PER_KWH == pytest.approx(864.25, rel=0.02)
    assert found.idle_fraction == pytest.approx(0.82, abs=0.03)
    assert abs(found.idle_j / J_PER_KWH - IDLE_KWH) <= found.idle_half_width_j / J_PER_KWH + 1e-9


def test_a_request_alone_costs_a_fifth_of_what_dividing_says() -> None:
    found = split(made_log(0.1))
    divided_wh = 864.25 * WH_PER_KWH / REQUESTS

    assert found.request_j / J_PER_WH == pytest.approx(0.66, abs=0.05)
    assert found.request_j / J_PER_WH < divided_wh / 5
