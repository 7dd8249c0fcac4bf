from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.cell import CellReport, Outcome
from nbcarbon.core.events import CellClosed, DevicesFound, IntensityLearned
from nbcarbon.core.repeats import MOST_BATCHES, next_batch, repeats
from nbcarbon.core.session import Session
from nbcarbon.core.wording import repeated
from tests import samples
from tests.samples import CPU, STARTED


def session(*batches: tuple[int, float], below: bool = False) -> Session:
    """A cell whose body ran in batches of (runs, watt-hours)."""
    grid = IntensityLearned(samples.FRANCE, samples.FRENCH)
    found = Session([STARTED, DevicesFound((CPU,)), grid])
    for index, (count, energy_wh) in enumerate(batches, start=2):
        part = samples.part(CPU, energy_wh, 0.9 * energy_wh, 1.1 * energy_wh, below=below)
        report = samples.report("batch", 0.5, part, index=index, parent=1)
        run = replace(report.run, repeat_count=count)
        found.apply(CellClosed(replace(report, run=run)))
    whole_wh = sum(energy_wh for _, energy_wh in batches)
    part = samples.part(CPU, whole_wh, 0.95 * whole_wh, 1.05 * whole_wh)
    found.apply(CellClosed(samples.report("train", 2.0, part)))
    return found


def test_each_run_is_its_part_of_the_whole() -> None:
    found = repeats(session((10, 1.0), (10, 1.1), (10, 0.9)), 1)

    assert found is not None
    assert (found.run_count, found.batch_count) == (30, 3)
    assert found.energy.energy_j == pytest.approx(3.0 * 3600 / 30)
    assert found.energy.low_j == pytest.approx(0.95 * 3.0 * 3600 / 30)
    assert found.emissions.emissions_g == pytest.approx(3.0 * 0.031 / 30)
    assert found.duration_s == pytest.approx(1.5 / 30)
    assert found.spread_fraction == pytest.approx(0.1)


@pytest.mark.parametrize(
    "told", [session((1, 1.0), (1, 2.0)), session((5, 1.0), (5, 2.0), (5, 3.0), below=True)]
)
def test_of_too_few_batches_that_are_resolved_no_spread_is_told(told: Session) -> None:
    found = repeats(told, 1)

    assert found is not None
    assert found.spread_fraction is None
    assert "spread" not in repeated(found)


def test_other_cells_have_no_repeats() -> None:
    nested = Session([STARTED, DevicesFound((CPU,))])
    nested.apply(CellClosed(samples.report("inner", 1.0, index=2, parent=1)))
    nested.apply(CellClosed(CellReport(samples.report("outer", 2.0).run, 102.0, Outcome.OK, ())))

    assert repeats(nested, 1) is None
    assert repeats(nested, 2) is None


def test_in_words() -> None:
    found = repeats(session((10, 1.0), (10, 1.1), (10, 0.9)), 1)

    assert found is not None
    assert repeated(found).replace("\u00a0", " ") == (
        "each of 30 runs: 0.1 Wh (0.09 – 0.11) · 3.1 mgCO₂e (2.71 – 3.54) · 50 ms"
        " · spread 10 % between 3 batches"
    )


@given(st.integers(1, 5000))
def test_so_many_times_and_not_once_more(repeat_count: int) -> None:
    done = batches = 0
    while count := next_batch(done, batches, 0.01 * done, repeat_count=repeat_count, min_time_s=0):
        done, batches = done + count, batches + 1

    assert done == repeat_count
    assert batches <= MOST_BATCHES


@given(st.floats(1e-5, 3.0), st.floats(0.01, 20.0))
def test_for_so_long_in_about_ten_batches(run_s: float, min_time_s: float) -> None:
    done = batches = 0
    while count := next_batch(done, batches, run_s * done, repeat_count=1, min_time_s=min_time_s):
        done, batches = done + count, batches + 1

    assert done * run_s >= min_time_s
    assert done == 1 or (done - 1) * run_s <= min_time_s * (1 + 1e-6) + run_s
    assert batches <= MOST_BATCHES + 2


def test_both_wishes_are_met() -> None:
    done = batches = 0
    while count := next_batch(done, batches, 0.1 * done, repeat_count=50, min_time_s=1.0):
        done, batches = done + count, batches + 1
    assert done == 50


def test_a_clock_that_stands_still_ends_all_the_same() -> None:
    assert next_batch(1, 1, 0.0, repeat_count=1, min_time_s=1.0) == 1
