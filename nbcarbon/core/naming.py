"""Which runs somebody means who writes `3`, `3-5` or `train`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_RANGE: Final = re.compile(r"([0-9]+)-([0-9]+)")
LONGEST_SHOWN: Final = 40


class Named(NamedTuple):
    """An outermost run of the user's, by what it is called."""

    run_index: int
    name: str


def spans(
    words: Sequence[str], runs: Sequence[Named], numbers: Mapping[int, int]
) -> list[tuple[int, int]]:
    """First and last index of the runs that each word stands for.

    A name stands for every run that is called so, a number for the latest run of that number, two for
    those and all between them. `numbers` are the indexes of runs that have a name as well. Raises
    SettingError for a word that stands for none.
    """
    by_number = {**_numbered(runs), **numbers}
    found: list[tuple[int, int]] = []
    for word in words:
        between = _RANGE.fullmatch(word)
        if between:
            low, high = (int(each) for each in between.groups())
            indexes = [by_number[each] for each in by_number if low <= each <= high]
            if indexes and low <= high:
                found.append((min(indexes), max(indexes)))
                continue
        named = [each.run_index for each in runs if each.name == word]
        if named:
            found += [(each, each) for each in named]
        elif word.isascii() and word.isdigit() and int(word) in by_number:
            index = by_number[int(word)]
            found.append((index, index))
        else:
            raise SettingError(
                f"No cell {word[:LONGEST_SHOWN]!r} has been measured.",
                hint="%carbon report lists them.",
            )
    return found


def _numbered(runs: Iterable[Named]) -> dict[int, int]:
    """Indexes of those that are called by their number."""
    found = {}
    for each in runs:
        number = each.name.removeprefix("cell ")
        if number != each.name and number.isascii() and number.isdigit():
            found[int(number)] = each.run_index
    return found
