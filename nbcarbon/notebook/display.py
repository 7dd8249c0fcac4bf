"""Puts a card below its cell: at once if the figures are here, else replaced in place when they come."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from nbcarbon.core.figures import Figures
    from nbcarbon.meter.meter import Meter, Run

CARD_WAIT_S: Final = 0.0015
"""How long a notebook's card waits for the sampler before it is shown without figures: half of the
3 ms that a card may cost, the other half goes into drawing it."""

TERMINAL_WAIT_S: Final = 0.3
"""The same where nothing that was printed can be replaced."""

INDEX_KEY: Final = "nbcarbon_index"
"""In the output's metadata: which run a card is of, so that one that waits can be filled in later."""


class Cards:
    """The cards of one shell."""

    def __init__(self, shell: Any, meter: Meter, session_id: str) -> None:
        self._shell = shell
        self._meter = meter
        self._session_id = session_id
        self._said: set[str] = set()

    @property
    def in_kernel(self) -> bool:
        """Whether outputs go to a front end, which can replace them."""
        return getattr(self._shell, "kernel", None) is not None

    def show(self, run: Run, *, replace: bool = False) -> None:
        """Show a finished run's card, in place of its line of progress where there is one."""
        from nbcarbon.notebook import card

        wait_s = CARD_WAIT_S if self.in_kernel else TERMINAL_WAIT_S
        found = self._meter.figures(run.index, wait_s=wait_s)
        notices = self._new_notices()
        if found is not None:
            self.publish(run, self._bundle(found, self._notes(run, notices)), update=replace)
            return
        duration_s = run.end_s - run.described.start_s
        self.publish(run, card.waiting_bundle(run.name, duration_s), update=replace)
        if self.in_kernel:
            self._meter.when_closed(run.index, lambda: self._replace(run, notices))

    def _replace(self, run: Run, notices: tuple[str, ...]) -> None:
        """On the link's thread, where an error has nobody to go to: the waiting card stays then."""
        found = self._meter.figures(run.index, wait_s=0.0)
        if found is not None:
            self.publish(run, self._bundle(found, self._notes(run, notices)), update=True)

    def _bundle(self, figures: Figures, notices: tuple[str, ...]) -> dict[str, Any]:
        from nbcarbon.notebook import card

        return card.bundle(figures, notices=notices, ascii=not self.in_kernel and not unicode())

    def _notes(self, run: Run, notices: tuple[str, ...]) -> tuple[str, ...]:
        """What stands below a card: what each of many runs cost, and what was noticed."""
        if run.index not in self._meter.session.nested:
            return notices
        from nbcarbon.core.repeats import repeats
        from nbcarbon.core.wording import repeated

        each = self._meter.look(lambda session: repeats(session, run.index))
        return notices if each is None or each.run_count == 1 else (repeated(each), *notices)

    def say(self, text: str) -> None:
        """A line below the cell that runs now. On any thread."""
        from nbcarbon.notebook import card

        if self.in_kernel:
            self._shell.display_pub.publish(data=card.said_bundle(text), metadata={})
        else:
            sys.stderr.write(f"\r\x1b[K{card.said_text(text, ascii=not unicode())}\n")
            sys.stderr.flush()

    def _new_notices(self) -> tuple[str, ...]:
        """What the user should know and was not told yet."""
        fresh = [text for text in self._meter.session.notices.values() if text not in self._said]
        self._said.update(fresh)
        return tuple(fresh)

    def publish(self, run: Run, data: dict[str, Any], *, update: bool = False) -> None:
        """Show something of this run, or put it where that stands already."""
        self._shell.display_pub.publish(
            data=data,
            metadata={INDEX_KEY: run.index},
            transient={"display_id": f"nbcarbon-{self._session_id}-{run.index}"},
            update=update,
        )


def unicode() -> bool:
    """Whether what this process prints to can show more than ASCII."""
    return (sys.stdout.encoding or "").lower().replace("-", "") in ("utf8", "utf16")
