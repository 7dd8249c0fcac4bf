"""Cards and tables: what they say, how wide they are, and that nothing in them is ever markup."""

from __future__ import annotations

import json
from dataclasses import replace

import html5lib
import pytest

from nbcarbon.core.attribution import Rule
from nbcarbon.core.notes import CellNotes
from nbcarbon.notebook import card
from tests.payloads import PAYLOADS
from tests.samples import CPU, DRAM, blind, part, priced, report, session, short, train, wide

CARDS = {"train": train(), "short": short(), "blind": blind(), "wide": wide()}


def test_the_card_of_the_design() -> None:
    lines = card.card_text(train()).splitlines()
    assert lines[0] == "train   12.3 s   0.41 Wh (0.36 – 0.46)   12.7 mgCO₂e (10.5 – 15)"
    assert lines[1].strip() == (
        "80 % measured · France, 31 g/kWh (2025, lifecycle) · whole machine, own share 91 %"
    )
    assert lines[2].split() == [
        "CPU", "package", "0", "0.11", "Wh", "32", "W", "measured", "(RAPL)",
    ]  # fmt: skip
    assert "modelled" in lines[4]


@pytest.mark.parametrize("figures", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize("ascii", [False, True])
def test_no_line_is_wider_than_a_hundred_columns(figures: object, ascii: bool) -> None:
    text = card.card_text(figures, notices=("One thing to know.",), ascii=ascii)  # type: ignore[arg-type]
    assert max(map(len, text.splitlines())) <= card.LONGEST_LINE
    assert text.isascii() or not ascii
    assert "One thing to know." in text


def test_what_was_not_measured_is_never_0() -> None:
    text = card.card_text(blind())
    assert "not measured" in text
    assert "no reading" in text
    assert " 0 Wh" not in text
    assert "0 – 3 mWh" in card.card_text(short())
    assert "below resolution" in card.card_text(short())


def test_an_unknown_zone_and_an_interrupt_are_said() -> None:
    text = card.card_text(wide())
    assert "zone unknown, world average" in text
    assert "interrupted" in text
    assert "about 0.4 Wh" in text


def test_the_rule_is_named_and_the_other_figure_shown() -> None:
    assert "own share 0.38 Wh" in " ".join(card.card_text(train()).split())
    shared = " ".join(card.card_text(train(rule=Rule.SHARE)).split())
    assert "this notebook's share, 91 % of the machine" in shared
    assert "whole machine 0.41 Wh" in shared
    assert "charged whole" in shared


def test_a_device_within_another_is_marked() -> None:
    found = priced(report("a", 10, part(CPU, 1, 0.9, 1.1), part(DRAM, 0.2, 0.1, 0.3)))
    assert "part of another row" in card.card_text(found)


def parsed(markup: str) -> object:
    return html5lib.parseFragment(markup, treebuilder="etree", namespaceHTMLElements=False)


def elements(markup: str) -> list[object]:
    return [each for each in parsed(markup).iter() if isinstance(each.tag, str)]  # type: ignore[attr-defined]


ALLOWED = {
    "DOCUMENT_FRAGMENT", "div", "details", "summary", "table", "thead", "tbody", "tr", "th", "td",
    "span", "bdi",
}  # fmt: skip


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_name_is_text_wherever_it_is_shown(payload: str) -> None:
    figures = train(payload)
    for markup in (
        card.card_html(figures, notices=(payload,)),
        card.waiting_html(payload, 1.0),
        card.report_html(session(figures, notices=(payload,))),
    ):
        assert {each.tag for each in elements(markup)} <= ALLOWED  # type: ignore[attr-defined]
        names = {name for each in elements(markup) for name in each.attrib}  # type: ignore[attr-defined]
        assert names <= {"style", "class", "title", "scope"}
        assert "<script" not in markup.lower()
    for text in (card.card_text(figures), card.report_text(session(figures))):
        assert not any(each in text for each in ("\x1b", "\r", "\x9b", "\u202e"))
    json.dumps(card.card_json(figures), allow_nan=False)


@pytest.mark.parametrize("figures", CARDS.values(), ids=CARDS)
def test_a_bundle_has_all_three(figures: object) -> None:
    found = card.bundle(figures)  # type: ignore[arg-type]
    assert set(found) == {"text/plain", "text/html", card.MIME}
    assert set(card.waiting_bundle("a", 1.0)) == {"text/plain", "text/html"}
    assert found[card.MIME]["schema"] == "nbcarbon.card"


@pytest.mark.parametrize("width", [60, 80, 100, 140])
def test_a_table_fits_whatever_is_in_it(width: int) -> None:
    figures = session(train("x" * 500), short(), blind(), wide())
    text = card.report_text(figures, width=width)
    assert max(map(len, text.splitlines())) <= width
    assert "total" in text
    assert ("between cells" in text) == (width >= 100)  # names give way first


def test_a_nested_cell_is_indented_and_explained() -> None:
    nested = priced(report("inner", 3, part(CPU, 0.1, 0.09, 0.11), parent=1, index=2))
    text = card.report_text(session(train(), nested))
    assert "  inner" in text
    assert "An indented row is part of the row above it." in text


def test_the_table_adds_up_what_is_tagged() -> None:
    cells = [
        replace(train(), notes=CellNotes(tag="fit")),
        replace(wide(), notes=CellNotes(tag="<b>fit</b>")),
        short(),
    ]
    figures = replace(session(*cells), tagged=True)
    text = card.report_text(figures)

    assert (
        "tag fit: 1 cell · 0.41 Wh (0.36 – 0.46) · 12.7 mgCO₂e (10.5 – 15) · 51 % of all cells"
        in text
    )
    assert "no tag: 1 cell" in text
    assert max(map(len, text.splitlines())) <= card.LONGEST_LINE
    html = card.report_html(figures)
    assert "#&lt;b&gt;fit&lt;/b&gt;" in html
    assert "<b>" not in html


def test_a_body_that_ran_again_and_again_is_one_row() -> None:
    whole = replace(train("often"), index=1, run_count=3)
    batches = [
        replace(train("often"), index=2 + n, parent_index=1, run_count=1, is_batch=True)
        for n in range(3)
    ]
    text = card.report_text(session(whole, *batches))
    assert text.count("often") == 1
    assert "often × 3" in text
    assert "indented" not in text
