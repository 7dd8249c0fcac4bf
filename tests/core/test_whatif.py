"""The same work on another GPU: what scales, by what, and how much less is known of it then."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.device import Kind
from nbcarbon.core.energy import Energy
from nbcarbon.core.whatif import Share, Swap, moved

USED = Energy(1000.0, 950.0, 1100.0)
CPU = Share(Kind.CPU, "CPU", 400.0)
GPU = Share(Kind.GPU, "A100", 600.0, 400.0)
H100 = Swap("H100", 700.0, 700.0, 700.0)


def test_gpus_scale_by_rated_power_and_all_else_by_time() -> None:
    found = moved(USED, 10.0, [CPU, GPU], H100, speed=2.0)

    assert found.energy.energy_j == pytest.approx((400 + 600 * 700 / 400) / 2)
    assert found.duration_s == 5.0
    assert found.gpu_ratio_fraction == pytest.approx(1.75)


def test_without_a_swap_the_range_is_what_it_was() -> None:
    found = moved(USED, 10.0, [CPU, GPU], None, speed=4.0)

    assert found.energy == Energy(250.0, 237.5, 275.0)


def test_a_swap_is_half_unsure_for_the_gpus_part() -> None:
    found = moved(Energy(600.0, 600.0, 600.0), 1.0, [GPU], H100, speed=1.0)

    assert found.energy.low_j == pytest.approx(0.5 * found.energy.energy_j)
    assert found.energy.high_j == pytest.approx(1.5 * found.energy.energy_j)


def test_a_name_of_several_variants_is_more_unsure() -> None:
    sure = moved(USED, 1.0, [CPU, GPU], H100, speed=1.0).energy
    wide = moved(USED, 1.0, [CPU, GPU], Swap("H100", 700.0, 350.0, 700.0), speed=1.0).energy

    assert wide.low_j < sure.low_j
    assert wide.high_j == sure.high_j


def test_several_gpus_are_each_replaced() -> None:
    other = Share(Kind.GPU, "T4", 70.0, 70.0)
    found = moved(Energy(670.0, 670.0, 670.0), 1.0, [GPU, other], H100, speed=1.0)

    assert found.energy.energy_j == pytest.approx(600 * 700 / 400 + 70 * 700 / 70)


def test_a_gpu_nobody_knows_cannot_be_replaced() -> None:
    with pytest.raises(ValueError, match="Mystery"):
        moved(USED, 1.0, [CPU, Share(Kind.GPU, "Mystery", 600.0)], H100, speed=1.0)


def test_nothing_used_stays_nothing() -> None:
    assert moved(Energy(), 1.0, [], H100, speed=1.0).energy == Energy()


@given(
    st.floats(1, 1e6), st.floats(0, 1e6), st.floats(50, 1500), st.floats(50, 1500),
    st.floats(0.01, 100),
)  # fmt: skip
def test_the_same_gpu_at_the_same_speed_changes_no_value(
    gpu_j: float, cpu_j: float, rated_w: float, other_w: float, speed: float
) -> None:
    shares = [Share(Kind.GPU, "a", gpu_j, rated_w), Share(Kind.CPU, "b", cpu_j)]
    whole = Energy(gpu_j + cpu_j, 0.9 * (gpu_j + cpu_j), 1.2 * (gpu_j + cpu_j))
    same = moved(whole, 1.0, shares, Swap("a", rated_w, rated_w, rated_w), speed=1.0)
    other = moved(whole, 1.0, shares, Swap("c", other_w, other_w, other_w), speed=speed)

    assert same.energy.energy_j == pytest.approx(whole.energy_j)
    assert 0 <= other.energy.low_j <= other.energy.energy_j <= other.energy.high_j
