"""Cells by what people call them."""

from __future__ import annotations

import pytest

from nbcarbon.core.naming import Named, spans
from nbcarbon.errors import SettingError

RUNS = [
    Named(1, "cell 1"), Named(2, "cell 2"), Named(4, "train"), Named(7, "cell 4"), Named(8, "train"),
    Named(9, "cell 2"), Named(10, "3-5"),
]  # fmt: skip
NUMBERS = {3: 4, 5: 8, 7: 10}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["1"], [(1, 1)]),
        (["3"], [(4, 4)]),
        (["2"], [(9, 9)]),
        (["3-5"], [(4, 8)]),
        (["3-99"], [(4, 10)]),
        (["train"], [(4, 4), (8, 8)]),
        (["cell 4", "1"], [(7, 7), (1, 1)]),
    ],
)
def test_a_word_stands_for_runs(words: list[str], expected: list[tuple[int, int]]) -> None:
    assert spans(words, RUNS, NUMBERS) == expected


@pytest.mark.parametrize("word", ["6", "8-9", "5-3", "tr", "", "-1", "²", "3-"])
def test_a_word_for_none_is_refused(word: str) -> None:
    with pytest.raises(SettingError, match="No cell"):
        spans([word], RUNS, NUMBERS)
