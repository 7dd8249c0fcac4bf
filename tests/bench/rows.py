"""One line of the table of goals."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """A goal, its limit (None where there is none to meet), and what was found, in one unit.

    `beside` names the line of the comparison that has the same for the peers, as `table.line`, and
    `physical` says what no program could go below.
    """

    goal: str
    what: str
    limit: float | None
    found: float
    unit: str
    beside: str = ""
    physical: str = ""

    @property
    def met(self) -> bool:
        return self.limit is None or self.found <= self.limit

    def line(self) -> str:
        mark = "" if self.met else "  MISSED"
        limit = "" if self.limit is None else f"{self.limit:g} {self.unit}"
        return f"{self.goal:<5} {self.what:<52} {limit:>12} {self.found:>9.3g} {self.unit:<4}{mark}"
