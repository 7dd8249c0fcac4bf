"""What the user said of runs: a tag, a score, how many queries they answered, a budget.

Kept apart from the facts, because it may be said before, during or long after a run. The last word counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Final

from nbcarbon.core.escape import label
from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcarbon.core.said import CellsNoted

TAG: Final = "tag"
SCORE: Final = "score"
SCORE_UNIT: Final = "score_unit"
QUERIES: Final = "queries"
TOKENS: Final = "tokens"
BUDGET: Final = "budget"

MOST_COUNT: Final = 10**15
LONGEST_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class CellNotes:
    """What was said of one run. `query_count` and `token_count` are of one time its body runs.

    `budget` is one that `budget.parse` reads.
    """

    tag: str = ""
    score: float | None = None
    score_unit: str = ""
    query_count: int | None = None
    token_count: int | None = None
    budget: str = ""


NO_NOTES: Final = CellNotes()


class Notes:
    """All that was said so far, by run."""

    def __init__(self) -> None:
        self._said_count = 0
        self._of_one: dict[int, dict[str, tuple[int, str]]] = {}
        self._of_many: dict[str, list[tuple[int, int, int | None, str]]] = {}

    def add(self, event: CellsNoted) -> None:
        """Take in what was said. Kinds of a later version are kept, and nobody asks for them."""
        self._said_count += 1
        name, value, first, last = event
        if first == last:
            self._of_one.setdefault(first, {})[name] = (self._said_count, value)
        else:
            self._of_many.setdefault(name, []).append((self._said_count, first, last, value))

    def value(self, name: str, index: int) -> str:
        """The last word on a run, empty where there is none."""
        number, value = self._of_one.get(index, {}).get(name, (0, ""))
        for said, first, last, wide in reversed(self._of_many.get(name, ())):
            if said < number:
                break
            if first <= index and (last is None or index <= last):
                return wide
        return value

    def has(self, name: str) -> bool:
        """Whether anything of this kind was ever said of any run."""
        return name in self._of_many or any(name in each for each in self._of_one.values())

    def runs_with(self, name: str) -> list[int]:
        """Indexes of the runs of which alone something of this kind was said."""
        return sorted(index for index, said in self._of_one.items() if name in said)

    def of(self, index: int, root_index: int) -> CellNotes:
        """All that was said of a run. Its tag is that of the outermost run it is part of."""
        if not self._said_count:
            return NO_NOTES
        said: Mapping[str, tuple[int, str]] = self._of_one.get(index, {})
        tag = self.value(TAG, root_index)
        if not said:
            return CellNotes(tag) if tag else NO_NOTES
        return CellNotes(
            tag=tag,
            score=_number(self.value(SCORE, index)),
            score_unit=self.value(SCORE_UNIT, index),
            query_count=_count(self.value(QUERIES, index)),
            token_count=_count(self.value(TOKENS, index)),
            budget=self.value(BUDGET, index),
        )


def said(
    *,
    score: float | None = None,
    unit: str = "",
    queries: int | None = None,
    tokens: int | None = None,
) -> dict[str, str]:
    """What is given of these as notes by name. Raises SettingError for a value that none of them can have."""
    found = {}
    if score is not None:
        found[SCORE] = repr(_checked_score(score))
    if unit:
        found[SCORE_UNIT] = label(unit)
    for name, count in ((QUERIES, queries), (TOKENS, tokens)):
        if count is not None:
            found[name] = str(_checked_count(name, count))
    return found


def _checked_score(score: object) -> float:
    try:
        value = float(score)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = float("nan")
    if not isfinite(value):
        raise SettingError(
            f"A score cannot be {label(str(score))[:LONGEST_SHOWN]!r}.",
            hint="Use a number: --score 0.91.",
        )
    return value


def _checked_count(name: str, count: object) -> int:
    try:
        value = int(count)  # type: ignore[call-overload]
        whole = 0 < value <= MOST_COUNT and value == float(count)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        value, whole = 0, False
    if not whole:
        raise SettingError(
            f"{name} cannot be {label(str(count))[:LONGEST_SHOWN]!r}.",
            hint=f"Use a whole number from 1 on: --{name} 1000.",
        )
    return int(value)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if isfinite(value) else None


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) > 0 else None
