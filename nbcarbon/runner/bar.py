"""The line that moves while a notebook runs: how far it is, which cell runs, what it used so far."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from nbcarbon.core import escape, humanize
from nbcarbon.core.live import live

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self

    from nbcarbon.core.live import Live
    from nbcarbon.recorded import FollowedSession

TICK_S: Final = 1.0
WIDTH: Final = 16
LONGEST_NAME: Final = 28
_GAP: Final = "   "


class Bar:
    """Shows a line once a second on a thread of its own, while it is entered and a cell runs.

    `show` gets the line; None where nobody looks, and then no thread is started.
    """

    def __init__(
        self, followed: FollowedSession, show: Callable[[str], None] | None, *, ascii: bool
    ) -> None:
        self._followed = followed
        self._show = show
        self._ascii = ascii
        self._lock = threading.Lock()
        self._cell: tuple[int, int, str, float] | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nbcarbon-bar", daemon=True)

    def __enter__(self) -> Self:
        if self._show is not None:
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def started(self, position: int, of: int, first_line: str) -> None:
        """The cell `position` of `of` runs now."""
        with self._lock:
            self._cell = (position, of, first_line, time.monotonic())
        self._paint()

    def finished(self) -> None:
        """It is over: what is said next takes the line's place."""
        with self._lock:
            self._cell = None

    def _run(self) -> None:
        while not self._over.wait(TICK_S):
            self._paint()

    def _paint(self) -> None:
        # Under the lock, so that no line comes after the cell's own last one.
        with self._lock:
            if self._cell is not None and self._show is not None:
                position, of, first_line, since_s = self._cell
                run_s = time.monotonic() - since_s
                now = live(self._followed.update())
                self._show(line(position, of, first_line, run_s, now, ascii=self._ascii))


def line(
    position: int, of: int, first_line: str, run_s: float, now: Live, *, ascii: bool = False
) -> str:
    """`[3/8] ██████░░░░░░░░░░ train   12 s   41 W   0.41 Wh so far`, within 100 columns."""
    done = round(WIDTH * (position - 1) / of)
    full, empty = ("#", "-") if ascii else ("█", "░")
    # Until its report comes a cell has the name of its first line here, and of its number there.
    named = now.run is not None and not now.run.name.startswith("cell ")
    name = now.run.name if named and now.run is not None else first_line
    known = [humanize.power(now.power_w)] if now.power_w is not None and now.run is not None else []
    parts = [
        f"[{position}/{of}] {full * done}{empty * (WIDTH - done)} {_cut(escape.terminal(name))}",
        humanize.duration(float(round(run_s))) if run_s >= 1 else "0 s",
        *known,
        *([f"{humanize.energy(now.energy.energy_j)} so far"] if now.devices else []),
    ]
    return humanize.plain(_GAP.join(parts), ascii=ascii)


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + escape.ELLIPSIS
