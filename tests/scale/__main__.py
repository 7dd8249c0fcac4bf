"""`python -m tests.scale [CELLS]`: one session of 100,000 cells on 16 devices, and one of 30 days, in figures.

Simulated clocks only. It takes some minutes: a day of a sampler's work is done in each of them.
"""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.scale import measure
from tests.scale.measure import DAY_S, MB, Found
from tests.scale.sessions import Recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SAMPLE = 300
"""So many cells tell how large an uncompacted ledger is."""


def many_cells(cells: int, folder: Path) -> Iterable[Found]:
    sample = folder / "sample.ledger"
    measure.written(sample, Recorded(cells=SAMPLE).events(), compact=False)
    path = folder / "many.ledger"
    whole_bytes = cells / SAMPLE * sample.stat().st_size
    yield from measure.on_disk(Recorded(cells=cells), path, whole_bytes=whole_bytes)
    yield from measure.report_from_disk(path)
    yield from measure.sampler_taking_up(path)
    yield from measure.compacting(path)


def thirty_days(folder: Path) -> Iterable[Found]:
    """An hour's cell, an hour's pause, for a month: a point a second while it runs."""
    recorded = Recorded(cells=360, cell_s=3600.0, pause_s=3600.0)
    path = folder / "month.ledger"
    whole_bytes = 15 * DAY_S * 920 + 15 * DAY_S / 10 * 920
    yield from measure.on_disk(recorded, path, whole_bytes=whole_bytes)
    yield from measure.report_from_disk(path)


def one_cell_of_thirty_days(folder: Path) -> Iterable[Found]:
    recorded = Recorded(cells=1, cell_s=30 * DAY_S)
    path = folder / "one.ledger"
    yield from measure.on_disk(recorded, path, whole_bytes=30 * DAY_S * 920)
    yield from measure.report_from_disk(path)


def traces(folder: Path) -> Iterable[Found]:
    yield Found(
        "traces: growth in an hour of one cell", measure.growth_of_traces(1.0) / MB, "MB", 0.4
    )


def _print(work: Callable[..., Iterable[Found]], arguments: tuple[object, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for found in work(*arguments, Path(folder)):
            print(found.line, flush=True)


def main(words: list[str]) -> int:
    cells = int(words[0]) if words else 100_000
    parts: list[tuple[str, Callable[..., Iterable[Found]], tuple[object, ...]]] = [
        (f"{cells:,} cells, 16 devices: the kernel", measure.in_the_kernel, (cells,)),
        ("10,000 cells, 16 devices: the kernel", measure.in_the_kernel, (10_000,)),
        (f"{cells:,} cells, 16 devices: the ledger", many_cells, (cells,)),
        ("30 days, 360 cells of an hour: the ledger", thirty_days, ()),
        ("one cell of 30 days: the ledger", one_cell_of_thirty_days, ()),
        ("the sampler", traces, ()),
    ]
    for title, work, arguments in parts:
        print(f"\n{title}")
        # Each in a process of its own: memory that one part took is not there for the next to find.
        process = multiprocessing.get_context("fork").Process(target=_print, args=(work, arguments))
        process.start()
        process.join()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
