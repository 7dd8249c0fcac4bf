"""What cells of one tag used together: training here, evaluation there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import Energy

if TYPE_CHECKING:
    from nbcarbon.core.emissions import Emissions
    from nbcarbon.core.figures import SessionFigures


@dataclass(frozen=True, slots=True)
class TagSum:
    """The cells of one tag, an empty one for those that have none.

    `cells_fraction` is their part of the energy of all cells, None where that is nothing.
    """

    tag: str
    cell_count: int
    duration_s: float
    energy: Energy
    emissions: Emissions
    cells_fraction: float | None


def by_tag(f: SessionFigures) -> tuple[TagSum, ...]:
    """The sums of a session's tags, those without one last; nothing where no cell has any.

    Runs inside of other ones are in those already. Looks at every cell.
    """
    if not f.tagged:
        return ()
    found: dict[str, tuple[int, float, Energy]] = {}
    for cell in f.cells:
        if cell.parent_index is None:
            count, duration_s, energy = found.get(cell.notes.tag, (0, 0.0, Energy()))
            found[cell.notes.tag] = (count + 1, duration_s + cell.duration_s, energy + cell.energy)
    whole_j = sum(energy.energy_j for _, _, energy in found.values())
    rest = found.pop("", None)
    if not found:
        return ()
    rows = [*found.items(), *([("", rest)] if rest else [])]
    return tuple(
        TagSum(
            tag,
            count,
            duration_s,
            energy,
            operational(energy, pue=f.pue, intensity=f.intensity),
            energy.energy_j / whole_j if whole_j > 0 else None,
        )
        for tag, (count, duration_s, energy) in rows
    )
