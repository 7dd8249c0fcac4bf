"""One line of the table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A goal, its limit, and what was found, in one unit."""

    goal: str
    what: str
    limit: float
    found: float
    unit: str

    @property
    def met(self) -> bool:
        return self.found <= self.limit

    def line(self) -> str:
        mark = "" if self.met else "  MISSED"
        limit = f"{self.limit:g} {self.unit}"
        return f"{self.goal:<5} {self.what:<52} {limit:>12} {self.found:>9.3g} {self.unit:<4}{mark}"
