"""What may stand on a `%carbon amortize` line, and what it answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nbcarbon.core.humanize import plain
from nbcarbon.core.notes import CellNotes
from nbcarbon.errors import SettingError
from nbcarbon.notebook.amortizing import Question, answer, question
from nbcarbon.notebook.options import command
from tests import samples
from tests.samples import CPU, part, priced, report

TRAIN = priced(report("train", 100.0, part(CPU, 50.0, 47.5, 52.5), index=1))
TUNE = priced(report("fine tune", 100.0, part(CPU, 10.0, 9.5, 10.5), index=2))
WITHIN = priced(report("fine tune", 50.0, part(CPU, 5.0, 4.8, 5.2), index=3, parent=2))
ANSWER = priced(report("answer", 10.0, part(CPU, 2.0, 1.9, 2.1), index=4))
SESSION = samples.session(TRAIN, TUNE, WITHIN, ANSWER)


def said(line: str) -> str:
    return plain(answer(SESSION, question(command(f"amortize {line}").words)))


def test_energy_against_energy() -> None:
    """50 Wh at 0.1 Wh a query; the grid is the same, so 5 % of the training is all that is unsure."""
    assert said("--per-query 0.1Wh --training train") == (
        "500 queries (475 – 525) use as much as the training: 50 Wh (47.5 – 52.5) for it, "
        "0.1 Wh a query. In CO₂e 1.55 gCO₂e and 3.1 mgCO₂e, on the same grid."
    )


def test_grams_against_grams() -> None:
    assert said("--training train --per-query 3.1mgCO2e").startswith(
        "500 queries (437 – 571) emit as much as the training: 1.55 gCO₂e for it, 3.1 mgCO₂e a query."
    )


def test_a_cell_that_answered_queries_and_several_that_trained() -> None:
    """60 Wh of training (a run within another is not added) at 2 Wh for 1000 queries."""
    for line in (
        "--per-query answer/1000 --training train 'fine tune'",
        "--training=train,'fine tune' --per-query=answer/1000",
    ):
        assert said(line).startswith("30 000 queries (")
    assert said("--per-query answer --training train").startswith("25 queries (")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "needs --per-query"),
        ("--per-query 1Wh", "needs --training"),
        ("--training train", "needs --per-query"),
        ("1Wh --training train", "has no '1Wh'"),
        ("--per-query 1Wh --training train --fast", "has no '--fast'"),
        ("--per-query soon --training train", "'soon' is not an amount"),
        ("--per-query answer/few --training train", "not a number of queries"),
        ("--per-query answer/0 --training train", "not a number of queries"),
        ("--per-query 1Wh --training nothing", "No cell 'nothing'"),
        ("--per-query nothing/10 --training train", "No cell 'nothing'"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(line: str, sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        said(line)


def test_a_number_stands_for_a_cell_without_a_name() -> None:
    unnamed = priced(report("cell 7", 10.0, part(CPU, 3.0, 2.9, 3.1), index=7))
    found = answer(samples.session(unnamed), Question("1Wh", ("7",)))

    assert plain(found).startswith("3 queries (")


def test_one_run_of_a_body_that_ran_again_and_again_counts() -> None:
    """50 Wh in 10 runs are 5 Wh of training; 2 Wh in 4 runs of 5 queries are 0.1 Wh a query."""
    train = replace(TRAIN, run_count=10)
    query = replace(ANSWER, run_count=4, notes=CellNotes(query_count=5))
    found = answer(samples.session(train, query), Question("answer", ("train",)))

    assert plain(found).startswith("50 queries (")
