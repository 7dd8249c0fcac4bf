"""What one query or one token of a cell cost: its figures divided by how many there were."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcarbon.core.emissions import Emissions

if TYPE_CHECKING:
    from nbcarbon.core.energy import Energy
    from nbcarbon.core.figures import Figures


@dataclass(frozen=True, slots=True)
class PerUnit:
    """One of `count` queries or tokens, which `unit` tells."""

    unit: str
    count: int
    energy: Energy
    emissions: Emissions


def per_units(f: Figures) -> tuple[PerUnit, ...]:
    """A query of a cell and a token of it, as far as the user said how many there were.

    The user counts what one run of the body does. Nothing where the cell was not measured.
    """
    if f.coverage_fraction <= 0:
        return ()
    counts = (("query", f.notes.query_count), ("token", f.notes.token_count))
    return tuple(_one(f, unit, count * f.run_count) for unit, count in counts if count)


def per_run(f: Figures) -> tuple[Energy, Emissions]:
    """One run of a cell's body: all of it but where that ran again and again."""
    one = _one(f, "run", f.run_count)
    return one.energy, one.emissions


def _one(f: Figures, unit: str, count: int) -> PerUnit:
    return PerUnit(
        unit,
        count,
        f.energy.divided(count),
        Emissions(f.emissions_g / count, f.low_g / count, f.high_g / count),
    )
