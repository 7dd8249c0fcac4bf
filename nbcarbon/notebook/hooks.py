"""IPython's four events, told to the meter: which cell runs, from when, to when, how it ended.

They stand on the user's path. So: nothing that waits, no error that gets out, no interrupt that gets
lost or lands in here, nothing in a forked child.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from IPython.core.interactiveshell import InteractiveShell

from nbcarbon.core.cell import Outcome
from nbcarbon.errors import SettingError
from nbcarbon.notebook.options import CellOptions, cell_options
from nbcarbon.notebook.transform import options_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from nbcarbon.core.said import Edge
    from nbcarbon.meter.meter import Meter, Run
    from nbcarbon.notebook.stops import Stops

MOST_FAILURES: Final = 3
REDELIVERY_S: Final = 0.003
"""An interrupt that came while a hook ran comes again this much later, when the cell's body runs."""

_RUN_CELL = InteractiveShell.run_cell_async.__code__

# Bound at import: a user who shadows these names in a notebook must not stop a measurement.
_getpid, _ident, _kill = os.getpid, threading.get_ident, os.kill


class Cell:
    """A cell that runs now. `shown` holds its options once its `%%carbon` line has run."""

    __slots__ = ("info", "named", "run", "shown")

    def __init__(self, info: Any, run: Run, *, named: bool) -> None:
        self.info = info
        self.run = run
        self.named = named
        self.shown: CellOptions | None = None

    def name(self, name: str) -> None:
        """Name it while it runs."""
        self.run.name = name
        self.named = True


