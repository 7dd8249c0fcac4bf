"""`%carbon tag`: which cells belong together, said before them or after."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbcarbon.core import wording
from nbcarbon.core.escape import label
from nbcarbon.core.notes import TAG
from nbcarbon.core.tags import by_tag
from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbcarbon.app import App
    from nbcarbon.notebook.options import Command


def lines(app: App, wanted: Command) -> Iterable[str]:
    """Do what the line says, and say what is so now. Raises SettingError."""
    off = "--off" in wanted.flags
    name, cells = (
        ("", wanted.words) if off else (label("".join(wanted.words[:1])), wanted.words[1:])
    )
    if not wanted.words and not off:
        return _sums(app)
    if not name and not off:
        raise SettingError("A tag needs a name.", hint="For example: %carbon tag training")
    meter = app.meter
    if not cells:
        meter.note(TAG, name, meter.newest_index + 1, None)
        return [
            f"The cells that follow are tagged {name}, until %carbon tag --off."
            if name
            else "The cells that follow have no tag."
        ]
    found = app.runs_called(cells)
    for first, last in found:
        meter.note(TAG, name, first, last)
    app.settle()
    return _sums(app)


def _sums(app: App) -> list[str]:
    app.settle()
    found = by_tag(app.session_figures())
    if not found:
        return ["No cell has a tag. %carbon tag training tags those that follow."]
    return [wording.tagged(each) for each in found]
