"""Interrupts the cell that runs, as Ctrl-C would: never what comes after it, and once at most.

Whoever wants it stopped is on another thread, and by the time a signal is handled the cell may be over.
So while a cell may be stopped a handler of ours stands before the one that is there. It knows a signal
that we sent from one that a person sent, which it passes on, and looks at what the main thread is doing:
only in the cell's own code, or while the cell awaits, does ours go on to the other handler. At any other
moment it is forgotten, and may be sent again.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    Handler = Callable[[int, FrameType | None], Any]

_OURS: Final = "nbcarbon."
_BODY_FILE: Final = "nbcarbon.notebook.body"
_SHELL: Final = "IPython.core.interactiveshell"
_RUNNING: Final = ("run_cell", "_run_cell", "run_cell_async", "run_ast_nodes", "run_code")
_SHELLS: Final = (_SHELL, "ipykernel.")
_CALLBACKS: Final = "IPython.core.events"
_LOOP: Final = ("asyncio.base_events", "_run_once")


class Stops:
    """The interrupts of one shell. All but `stop` is called on the main thread."""

    def __init__(self, user_names: dict[str, Any]) -> None:
        self._user_names = user_names
        self._lock = threading.Lock()
        self._main = threading.main_thread()
        self._index: int | None = None
        self._sent = False
        self._stopped_index: int | None = None

    def arm(self, index: int) -> None:
        """A cell begins, which may be stopped from now on."""
        with self._lock:
            self._index, self._sent = index, False

    def disarm(self) -> None:
        """It is over: from here on nothing is sent, and what was sent is forgotten."""
        with self._lock:
            self._index = None

    @property
    def armed_index(self) -> int | None:
        """The cell that may be stopped now: the outermost one of the main thread, which alone hears Ctrl-C."""
        return self._index

    def stop(self, index: int) -> bool:
        """Interrupt a cell, if it is the one that runs. False where something else handles interrupts, which
        is left alone. On any thread."""
        with self._lock:
            if self._index != index or self._sent or self._stopped_index == index:
                return True
            if not isinstance(signal.getsignal(signal.SIGINT), _Handler):
                return False
            self._sent = True
            # To that thread: it wakes from whatever it waits for.
            if hasattr(signal, "pthread_kill") and self._main.ident is not None:
                signal.pthread_kill(self._main.ident, signal.SIGINT)
            else:
                import _thread

                _thread.interrupt_main()
            return True

    def has_stopped(self, index: int) -> bool:
        """Whether a cell got its interrupt."""
        return self._stopped_index == index

    def handler_for(self, there: Any) -> Any:
        """What is to handle interrupts from now on, where `there` is what does."""
        if self._index is not None and callable(there) and not isinstance(there, _Handler):
            return _Handler(self, there)
        if self._index is None and isinstance(there, _Handler):
            return there.before
        return there

    def stand_in_front(self) -> None:
        """The same at once, within a cell."""
        there = signal.getsignal(signal.SIGINT)
        wanted = self.handler_for(there)
        if wanted is not there:
            signal.signal(signal.SIGINT, wanted)

    def recall(self) -> bool:
        """Whether an interrupt that arrived where it must not was ours. It is forgotten."""
        sent, self._sent = self._sent, False
        return sent

    # Takes no lock: it runs on the main thread at any moment, which may hold it.
    def reaches(self, frame: FrameType | None) -> bool:
        """Whether an interrupt of ours that arrives now finds the cell's own code."""
        if self._index is None or not in_body(frame, self._user_names):
            return False
        self._stopped_index = self._index
        return True


class _Handler:
    """Stands before another handler. It works on where somebody keeps it beyond its cell."""

    def __init__(self, stops: Stops, before: Handler) -> None:
        self._stops = stops
        self.before = before

    def __call__(self, number: int, frame: FrameType | None) -> Any:
        # A traceback ends in one of these two lines: they say why.
        if not self._stops.recall():
            return self.before(number, frame)  # Ctrl-C, or the page's Interrupt
        if not self._stops.reaches(frame):
            return None
        answer = self.before(number, frame)  # the budget is used up: this cell is interrupted
        _wake_loop()
        return answer


def _wake_loop() -> None:
    """A loop that waits for something else does not look at what a handler has just asked of it."""
    loops = sys.modules.get("asyncio.events")
    loop = loops._get_running_loop() if loops is not None else None
    if loop is not None:
        loop.call_soon_threadsafe(lambda: None)


def in_body(frame: FrameType | None, user_names: dict[str, Any]) -> bool:
    """Whether the main thread, stopped at a frame, runs a cell's own code or waits while the cell awaits.

    Not where it is in nbcarbon's own code, in the shell's before the cell's code or after it, or in a
    callback of its events, from which no interrupt gets out.
    """
    in_shell = in_loop = False
    while frame is not None:
        module, back = str(frame.f_globals.get("__name__", "")), frame.f_back
        if frame.f_globals is user_names:
            if back is not None and _runs_cells(back):
                return True
        elif module.startswith(_OURS) or module == _CALLBACKS:
            return False
        elif module == _SHELL and frame.f_code.co_name in _RUNNING and not in_loop:
            return False  # around a cell's code, or that of one within it
        elif not in_loop:
            in_shell |= module.startswith(_SHELLS)
            in_loop = (module, frame.f_code.co_name) == _LOOP
        frame = back
    # Nothing but a loop: the shell has begun the cell, and goes on when the cell does.
    return in_loop and not in_shell


def _runs_cells(frame: FrameType) -> bool:
    """Whether a frame is the one from which the code of cells is run: the shell's, or ours for `--repeat`."""
    return (frame.f_globals.get("__name__"), frame.f_code.co_name) in (
        (_SHELL, "run_code"),
        (_BODY_FILE, "run"),
    )
