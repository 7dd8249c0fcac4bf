"""Zones that many readers know, for a report to compare with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from nbcarbon.core.intensity import Accounting
from nbcarbon.grid.everywhere import zones

if TYPE_CHECKING:
    from nbcarbon.core.where import Candidate

SHOWN: Final = frozenset(
    {
        "SE", "FR", "CA-QC", "CH", "BR", "ES", "GB", "NL", "DE", "IE", "US", "JP", "CN", "IN", "ZA",
    }
)  # fmt: skip
"""Where many data centres are, from clean grids to others."""


def well_known(accounting: str = Accounting.CONSUMPTION) -> list[Candidate]:
    """These zones, by figures of this accounting where they have one."""
    return [each for each in zones(Accounting(accounting)) if each.id in SHOWN]