class Hooks:
    """The callbacks of one shell. `register` and `unregister` are each other's inverse."""

    def __init__(
        self,
        shell: Any,
        meter: Meter,
        *,
        may_be_queued: Callable[[], bool],
        synchronise: Callable[[], bool],
        show: Callable[[Cell], None],
        failed: Callable[[str], None],
        page_seen: Callable[[], None],
    ) -> None:
        self._shell = shell
        self._meter = meter
        self.may_be_queued = may_be_queued
        self._synchronise = synchronise
        self._show = show
        self._failed = failed
        self._page_seen: Callable[[], None] | None = page_seen
        self.stops: Stops | None = None
        self._pid = _getpid()
        self._main_thread = threading.main_thread().ident
        self._failure_count = 0
        self._count_ahead = 0
        self._waiting: defaultdict[int, list[Edge]] = defaultdict(list)
        self._cells: dict[int, Cell] = {}
        self.numbers: dict[int, int] = {}
        self._stacks: defaultdict[int, list[Cell]] = defaultdict(list)
        # One object for good: IPython finds a callback again by what it is.
        self._callbacks: dict[str, Callable[..., None]] = {
            "pre_execute": self.pre_execute,
            "pre_run_cell": self.pre_run_cell,
            "post_execute": self.post_execute,
            "post_run_cell": self.post_run_cell,
        }

    def register(self) -> bool:
        """Hear the shell's events. Whether any had to be registered: another extension may clear them."""
        missing = [
            (name, callback)
            for name, callback in self._callbacks.items()
            if callback not in self._shell.events.callbacks[name]
        ]
        for name, callback in missing:
            # First before the cell, last after it would be best; IPython only appends.
            self._shell.events.register(name, callback)
        return bool(missing)

    def unregister(self) -> None:
        for name, callback in self._callbacks.items():
            if callback in self._shell.events.callbacks[name]:
                self._shell.events.unregister(name, callback)

    def leave(self) -> None:
        """End whatever runs: what comes is another session's."""
        for cell in reversed(self._cells.values()):
            self._meter.close(cell.run, Outcome.OK)

    def current(self) -> Cell | None:
        """The innermost cell that runs on this thread."""
        stack = self._stacks.get(_ident())
        return stack[-1] if stack else None

    # IPython calls these

    def pre_execute(self) -> None:
        """Anything begins, silent or not: note the moment, `pre_run_cell` says whether it is a cell."""
        self._guarded(self._note, again=True)

    def pre_run_cell(self, info: Any) -> None:
        self._guarded(self._open, info, again=True)

    def post_execute(self) -> None:
        self._guarded(self._close_silent, again=False)

    def post_run_cell(self, result: Any) -> None:
        cell = self._ending(result)
        if self.stops is not None and self._is_outermost(cell):
            self.stops.disarm()
        synced = self._wait_for_gpu(cell) if cell is not None else False
        self._guarded(self._close, cell, result, synced, again=False)

    # What they do

    def _note(self) -> None:
        if self._meter.measuring:
            self._waiting[_ident()].append(self._meter.edge())

    def _open(self, info: Any) -> None:
        waiting = self._waiting.pop(_ident(), [])
        thread = _ident()
        if not self._stacks[thread]:
            self._meter.abandon_thread()
        cell_id = getattr(info, "cell_id", None)
        if cell_id is not None and self._page_seen is not None:
            page_seen, self._page_seen = self._page_seen, None
            page_seen()  # only a page that shows cells names one
        nested = bool(self._stacks[thread])
        name = _given_name(info.raw_cell or "")
        run = self._meter.open(
            key=cell_id,
            source=info.raw_cell or "",
            name=name or f"cell {self._shell.execution_count - self._count_ahead}",
            # Inspectors of front ends run code that is in no history and in no cell.
            front_end=cell_id is None and not info.store_history,
            edge=waiting[-1] if waiting and not nested else None,
        )
        if run is None:
            return
        cell = Cell(info, run, named=bool(name))
        self._cells[id(info)] = cell
        self._stacks[thread].append(cell)
        if self.stops is not None and self._is_outermost(cell):
            self.stops.arm(run.index)

    def _is_outermost(self, cell: Cell | None) -> bool:
        """Whether a cell is the one that the main thread runs, and is in no other one."""
        stack = self._stacks.get(self._main_thread or 0)
        return cell is not None and bool(stack) and stack[0] is cell  # type: ignore[index]

    def may_stop(self, stops: Stops) -> None:
        """From now on cells may be stopped, the one that runs as well."""
        self.stops = stops
        stack = self._stacks.get(self._main_thread or 0)
        if stack and _ident() == self._main_thread:
            stops.arm(stack[0].run.index)
            stops.stand_in_front()

    def may_not_stop(self) -> None:
        """The same undone."""
        stops, self.stops = self.stops, None
        if stops is not None:
            stops.disarm()
            if _ident() == self._main_thread:
                stops.stand_in_front()

    def _renamed(self, name: str, result: Any) -> str:
        """A cell by its number in the notebook, which only its result tells for sure.

        Whether IPython has counted a cell already when it begins depends on its version.
        """
        number = getattr(result, "execution_count", None)
        begun = name.removeprefix("cell ")
        if number is None or not begun.isdigit() or name == begun:
            return name
        self._count_ahead += int(begun) - number
        return f"cell {number}"

    def _ending(self, result: Any) -> Cell | None:
        """The cell that is over, None where it was never opened.

        An interrupt in the shell's own code leaves no result, or one of a cell that nobody has heard of:
        then it is the innermost one, where more are open than still run around this one.
        """
        cell = None if result is None else self._cells.get(id(result.info))
        if cell is not None:
            return cell
        around = 0
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            around += frame.f_code is _RUN_CELL
            frame = frame.f_back
        stack = self._stacks.get(_ident(), [])
        return stack[-1] if len(stack) > around else None

    def _close(self, cell: Cell | None, result: Any, synced: bool) -> None:
        if cell is None:
            return
        self._cells = {key: each for key, each in self._cells.items() if each is not cell}
        for thread, stack in list(self._stacks.items()):
            if cell in stack:
                stack.remove(cell)
                if not stack:
                    del self._stacks[thread]
        number = getattr(result, "execution_count", None)
        if cell.named and isinstance(number, int):
            self.numbers[number] = cell.run.index  # what has a name is still known by its number
        if not cell.named:
            cell.run.name = self._renamed(cell.run.name, result)
        self._meter.close(cell.run, _outcome(result), synced=synced)
        if cell.shown is not None:
            self._show(cell)

    def _close_silent(self) -> None:
        """What began and was no cell: a front end's own."""
        waiting = self._waiting.pop(_ident(), [])
        if waiting:
            run = self._meter.open(
                key=None, source="", name="front end", front_end=True, edge=waiting[-1]
            )
            self._meter.close(run, Outcome.OK)

    def _wait_for_gpu(self, cell: Cell) -> bool:
        """Whether nothing is queued any more. Outside the guard: this may take long, and Ctrl-C ends it."""
        if not self.may_be_queued():
            return True
        if cell.shown is None or not cell.shown.sync:
            return False
        try:
            return self._synchronise()
        except KeyboardInterrupt:
            return False

    def _guarded(self, action: Callable[..., None], *arguments: Any, again: bool) -> None:
        if self._failure_count >= MOST_FAILURES or _getpid() != self._pid:
            return
        interrupts: list[int] = []
        previous = None
        if _ident() == self._main_thread:
            previous = signal.getsignal(signal.SIGINT)
            if previous is not None:
                signal.signal(signal.SIGINT, lambda number, frame: interrupts.append(number))
        try:
            action(*arguments)
        except BaseException as error:  # noqa: BLE001 (nothing of ours may end the user's cell)
            self._count_failure(error)
        finally:
            if previous is not None:
                if self.stops is not None:
                    previous = self.stops.handler_for(previous)
                signal.signal(signal.SIGINT, previous)
        if interrupts and self.stops is not None and self.stops.recall():
            return
        if interrupts and again:
            # Raised in here it would only end this callback, and the cell would run on.
            timer = threading.Timer(REDELIVERY_S, _kill, (self._pid, signal.SIGINT))
            timer.daemon = True
            timer.start()

    def _count_failure(self, error: BaseException) -> None:
        self._failure_count += 1
        if self._failure_count == MOST_FAILURES:
            reason = f"its hook failed {MOST_FAILURES} times ({type(error).__name__}: {error})"
            self._failed(
                f"nbcarbon stopped measuring: {reason}. %reload_ext nbcarbon starts again."
            )


def _given_name(source: str) -> str:
    """What a cell's `%%carbon` line calls it, empty where it has none."""
    line = options_of(source)
    try:
        return "" if line is None else cell_options(line).name
    except SettingError:
        return ""  # the cell's first statement says what is wrong


def _outcome(result: Any) -> Outcome:
    if result is None:
        return Outcome.INTERRUPTED
    error = result.error_before_exec or result.error_in_exec
    if error is None:
        return Outcome.OK if result.success else Outcome.ERROR
    # An interrupt ends an awaiting cell with CancelledError.
    interrupted = isinstance(error, (KeyboardInterrupt, asyncio.CancelledError))
    return Outcome.INTERRUPTED if interrupted else Outcome.ERROR
