"""The stand-in keeps its own promise: its counters follow the power it says."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.stand_in.powercap import PERIOD_S, UJ_PER_J, FakePowercap, Profile

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = Profile(((0.25, 40.0), (0.5, 0.0), (1.25, 120.0)), start_s=10.0)


def test_joules_of_a_profile_are_its_integral() -> None:
    assert PROFILE.true_energy_j(0.0, 10.0) == 0.0
    assert PROFILE.true_energy_j(10.0, 10.1) == pytest.approx(4.0)
    assert PROFILE.true_energy_j(10.25, 10.75) == pytest.approx(0.0)
    assert PROFILE.true_energy_j(10.0, 16.0) == pytest.approx(3 * (10.0 + 150.0))


@given(st.floats(0, 100), st.floats(0, 100), st.floats(0, 100))
def test_joules_of_a_profile_add_up(one_s: float, two_s: float, three_s: float) -> None:
    first, middle, last = sorted((one_s, two_s, three_s))

    assert PROFILE.true_energy_j(first, middle) + PROFILE.true_energy_j(
        middle, last
    ) == pytest.approx(PROFILE.true_energy_j(first, last), abs=1e-9)


@pytest.mark.process
def test_the_writer_writes_the_energy_of_now(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    wraps_j = 30.0
    tree.add("intel-rapl:0", "package-0", energy_uj=0, range_uj=round(wraps_j * UJ_PER_J))
    path = tree.paths["intel-rapl:0"] / "energy_uj"
    profile = Profile(((1.0, 100.0),))
    seen = []
    with tree.start_writer({"intel-rapl:0": profile}) as writer:
        until_s = time.monotonic() + 0.3
        while (now_s := time.monotonic()) < until_s:
            seen.append((now_s, int(path.read_text()) / UJ_PER_J, time.monotonic()))
        report = writer.stop()

    # A value is of an instant before it was read, and not longer ago than the worst gap (and the
    # write that ends it).
    oldest_s = report.longest_gap_s + PERIOD_S
    for before_s, energy_j, after_s in seen:
        behind_j = (profile.energy_j(after_s) - energy_j) % wraps_j
        assert behind_j <= 100.0 * (after_s - before_s + oldest_s)
    assert len({energy_j for _, energy_j, _ in seen}) > 20
    assert report.writes > 20
