"""The line below a long `%%carbon` cell while it runs: how long, how much power, how much so far.

It comes after two seconds and moves once a second, whenever the sampler has said something. In a
notebook the card takes its place; in a terminal it is wiped away before the card is printed.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.notebook import pace
from nbcarbon.notebook.display import unicode

if TYPE_CHECKING:
    from nbcarbon.meter.meter import Meter, Run
    from nbcarbon.notebook.display import Cards
    from nbcarbon.notebook.hooks import Cell

FROM_S: Final = 2.0
"""A cell shorter than this shows nothing but its card."""

_WIPE: Final = "\r\x1b[K"


class Progress:
    """The lines of one shell: at most one at a time, of the innermost shown cell."""

    def __init__(self, shell: Any, meter: Meter, cards: Cards) -> None:
        self._shell = shell
        self._meter = meter
        self._cards = cards
        self._cells: list[Cell] = []
        self._is_shown = False
        self._shown_s = float("-inf")
        self._listening = False

    def begin(self, cell: Cell) -> None:
        """A cell that is to have a card begins. On its own thread."""
        if not self._listening:
            self._listening = True
            self._meter.subscribe(self.heard)
            self._watch_for_clearing()
        self._cells.append(cell)
        self._is_shown = False
        self._shown_s = float("-inf")

    def end(self, cell: Cell) -> bool:
        """It is over. Whether its line stands in the notebook, for the card to replace."""
        is_last = bool(self._cells) and self._cells[-1] is cell
        if cell in self._cells:
            self._cells.remove(cell)
        is_shown, self._is_shown = self._is_shown and is_last, False
        if is_shown and not self._cards.in_kernel:
            sys.stderr.write(_WIPE)
            sys.stderr.flush()
        return is_shown and self._cards.in_kernel

    def close(self) -> None:
        self._meter.unsubscribe(self.heard)
        hooks = self._hooks()
        if hooks is not None and self._cleared in hooks:
            hooks.remove(self._cleared)

    def heard(self, event: dict[str, Any]) -> None:
        """The sampler has said something. On the link's thread."""
        if event.get("type") != "Sampled" or not self._cells:
            return
        cell, instant_s = self._cells[-1], float(event["instant_s"])
        run_s = instant_s - cell.run.described.start_s
        if run_s >= FROM_S and pace.is_due(instant_s - self._shown_s, run_s):
            self._shown_s = instant_s
            try:
                self._show(cell.run, run_s)
            except Exception:  # noqa: BLE001 (a line that cannot be shown must not end the measuring)
                self._cells.clear()

    def _show(self, run: Run, run_s: float) -> None:
        from nbcarbon.core.live import live
        from nbcarbon.notebook.card import progress_bundle, progress_text

        now = self._meter.look(live)
        if self._cards.in_kernel:
            update, self._is_shown = self._is_shown, True
            self._cards.publish(run, progress_bundle(run.name, run_s, now), update=update)
        elif sys.stderr.isatty():
            self._is_shown = True
            text = progress_text(run.name, run_s, now, ascii=not unicode())
            sys.stderr.write(_WIPE + text)
            sys.stderr.flush()

    # `clear_output()` takes the line away: nothing is left to be replaced then.

    def _watch_for_clearing(self) -> None:
        hooks = self._hooks()
        if hooks is not None and self._cleared not in hooks:
            hooks.append(self._cleared)

    def _hooks(self) -> list[Any] | None:
        """The message hooks of this thread in a kernel, None elsewhere."""
        return getattr(self._shell.display_pub, "_hooks", None)

    def _cleared(self, message: dict[str, Any]) -> dict[str, Any]:
        if message.get("header", {}).get("msg_type") == "clear_output":
            self._is_shown = False
        return message
