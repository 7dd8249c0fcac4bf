"""The table of what making hardware emitted: a row by its key or name, and by what a driver calls a GPU.

`embodied.csv` names a source for each figure. What none of them says is assumed here, and told with
every figure: how long hardware lasts, and how much of that time it works.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from nbcarbon.core.embodied import Manufactured
from nbcarbon.core.units import G_PER_KG
from nbcarbon.errors import SettingError
from nbcarbon.hardware.tables import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE: Final = Path(__file__).parent / "data" / "embodied.csv"

ERROR_FRACTION: Final = 0.5
"""Half of the interval of a figure whose source gives none: configurations differ by that much."""

LIFETIME_YEARS: Final = 4.0
LIFETIME_ERROR_FRACTION: Final = 1 / 3
"""Published accounts spread manufacturing over 3 years (EcoLogits) to 6 (BLOOM)."""

SERVER_UTILISATION: Final = 0.85
SERVER_UTILISATION_ERROR_FRACTION: Final = 0.15
"""BLOOM's cluster. A cloud's servers may be busier, and many are not as busy."""

PERSONAL_UTILISATION: Final = 0.2
PERSONAL_UTILISATION_ERROR_FRACTION: Final = 0.5
"""An assumption, no source: some five hours a day, half as much or half as much again."""

PERSONAL: Final = ("laptop", "desktop")


@dataclass(frozen=True, slots=True)
class EmbodiedRow:
    """One row: grams of CO2e that making one emitted, with the ends of a 95 % interval.

    `lifetime_years` is the one its source spreads them over, None where it says none.
    """

    key: str
    item: str
    category: str
    emissions_g: float
    low_g: float
    high_g: float
    lifetime_years: float | None
    boundary: str
    source: str


def known(table: Path = TABLE) -> Iterator[EmbodiedRow]:
    """Every row. Raises OSError where the table is missing."""
    return map(_row, read_rows(table))


def _row(fields: list[str]) -> EmbodiedRow:
    key, item, category, kg, low_kg, high_kg, _, years, boundary, source, _ = fields
    emissions_g = float(kg) * G_PER_KG
    return EmbodiedRow(
        key,
        item,
        category,
        emissions_g,
        float(low_kg) * G_PER_KG if low_kg else emissions_g * (1 - ERROR_FRACTION),
        float(high_kg) * G_PER_KG if high_kg else emissions_g * (1 + ERROR_FRACTION),
        float(years) if years else None,
        boundary,
        source,
    )


def find(text: str, table: Path = TABLE) -> EmbodiedRow:
    """The row of a key or a name. Raises SettingError, naming the keys there are."""
    wanted = text.strip().casefold()
    found = list(known(table))
    for each in found:
        if wanted in (each.key, each.item.casefold()):
            return each
    raise SettingError(
        f"There is no embodied figure for {text[:40]!r}.",
        hint=f"Use one of: {', '.join(keys(table))}.",
    )


def keys(table: Path = TABLE, *, machines: bool = False) -> list[str]:
    """What there is a figure for, GPUs last or left out; no parts."""
    found = [each for each in known(table) if each.category != "part"]
    found = [each for each in found if not machines or each.category != "gpu"]
    return [each.key for each in sorted(found, key=lambda each: each.category == "gpu")]


def gpu_row(name: str, table: Path = TABLE) -> EmbodiedRow:
    """The row for a GPU by the name its driver gives: its own, else that of any GPU card."""
    words = set(re.split(r"[^a-z0-9]+", name.casefold()))
    found = [each for each in known(table) if each.category == "gpu"]
    # The key's words are all in the name (`a100-sxm-40gb` in `A100-SXM4-40GB`): the most telling wins.
    fitting = [each for each in found if set(each.key.split("-")) <= words | _short(words)]
    return max(
        fitting,
        key=lambda each: each.key.count("-"),
        default=next(each for each in found if each.key == "gpu"),
    )


def _short(words: set[str]) -> set[str]:
    """`sxm` for `sxm4`: the generation of a socket is in the GPU's name already."""
    return {"sxm" for each in words if each.startswith("sxm")} | {"gpu"}


def manufactured(
    row: EmbodiedRow,
    *,
    device_id: str | None = None,
    personal: bool | None = None,
    lifetime_years: float | None = None,
    utilisation: float | None = None,
    count: float = 1.0,
    share_fraction: float = 1.0,
) -> Manufactured:
    """So many of a row's pieces with what is assumed of their use, but for what is given.

    `personal` says that they are in somebody's own machine; by the row's category where it is None.
    """
    own = row.category in PERSONAL if personal is None else personal
    used, used_error = (
        (PERSONAL_UTILISATION, PERSONAL_UTILISATION_ERROR_FRACTION)
        if own
        else (SERVER_UTILISATION, SERVER_UTILISATION_ERROR_FRACTION)
    )
    return Manufactured(
        name=row.item,
        device_id=device_id,
        emissions_g=row.emissions_g * count,
        low_g=row.low_g * count,
        high_g=row.high_g * count,
        lifetime_years=lifetime_years or row.lifetime_years or LIFETIME_YEARS,
        lifetime_error_fraction=0.0 if lifetime_years else LIFETIME_ERROR_FRACTION,
        utilisation=utilisation or used,
        utilisation_error_fraction=0.0 if utilisation else used_error,
        share_fraction=share_fraction,
        source=row.source,
    )
