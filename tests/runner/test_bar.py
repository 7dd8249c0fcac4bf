from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.live import live
from nbcarbon.core.session import Session
from nbcarbon.runner.bar import Bar, line
from tests.wire.examples import START, running

if TYPE_CHECKING:
    from pathlib import Path


class Followed:
    """A ledger that holds what it is given."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def update(self) -> Session:
        return self.session


def test_a_line_says_how_far_which_cell_and_how_much() -> None:
    shown = line(3, 8, "%%carbon evaluate", 12.3, live(running()))

    assert shown == "[3/8] ████░░░░░░░░░░░░ evaluate   12 s   308 W   10.7 Wh so far"


def test_a_cell_nobody_named_is_its_first_line_and_what_nobody_read_is_left_out() -> None:
    shown = line(1, 8, "model.fit(a_very_long_name, another_one)", 0.2, live(Session([START])))

    assert shown == "[1/8] ░░░░░░░░░░░░░░░░ model.fit(a_very_long_name,…   0 s"


def test_a_bare_terminal_gets_ascii() -> None:
    assert line(8, 8, "x\x1b[2J", 1.0, live(running()), ascii=True).isascii()


@pytest.mark.parametrize("name", ["x" * 500, "名前" * 40, ""])
def test_a_line_fits_a_terminal(name: str) -> None:
    assert len(line(999, 1000, name, 86_400, live(Session([START])))) <= 100


def test_it_shows_a_line_at_once_and_none_when_the_cell_is_over() -> None:
    shown: list[str] = []
    with Bar(Followed(running()), shown.append, ascii=True) as bar:  # type: ignore[arg-type]
        bar.started(1, 2, "x = 1")
        bar.finished()

    assert len(shown) == 1
    assert shown[0].startswith("[1/2]")


def test_where_nobody_looks_nothing_is_read(tmp_path: Path) -> None:
    with Bar(None, None, ascii=True) as bar:  # type: ignore[arg-type]
        bar.started(1, 2, "x = 1")
        bar.finished()
