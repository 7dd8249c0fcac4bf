"""The country of a grid zone, as formats of others name it: ISO 3166-1 codes and English short names."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Final, NamedTuple

_TABLE: Final = Path(__file__).parent / "data" / "country_codes.csv"


class Country(NamedTuple):
    """`alpha_2` and `alpha_3` are its codes: FR, FRA."""

    alpha_2: str
    alpha_3: str
    name: str


def country_of(zone_id: str | None) -> Country | None:
    """The country that a zone such as FR or US-CAL-CISO lies in; None where that is unknown."""
    wanted = (zone_id or "").partition("-")[0]
    with open(_TABLE, encoding="utf-8", newline="") as file:
        lines = csv.reader(file)
        next(lines)
        return next((Country(*line) for line in lines if line[0] == wanted), None)
