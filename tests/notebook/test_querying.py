"""The table of queries among published tasks."""

from __future__ import annotations

from dataclasses import replace

import html5lib
import pytest

from nbcarbon.core.notes import CellNotes
from nbcarbon.core.tasks import TASKS
from nbcarbon.errors import SettingError
from nbcarbon.notebook import card, querying
from tests.payloads import PAYLOADS
from tests.samples import blind, short, train


def test_a_cell_stands_where_its_figure_belongs() -> None:
    answers = replace(train("answers"), notes=CellNotes(query_count=40, token_count=1000))
    lines = querying.text([answers]).splitlines()
    names = [line[2:].split("  ")[0] for line in lines[1:-3]]
    assert names[0] == "answers, 1 000 tokens"
    assert names[1:] == [
        *(each.name for each in TASKS[:5]), "answers", *(each.name for each in TASKS[5:]),
    ]  # fmt: skip
    (own,) = [line for line in lines if line.startswith("* answers  ")]
    assert own.split()[-1] == "40"
    assert "10.2 Wh (9 – 11.5)" in own
    assert max(map(len, lines)) <= card.LONGEST_LINE


def test_what_was_not_counted_is_not_in_it() -> None:
    measured = replace(short(), notes=CellNotes(query_count=1))
    unmeasured = replace(blind(), notes=CellNotes(query_count=1))
    found = querying.rows([train(), measured, unmeasured])
    assert [row.words[0] for row in found if row.own] == ["short"]
    with pytest.raises(SettingError, match="--queries 1000"):
        querying.rows([train(), unmeasured])


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_name_is_markup(payload: str) -> None:
    def tags(name: str) -> list[object]:
        cell = replace(train(name), notes=CellNotes(query_count=1))
        tree = html5lib.parse(querying.html([cell]), namespaceHTMLElements=False)
        return [each.tag for each in tree.iter()]

    assert tags(payload) == tags("plain")
    cell = replace(train(payload), notes=CellNotes(query_count=1))
    text = querying.text([cell], ascii=True)
    assert text.isascii()
    assert not any(each in text for each in ("\x1b", "\x07", "\r"))
