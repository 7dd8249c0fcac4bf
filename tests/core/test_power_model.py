"""The line from idle to full load: linear, conserved, and never outside its ends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.power_model import CpuPower, from_tdp

CPU = CpuPower("Test", 0.5, 4.0, 16, 0.5, True, "a test", "server model")


def test_idle_and_full_are_the_ends() -> None:
    assert CPU.power_w(0.0) == pytest.approx(8.0)
    assert CPU.power_w(1.0) == pytest.approx(64.0)
    assert CPU.power_w(0.5) == pytest.approx(36.0)


@given(st.floats(0.1, 256), st.floats(0, 1e6), st.floats(0, 1))
def test_energy_is_power_times_time(threads: float, elapsed_s: float, utilisation: float) -> None:
    used_j = CPU.energy_j(threads, elapsed_s, utilisation * threads * elapsed_s)

    assert used_j == pytest.approx(CPU.power_w(utilisation) / 16 * threads * elapsed_s)


@given(st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0, 1e4), st.floats(0, 1e4))
def test_one_span_after_the_other_adds_up(a_s: float, b_s: float, x_s: float, y_s: float) -> None:
    parts_j = CPU.energy_j(4, a_s, x_s) + CPU.energy_j(4, b_s, y_s)

    assert parts_j == pytest.approx(CPU.energy_j(4, a_s + b_s, x_s + y_s))


def test_rated_power_is_shared_by_the_threads_of_its_packages() -> None:
    one = from_tdp("Test", 100.0, thread_count=16, source="s")
    two = from_tdp("Test", 100.0, thread_count=32, package_count=2, source="s")

    assert one.power_w(0) == pytest.approx(12.0)
    assert one.power_w(1) == pytest.approx(102.0)
    assert two.power_w(1) == pytest.approx(204.0)
    assert one.thread_full_w == pytest.approx(two.thread_full_w)
    assert not one.whole_server
