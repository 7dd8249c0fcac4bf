"""`%carbon budget` and `%%carbon --budget`: says once that one is nearly used, and stops the cell if asked to.

It looks whenever the sampler has said something, once a second while a cell runs, on the thread that heard it.
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import budget
from nbcarbon.core.budget import SETTING, WARN_FRACTION, Use
from nbcarbon.core.cell import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbcarbon.app import App
    from nbcarbon.core.session import Session
    from nbcarbon.meter.meter import Meter
    from nbcarbon.notebook.options import Command
    from nbcarbon.notebook.stops import Stops


MOST_REFUSALS: Final = 3
"""So often something else handled interrupts when a cell was to be stopped: it does so for good, then."""

_Key = tuple[int | None, str]


class BudgetWatch:
    """Watches the budgets of one session. `say` shows a line in the cell that runs."""

    def __init__(self, meter: Meter, stops: Stops, say: Callable[[str], None]) -> None:
        self._meter = meter
        self._stops = stops
        self._say = say
        self._warned: set[_Key] = set()
        self._asked: dict[_Key, int] = {}
        self._refusals: Counter[_Key] = Counter()

    def begin_anew(self) -> None:
        """The session's budget was set: whatever one before it has said or stopped is over."""
        self._warned = {key for key in self._warned if key[0] is not None}
        self._asked = {key: index for key, index in self._asked.items() if key[0] is not None}

    def heard(self, event: dict[str, Any]) -> None:
        """The sampler has said something. It must not raise."""
        if event.get("type") != "Sampled":
            return
        for use in self._meter.look(_uses):
            key = (use.index, use.budget.text)
            if use.used_fraction >= 1 and use.budget.stop and self._may_stop(use, key):
                self._stop(use, key)
            elif use.used_fraction >= WARN_FRACTION and key not in self._warned:
                self._warned.add(key)
                self._tell(budget.words(use))

    def _may_stop(self, use: Use, key: _Key) -> bool:
        """Whether the cell that runs is this budget's to stop. Each stops one cell, and no other after that."""
        running = self._stops.armed_index
        if running is None or use.index not in (None, running):
            return False
        asked = self._asked.get(key)
        done = asked is not None and self._stops.has_stopped(asked)
        return not done and self._refusals[key] < MOST_REFUSALS

    def _stop(self, use: Use, key: _Key) -> None:
        """Interrupt it. Where that came at a wrong moment it is done again at the next point."""
        running = self._stops.armed_index
        if running is None:
            return
        if self._asked.get(key) != running:
            self._asked[key] = running
            self._warned.add(key)
            self._tell(f"{budget.words(use)} This cell is interrupted.")
        if not self._stops.stop(running):
            self._refusals[key] += 1
            if self._refusals[key] == MOST_REFUSALS:
                self._tell("It cannot be interrupted: something else handles Ctrl-C here.")

    def _tell(self, text: str) -> None:
        with suppress(Exception):  # a line that cannot be shown must not end the measuring
            self._say(text)


def _uses(session: Session) -> tuple[Use, ...]:
    """How far budgets are used, while a cell runs."""
    running = any(run.role is Role.CELL for run in session.open.values())
    return budget.uses(session) if running else ()


def lines(app: App, wanted: Command, watch: Callable[[], BudgetWatch]) -> Iterable[str]:
    """Set this session's budget or take it away, and say how far it is used. Raises SettingError."""
    if wanted.text == "off":
        app.change(SETTING, "")
        return ["This session has no budget."]
    if wanted.words:
        given = budget.parse(wanted.text)
        app.change(SETTING, replace(given, stop="--stop" in wanted.flags).text)
        watch().begin_anew()
    else:
        app.settle()
    found = [use for use in app.meter.look(budget.uses) if use.index is None]
    if not found:
        return ["This session has no budget. For example: %carbon budget 0.5kWh"]
    (use,) = found
    stop = ""
    if use.budget.stop and use.used_fraction < 1:
        stop = " The cell that uses it up is interrupted."
    elif use.budget.stop and wanted.words:
        stop = " The cell that runs next is interrupted."
    return [budget.words(use) + stop]
