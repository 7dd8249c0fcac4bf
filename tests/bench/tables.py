"""Tables of the comparison: a line for each quantity, a column for each tool, less is always better."""

from __future__ import annotations

import re
import statistics
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING

from tests.bench.peers import OURS, PEERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

ONLINE = "codecarbon-online"
"""CodeCarbon as it is without `Offline`: its default, where that makes a difference."""
LIMIT = "limit"
LIMITS_TOO = (
    "what the counter itself can tell: read at the very instants at which it moves, with a straight line "
    "in between"
)
LABELS = {name: peer.label for name, peer in PEERS.items()} | {
    ONLINE: "CodeCarbon online",
    LIMIT: "best possible",
}
OTHERS = tuple(each for each in LABELS if each not in (OURS, LIMIT))
LONGEST_WORDS = 90
SMALLEST = 1e-3
CLEARLY = 0.9
"""A peer is said to do better where it needs less than this part: below that runs differ anyway."""


@dataclass(frozen=True)
class Line:
    """One quantity. A value is a number in `unit`, or words where there is none: why not."""

    key: str
    label: str
    unit: str
    values: Mapping[str, float | str]
    least: float = 0.0
    """Differences below this are nothing anybody notices, or what the clock cannot tell."""

    def number(self, tool: str) -> float | None:
        value = self.values.get(tool)
        return value if isinstance(value, (int, float)) and isfinite(value) else None

    def best_peer(self) -> tuple[str, float] | None:
        """The peer that needs least, and how much."""
        found = [(value, tool) for tool in OTHERS if (value := self.number(tool)) is not None]
        return (min(found)[1], min(found)[0]) if found else None

    def cell(self, tool: str) -> str:
        value = self.values.get(tool, "–")
        return said(value) if isinstance(value, str) else spoken(value, self.unit)


@dataclass
class Table:
    """Lines under one heading, with what must be known to read them."""

    title: str
    text: str
    lines: list[Line] = field(default_factory=list)
    tools: tuple[str, ...] = tuple(PEERS)
    subject: str = ""
    """What its labels need before them where they stand alone."""

    def markdown(self) -> Iterator[str]:
        yield f"## {self.title}\n\n{self.text}\n"
        yield f"| | {' | '.join(LABELS[each] for each in self.tools)} |"
        yield f"|---|{'---:|' * len(self.tools)}"
        for line in self.lines:
            yield f"| {line.label} | {' | '.join(line.cell(each) for each in self.tools)} |"
        yield ""

    def lost(self, tool: str) -> Iterator[str]:
        """Where this peer clearly does better, in words."""
        for line in self.lines:
            ours, theirs = line.number(OURS), line.number(tool)
            if ours is None or theirs is None:
                continue
            if theirs < CLEARLY * ours and ours - theirs > line.least:
                told = f"{spoken(theirs, line.unit)} against {spoken(ours, line.unit)}"
                yield f"{self.subject}{plain(line.label)}: {told}"

    def line(self, key: str) -> Line | None:
        return next((each for each in self.lines if each.key == key), None)


def said(text: str) -> str:
    """A tool's own words, fit for a table, without anybody's paths."""
    return re.sub(r"(/[\w.+-]+){2,}/?", "…", text).replace("|", "/")[:LONGEST_WORDS]


def spoken(value: float, unit: str) -> str:
    """Two digits that count, in a unit that fits."""
    if unit == "s":
        if 0 < abs(value) < 0.1:
            return f"{digits(1e3 * value)} ms"
        return f"{digits(value)} s"
    return f"{digits(value)} {unit}".strip()


def digits(value: float) -> str:
    """Two digits that count, none where they would be thousandths of anything asked here."""
    if abs(value) < SMALLEST:
        return "0" if value == 0 else f"< {SMALLEST:g}"
    if abs(value) >= 10:
        return f"{value:,.0f}".replace(",", " ")
    return f"{value:.2g}"


def plain(label: str) -> str:
    return label.replace("`", "").replace("*", "")


def median(values: Iterable[float]) -> float:
    """Of what there is; not a number of nothing."""
    found = list(values)
    return statistics.median(found) if found else float("nan")


def median_or_why(found: Iterable[float | str]) -> float | str:
    """The median of the runs that worked, or what one that did not work said."""
    values = list(found)
    numbers = [each for each in values if not isinstance(each, str)]
    return median(numbers) if numbers else next(iter(values), "–")
