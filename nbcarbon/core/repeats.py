"""One run out of many: what a body that was run again and again costs each time.

The whole is measured as one cell, so the figure of each run is as exact as that of a cell as long as all
of them together. The runs are grouped into a few batches, measured one by one: how much those differ is
the spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Final

from nbcarbon.core.emissions import Emissions
from nbcarbon.core.energy import Energy

if TYPE_CHECKING:
    from nbcarbon.core.session import Session

MOST_BATCHES: Final = 10
_LEAST_BATCHES: Final = 3
"""Of fewer, no spread is told."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """What each of `run_count` runs used on average.

    `spread_fraction` is the standard deviation between batches as a part of their mean, None where there
    are too few that the sensors resolve.
    """

    run_count: int
    batch_count: int
    duration_s: float
    energy: Energy
    emissions: Emissions
    spread_fraction: float | None


def repeats(session: Session, index: int) -> Repeats | None:
    """Each run of a cell that ran its body again and again; None for any other cell.

    Raises KeyError while the cell has no report.
    """
    whole = session.figures_of(index)
    batches = [
        (session.cells[each].run.repeat_count, session.figures_of(each))
        for each in session.nested.get(index, ())
        if session.cells[each].run.repeat_count
    ]
    run_count = sum(count for count, _ in batches)
    if not run_count:
        return None
    seen = [
        figures.energy_j / count
        for count, figures in batches
        if figures.coverage_fraction > 0 and not figures.below_resolution
    ]
    mean_j = fmean(seen) if seen else 0.0
    spread = stdev(seen) / mean_j if len(seen) >= _LEAST_BATCHES and mean_j > 0 else None
    energy, emissions = whole.energy, whole.emissions
    return Repeats(
        run_count=run_count,
        batch_count=len(batches),
        duration_s=sum(figures.duration_s for _, figures in batches) / run_count,
        energy=Energy(
            *(each / run_count for each in (energy.energy_j, energy.low_j, energy.high_j))
        ),
        emissions=Emissions(
            *(
                each / run_count
                for each in (emissions.emissions_g, emissions.low_g, emissions.high_g)
            )
        ),
        spread_fraction=spread,
    )


def next_batch(
    done_count: int, batch_count: int, elapsed_s: float, *, repeat_count: int, min_time_s: float
) -> int:
    """How many runs the next batch has, 0 where both wishes are met.

    `done_count` runs in `batch_count` batches have taken `elapsed_s`. About ten batches in all; the
    first of a wish for time is one run, which tells how long one takes.
    """
    left_count = repeat_count - done_count
    left_s = min_time_s - elapsed_s
    if done_count and left_count <= 0 and left_s <= 0:
        return 0
    if not done_count:
        return 1 if min_time_s > 0 else max(1, ceil(repeat_count / MOST_BATCHES))
    for_time = ceil(left_s / (elapsed_s / done_count)) if left_s > 0 and elapsed_s > 0 else 0
    wanted = max(left_count, for_time, 1)
    batches_left = max(1, MOST_BATCHES - batch_count)
    return min(wanted, ceil(wanted / batches_left))
