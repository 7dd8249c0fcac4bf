"""One session stays small: sizes and memory at two sizes, which tell what 100,000 cells come to.

`python -m tests.scale` measures 100,000 cells and 30 days, and prints how long everything takes.
"""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.compact import Compactor, compacted
from nbcarbon.core.events import CellClosed, Folded, Sampled
from nbcarbon.core.history import MOST_COUNT
from nbcarbon.core.session import Session
from nbcarbon.export import export, load
from nbcarbon.ledger.writer import LedgerWriter
from nbcarbon.meter.meter import MOST_UNFOLDED
from nbcarbon.notebook.card import MOST_ROWS, report_html, report_text
from nbcarbon.panel import view_model
from nbcarbon.recorded import export_session, read_session
from nbcarbon.testing import FakeClock
from tests.scale import measure
from tests.scale.sessions import Recorded

if TYPE_CHECKING:
    from pathlib import Path

MANY = 100_000


@pytest.fixture(scope="module")
def thousand() -> Session:
    return Session(Recorded(cells=1000).events())


@pytest.fixture(scope="module")
def two_thousand() -> Session:
    return Session(Recorded(cells=2000).events())


def test_a_hundred_thousand_cells_of_sixteen_devices_take_less_than_fifty_megabytes() -> None:
    """Of each cell that is not among the newest the same is kept, with ids of cells or without."""
    for ids in (True, False):
        closed = [e for e in Recorded(cells=1100, ids=ids).events() if isinstance(e, CellClosed)]
        held = []
        tracemalloc.start()
        session = Session(Recorded(cells=0).events())
        for number, event in enumerate(closed):
            if number in (500, 1000):
                gc.collect()  # free lists too
                held.append(tracemalloc.get_traced_memory()[0])
            session.apply(event)
        tracemalloc.stop()

        assert (held[1] - held[0]) / 500 * MANY < 50e6


def test_a_kernel_keeps_few_events_as_they_came() -> None:
    meter = measure.kernel_of(Recorded(cells=200))
    assert len(meter._unfolded) <= MOST_UNFOLDED
    assert len(meter.session.cells) == 200
    assert meter._unfolded == []
    assert meter._closed_indexes == set()


def test_the_table_of_very_many_cells_is_as_long_as_that_of_many(
    thousand: Session, two_thousand: Session
) -> None:
    texts = [report_text(each.figures()) for each in (thousand, two_thousand)]
    pages = [report_html(each.figures()) for each in (thousand, two_thousand)]

    assert len(texts[0].splitlines()) == len(texts[1].splitlines())
    assert "1 900 more" in texts[1]
    assert "cell 2000" in texts[1]
    assert max(len(each.encode()) for each in texts) < 15_000
    assert max(len(each.encode()) for each in pages) < 150_000


def test_what_the_table_leaves_out_is_in_it_as_a_sum(two_thousand: Session) -> None:
    figures = two_thousand.figures()
    shown = figures.cells.notable(MOST_ROWS)
    everything_j = sum(each.energy_j for each in figures.cells)

    assert len(shown) == MOST_ROWS
    assert figures.cells_energy.energy_j == pytest.approx(everything_j)
    left_out_j = min(each.energy_j for each in shown[:50])
    older = [each.energy_j for each in figures.cells[:1950]]
    assert sorted(older)[-50] == left_out_j


def test_the_panel_hears_no_more_of_a_long_session(
    thousand: Session, two_thousand: Session
) -> None:
    for session in (thousand, two_thousand):
        state = view_model.state(session, view_model.Context())
        assert _size(state) <= 2000
        assert len(view_model.cells(session)["cells"]) == view_model.MOST_CELLS
        assert _size(view_model.cells(session)) < 400_000
        assert len(view_model.history(session)["t_ms"]) <= MOST_COUNT
        assert _size(view_model.history(session)) < 100_000


def _size(message: object) -> int:
    return len(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode())


def test_exports_have_every_cell_where_a_program_reads_them(
    thousand: Session, tmp_path: Path
) -> None:
    for name in ("a.json", "a.md"):
        export_session(thousand, tmp_path / name, force=False, with_host=False)
    found = load(tmp_path / "a.json")
    text = (tmp_path / "a.md").read_text("utf-8")

    assert [each["index"] for each in found["cells"]] == list(range(1, 1001))
    assert sum(line.startswith("| cell ") for line in text.splitlines()) == 501  # and the heading
    assert "500 smaller and older cells are not shown. The JSON has them all." in text
    export(found, tmp_path / "b.md")
    assert (tmp_path / "b.md").read_text("utf-8") == text


# The ledger


def test_a_ledger_of_many_cells_is_small_and_is_the_session(tmp_path: Path) -> None:
    """Some 600 bytes a cell of 16 devices, and at most a tail."""
    path = tmp_path / "a.ledger"
    clock = FakeClock()
    writer = LedgerWriter(path, clock, start=lambda work: work(), smallest_tail_bytes=300_000)
    largest = 0
    events = list(Recorded(cells=500).events())
    for number, event in enumerate(events):
        writer.append(event, number)
        if number % 50 == 0:
            largest = max(largest, path.stat().st_size)
            writer.check()
    writer.close()
    session = read_session(path)

    assert largest < 500 * 700 + 400 * 1000 + 800_000
    assert len(session.cells) == 500
    expected = Session(events).figures()
    assert session.figures().cells_energy == expected.cells_energy
    assert [each.energy_j for each in session.figures().cells] == [
        each.energy_j for each in expected.cells
    ]


def test_a_cell_of_days_leaves_no_more_points_than_one_of_hours(tmp_path: Path) -> None:
    """A point a second, thinned by age: the finest of the last ten minutes, the coarsest of long ago."""
    sizes = []
    for hours in (1, 3):
        compactor = Compactor()
        for event in Recorded(cells=1, cell_s=3600.0 * hours).events():
            if not isinstance(event, CellClosed):
                compactor.take(event)
        found = list(compactor.events())
        (folded,) = [each for each in found if isinstance(each, Folded)]
        points = [each for each in found if isinstance(each, Sampled)]
        sizes.append(len(points) + len(folded.anchors))
        assert len(points) <= MOST_COUNT
        assert len(folded.anchors) < 30
    assert max(sizes) <= MOST_COUNT + 30


def test_compacting_needs_no_memory_for_what_was_packed_before() -> None:
    packed = compacted(Recorded(cells=600).events())
    grown = []
    for events in (packed[:], [*packed, *packed[1:3] * 4]):
        compactor = Compactor()
        tracemalloc.start()
        for event in events:
            compactor.take(event)
        grown.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    assert grown[1] < grown[0] + 50_000


# The sampler


def test_the_traces_of_one_long_cell_do_not_grow() -> None:
    assert measure.growth_of_traces(0.02, devices=4) < 0.02 * 0.4e6 + 20_000
