"""`nbcarbon run`: execute a notebook in a real kernel with every cell measured, and show the cost.

The kernel loads nbcarbon by an argument of its command line, so a notebook needs no change and a
later `%load_ext` in it is harmless. The runner learns what each cell cost from the ledger alone:
the same file that survives when the kernel does not.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from nbcarbon import app, recorded
from nbcarbon.core import escape
from nbcarbon.notebook.card import MIME
from nbcarbon.runner.bar import Bar
from nbcarbon.runner.execute import Progress, run_notebook

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nbcarbon.core.figures import Figures
    from nbcarbon.core.session import Session

FIGURES_WAIT_S = 2.0
"""How long the line of a finished cell waits for its figures; the table has them in any case."""

FAILED, DONE = 1, 0


def run(
    notebook: Path,
    *,
    output: Path | None,
    summaries: Sequence[Path] | None,
    zone: str | None,
    allow_errors: bool,
    with_host: bool,
    say: Callable[[str], None],
    running: Callable[[str], None] | None,
    ascii: bool,
) -> int:
    """Run a notebook, say what each cell cost while it runs, write it and its summaries.

    `running` gets a line on the cell that runs now, once a second (None: nobody looks); `say` gets
    everything that stays.

    Returns 0, or 1 where a cell failed or the kernel died: everything is written all the same.
    Raises RunError or ExportError where that is not possible at all.
    """
    from nbcarbon import export
    from nbcarbon.core import humanize
    from nbcarbon.notebook.card import report_text

    stem = notebook.with_suffix("")
    output = output or stem.with_suffix(".executed.ipynb")
    summaries = summaries or [stem.with_suffix(".carbon.json"), stem.with_suffix(".carbon.md")]
    for path in summaries:
        export.check(path)  # a suffix nobody knows is better heard of now than after an hour
    environ = dict(os.environ)
    if zone is not None:
        environ["NBCARBON_ZONE"] = app.checked_zone(zone)
    ledger = recorded.new_ledger_path(environ)
    environ[app.LEDGER_VARIABLE] = str(ledger)
    followed = recorded.FollowedSession(ledger)

    bar = Bar(recorded.FollowedSession(ledger), running, ascii=ascii)

    def finished(progress: Progress) -> None:
        line = _line(progress, _figures(followed, progress.position), ascii=ascii)
        bar.finished()
        say(line)

    began_s = time.monotonic()
    with bar:
        ran = run_notebook(
            notebook,
            environ=environ,
            allow_errors=allow_errors,
            started=bar.started,
            finished=finished,
        )
    wait_until(lambda: followed.update().ended is not None)
    session = recorded.read_session(ledger)
    _fill_in(ran.notebook, session)
    _write_notebook(ran.notebook, output)
    say("")
    say(report_text(session.figures(), ascii=ascii))
    for notice in session.notices.values():
        say(humanize.plain(escape.terminal(notice), ascii=ascii))
    say("")
    if ran.error:
        say(
            f"Stopped: {escape.terminal(ran.error)[:500]} (after {humanize.duration(time.monotonic() - began_s)})"
        )
    for path in summaries:
        recorded.export_session(session, path, force=True, with_host=with_host)
    for path in (output, *summaries):
        say(f"Written: {path}")
    return FAILED if ran.error else DONE


def _line(progress: Progress, figures: Figures | None, *, ascii: bool) -> str:
    """One finished cell, in one line."""
    from nbcarbon.core import humanize
    from nbcarbon.notebook.card import brief

    start = f"[{progress.position}/{progress.of}] {progress.first_line[:40]:<40}"
    said = progress.outcome if figures is None else brief(figures)
    return humanize.plain(f"{start}   {said}", ascii=ascii)


def _figures(followed: recorded.FollowedSession, position: int) -> Figures | None:
    """The figures of the n-th cell, as soon as the ledger has them. What ran inside of one is none."""

    def cells() -> list[int]:
        report, joules = followed.update().cells.cells()
        outer = [place for place, energy_j in enumerate(joules) if energy_j >= 0]
        return [report(each).run.index for each in outer[:position]]

    if not wait_until(lambda: len(cells()) >= position):
        return None
    return followed.session.figures_of(cells()[-1])


def _fill_in(notebook: Any, session: Session) -> None:
    """Give every card its figures, those too that were still waiting for them when their cell ended."""
    from nbcarbon.notebook.card import bundle
    from nbcarbon.notebook.display import INDEX_KEY

    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            index = output.get("metadata", {}).get(INDEX_KEY)
            if index in session.cells and MIME not in output.get("data", {}):
                output["data"] = bundle(session.figures_of(index))


def _write_notebook(notebook: Any, path: Path) -> None:
    import nbformat

    from nbcarbon.files import write_atomic

    text: str = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    write_atomic(path, text.encode("utf-8"), force=True)


def wait_until(done: Callable[[], bool], timeout_s: float = FIGURES_WAIT_S) -> bool:
    """Ask again and again until it is done or the time is over."""
    deadline_s = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True
