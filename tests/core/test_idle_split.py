"""Energy against requests: the line, how sure it is, and when there is none."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.idle_split import Interval, split


def log(idle_j: float, request_j: float, *, noise_j: float, seed: int) -> list[Interval]:
    dice = random.Random(seed)
    counts = [dice.randrange(200) for _ in range(60)]
    return [Interval(n, idle_j + request_j * n + dice.gauss(0, noise_j)) for n in counts]


@given(st.floats(1, 1e6), st.floats(0, 1e4), st.integers(0, 1000))
def test_without_noise_the_line_is_exact(idle_j: float, request_j: float, seed: int) -> None:
    found = split(log(idle_j, request_j, noise_j=0.0, seed=seed))

    assert found.idle_j == pytest.approx(idle_j, rel=1e-6, abs=1e-6 * (idle_j + 200 * request_j))
    assert found.request_j == pytest.approx(request_j, rel=1e-6, abs=1e-6 * idle_j)


def test_its_interval_holds_the_truth_as_often_as_it_says() -> None:
    found = [split(log(500.0, 3.0, noise_j=40.0, seed=seed)) for seed in range(400)]
    idle = sum(abs(each.idle_j - 500.0) <= each.idle_half_width_j for each in found)
    request = sum(abs(each.request_j - 3.0) <= each.request_half_width_j for each in found)

    assert 0.92 * 400 <= idle <= 0.98 * 400
    assert 0.92 * 400 <= request <= 0.98 * 400


def test_idle_and_requests_are_all_of_it() -> None:
    rows = log(500.0, 3.0, noise_j=40.0, seed=1)
    found = split(rows)
    whole_j = sum(each.energy_j for each in rows)
    requests_j = found.request_j * sum(each.request_count for each in rows)

    assert found.idle_j * len(rows) + requests_j == pytest.approx(whole_j)
    assert found.idle_fraction == pytest.approx(found.idle_j * len(rows) / whole_j)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [Interval(1, 2.0), Interval(2, 3.0)],
        [Interval(5, 2.0), Interval(5, 3.0), Interval(5, 4.0)],
        [Interval(1, 0.0), Interval(2, 0.0), Interval(3, 0.0)],
    ],
)
def test_no_line(rows: list[Interval]) -> None:
    with pytest.raises(ValueError, match="interval"):
        split(rows)
