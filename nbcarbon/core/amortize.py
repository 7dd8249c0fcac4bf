"""When does using a model have emitted as much as training it? A ratio, with how unsure it is.

As "Power Hungry Processing" (Luccioni, Jernite and Strubell 2024) asks it: 59,257 kWh of training and
fine-tuning, at 0.1 Wh a query, are 592,570,000 queries.
"""

from __future__ import annotations

from math import ceil, hypot
from typing import NamedTuple

from nbcarbon.core import humanize
from nbcarbon.errors import SettingError

Ends = tuple[float, float, float]
"""A value with the ends of its 95 % interval: joules, or grams, of training and of a query alike."""


class Parity(NamedTuple):
    """So many queries are one training. `high_count` is None where a query may have cost nothing."""

    query_count: float
    low_count: float
    high_count: float | None


def parity(training: Ends, query: Ends) -> Parity:
    """How many queries cost what training did. What is unsure of both sides is independent: in quadrature.

    Raises SettingError where one of them cost nothing that could be measured.
    """
    whole, whole_low, whole_high = training
    each, each_low, each_high = query
    if whole <= 0 or each <= 0:
        which = "The training" if whole <= 0 else "A query"
        raise SettingError(
            f"{which} cost nothing that could be measured.",
            hint="Name other cells, or run longer: %%carbon --min-time 2s.",
        )
    count = whole / each
    below = hypot(1 - whole_low / whole, 1 - each / each_high)
    high = None
    if each_low > 0:
        high = count * (1 + hypot(whole_high / whole - 1, each / each_low - 1))
    return Parity(count, count * max(0.0, 1 - below), high)


def sentence(found: Parity, *, training: str, query: str, what: str) -> str:
    """The answer in words. `training` and `query` are their amounts, `what` they are of."""
    ends = ""
    if found.high_count is None:
        ends = f" ({_count(found.low_count)} or more)"
    elif found.high_count > found.low_count:
        ends = f" ({_count(found.low_count)} – {_count(found.high_count)})"
    if found.query_count <= 1:
        return f"One query costs as much as the training or more: {query}, and {training}."
    return (
        f"{_count(found.query_count)} queries{ends} {what} as much as the training: "
        f"{training} for it, {query} a query."
    )


def _count(count: float) -> str:
    """Three digits are as many as anybody knows; whole queries."""
    whole = ceil(count) if count < 1000 else int(float(f"{count:.3g}"))
    return humanize.count(whole)
