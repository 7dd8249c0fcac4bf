"""What one query cost, beside what is published."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core import tasks, wording
from nbcarbon.core.notes import CellNotes
from nbcarbon.core.per_unit import per_units
from nbcarbon.core.summary import cell
from nbcarbon.core.tasks import TASKS, beside
from tests.samples import blind, short, train


@given(st.integers(1, 10**9), st.integers(1, 10**9), st.integers(1, 50))
def test_all_queries_together_are_the_cell(queries: int, tokens: int, runs: int) -> None:
    notes = CellNotes(query_count=queries, token_count=tokens)
    figures = replace(train(), notes=notes, run_count=runs)
    query, token = per_units(figures)

    assert (query.unit, query.count) == ("query", queries * runs)
    assert (token.unit, token.count) == ("token", tokens * runs)
    for each in (query, token):
        assert each.count * each.energy.energy_j == pytest.approx(figures.energy_j)
        assert each.count * each.energy.low_j == pytest.approx(figures.low_j)
        assert each.count * each.emissions.high_g == pytest.approx(figures.high_g)


def test_nothing_is_told_of_what_was_not_counted_or_not_measured() -> None:
    assert per_units(train()) == ()
    assert per_units(replace(blind(), notes=CellNotes(query_count=5))) == ()
    assert cell(train())["per_query"] is None


def test_the_published_table() -> None:
    """Luccioni et al. 2024, Table 2: image generation is 1,453 times text classification (their means)."""
    kwh = {each.name: each.energy_kwh for each in TASKS}
    assert kwh["image generation"] / kwh["text classification"] == pytest.approx(1453, abs=1)
    assert list(kwh.values()) == sorted(kwh.values())
    assert len(TASKS) == 10
    assert TASKS[0].energy_j == pytest.approx(7200.0)


@given(st.floats(0, 1e9))
def test_a_figure_lies_between_its_neighbours(energy_j: float) -> None:
    below, above = beside(energy_j)
    assert below is None or below.energy_j <= energy_j
    assert above is None or energy_j < above.energy_j
    between = [each for each in TASKS if each not in (below, above)]
    assert not any(
        (below.energy_j if below else -1) < each.energy_j < (above.energy_j if above else 1e12)
        for each in between
    )


def test_the_words_on_a_card() -> None:
    notes = CellNotes(score=0.912, score_unit="accuracy", query_count=40, token_count=1)
    lines = [
        " · ".join(each).replace("\u00a0", " ")
        for each in wording.noted(replace(train(), notes=notes))
    ]
    assert lines[0] == "score 0.912 accuracy"
    assert lines[1].startswith("each of 40 queries: 10.2 mWh (9 – 11.5) · 0.32 mgCO₂e (")
    assert (
        lines[2]
        .replace("\u202f", ",")
        .startswith("1,000 queries: 10.2 Wh (9 – 11.5) · 0.32 gCO₂e (")
    )
    assert lines[3].replace("\u202f", ",") == (
        "published for 1,000 queries: image classification 7 Wh · object detection 38 Wh · "
        + tasks.SOURCE
    )
    assert lines[4].startswith("one token: 0.41 Wh")
    assert len(lines) == 6


def test_below_resolution_a_query_has_only_a_range() -> None:
    lines = wording.noted(replace(short(), notes=CellNotes(query_count=3)))
    assert lines[0][0].replace("\u00a0", " ") == "each of 3 queries: 0 – 1 mWh"
