"""Scores against energy: which cells nobody beats in both.

A cell is on the front where no other one of the same unit reaches as much with less energy, or more with
as much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcarbon.core.per_unit import per_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcarbon.core.emissions import Emissions
    from nbcarbon.core.energy import Energy
    from nbcarbon.core.figures import Figures


@dataclass(frozen=True, slots=True)
class Scored:
    """A cell with a score, and what one run of its body used.

    `below_resolution` cells have energies of which only the range is known.
    """

    name: str
    index: int
    score: float
    energy: Energy
    emissions: Emissions
    duration_s: float
    below_resolution: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """The scored cells of one unit by rising energy, and which of them are on the front."""

    unit: str
    higher_is_better: bool
    cells: tuple[Scored, ...]
    on_front: tuple[bool, ...]


def compare(cells: Iterable[Figures], *, higher_is_better: bool = True) -> tuple[Comparison, ...]:
    """The cells that have a score, one comparison for each unit, in the order in which those came up.

    What was not measured has no place in it.
    """
    by_unit: dict[str, list[Scored]] = {}
    for each in cells:
        if each.notes.score is not None and each.coverage_fraction > 0:
            energy, emissions = per_run(each)
            found = Scored(
                each.name,
                each.index,
                each.notes.score,
                energy,
                emissions,
                each.duration_s / each.run_count,
                each.below_resolution,
            )
            by_unit.setdefault(each.notes.score_unit, []).append(found)
    return tuple(_comparison(unit, found, higher_is_better) for unit, found in by_unit.items())


def _comparison(unit: str, found: list[Scored], higher_is_better: bool) -> Comparison:
    ranked = tuple(sorted(found, key=lambda each: (each.energy.energy_j, each.index)))
    flags = front([(each.score, each.energy.energy_j) for each in ranked], higher_is_better)
    return Comparison(unit, higher_is_better, ranked, flags)


def front(points: Sequence[tuple[float, float]], higher_is_better: bool) -> tuple[bool, ...]:
    """Of scores with their joules: whether no other one is at least as good in both and better in one."""
    sign = 1.0 if higher_is_better else -1.0
    flags = [False] * len(points)
    best = float("-inf")
    tied: tuple[float, float] | None = None
    # Cheapest first, of equally cheap ones the best first: whatever adds nothing to the best is beaten.
    for place in sorted(range(len(points)), key=lambda n: (points[n][1], -sign * points[n][0])):
        score, energy_j = points[place]
        if sign * score > best or (score, energy_j) == tied:
            flags[place] = True
            best, tied = sign * score, (score, energy_j)
    return tuple(flags)
