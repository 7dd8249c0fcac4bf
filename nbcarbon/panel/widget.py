"""The panel as ipywidgets: the live figures and charts (an anywidget) with the controls below them.

Importing this module imports ipywidgets and anywidget, so only who shows a panel does. Controls say
what the user wants in the words of the protocol; nothing is done here.
"""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anywidget
import ipywidgets
import traitlets

from nbcarbon.panel.script import panel_script

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbcarbon.panel.prepare import Prepared

_HERE: Final = Path(__file__).parent
_SEPARATOR: Final = " · "
_RULES: Final = (("Whole machine", "machine"), ("This notebook's share", "share"))
_PAUSE, _RESUME = "Pause", "Resume"


class LiveFigure(anywidget.AnyWidget):
    """Head, charts and tabs. What it shows comes as messages; nothing is kept in a trait.

    `snapshot` is never assigned, so it costs no traffic; whoever asks for the widget's state (a page
    that was loaded again) gets the session of that moment.
    """

    _esm = traitlets.Unicode().tag(sync=True)
    _css = _HERE / "page" / "panel.css"
    snapshot: Any = traitlets.List().tag(
        sync=True, to_json=lambda _, widget: widget.take_snapshot()
    )
    figures = traitlets.Unicode().tag(sync=True)
    bokeh = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, *, take_snapshot: Callable[[], list[dict[str, Any]]], figures: str, bokeh: str
    ) -> None:
        self.take_snapshot = take_snapshot
        super().__init__(_esm=panel_script(), figures=figures, bokeh=bokeh)


class Panel:
    """The whole panel. `send` shows a message, `asked` gets what the user wants."""

    def __init__(
        self,
        prepared: Prepared,
        *,
        snapshot: Callable[[], list[dict[str, Any]]],
        choices: dict[str, Any],
        asked: Callable[[dict[str, Any], Panel], None],
    ) -> None:
        self.bokeh = prepared.version
        self._asked = asked
        self._showing = False
        self._figure = LiveFigure(
            take_snapshot=snapshot, figures=prepared.figures_json, bokeh=prepared.version
        )
        self._figure.on_msg(self._on_message)
        zones = {zone: f"{zone}{_SEPARATOR}{name}" for zone, name in choices["zones"]}
        self._zones = zones
        self._zone = _zone_list("Zone", zones, "Type a country or a zone")
        self._what_if = _zone_list("Compare with", zones, "Another zone")
        self._rule = ipywidgets.Dropdown(options=_RULES, description="Charge")
        self._pause = ipywidgets.Button(description=_PAUSE, tooltip="Stop measuring, or go on")
        self._reset = ipywidgets.Button(
            description="Reset", tooltip="Begin a new session; the one so far is kept"
        )
        self._format = ipywidgets.Dropdown(
            options=[(name, suffix) for suffix, name in choices["formats"]],
            description="Export as",
        )
        self._export = ipywidgets.Button(
            description="Export", tooltip="Write the session to a file beside the notebook"
        )
        # The page finds a control by its class, to lead there from a warning.
        self._what_if.add_class("nbc-compare")
        self._zone.add_class("nbc-zone")
        self._export.add_class("nbc-export")
        self._controls = ipywidgets.VBox(
            [
                self._what_if,
                self._zone,
                self._rule,
                _row(self._format, self._export),
                _row(self._pause, self._reset),
            ]
        )
        self._controls.add_class("nbc-controls")
        self.box = ipywidgets.VBox([self._figure, self._controls])
        self.box.add_class("nbc-panel")
        self.box.add_class("nbc-widget")
        self._show(snapshot()[0])
        self._watch()

    @property
    def model_id(self) -> str:
        return str(self.box.model_id)

    def send(self, message: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        """Show a message. A state moves the controls to what is so now."""
        if message["type"] == "state":
            self._show(message)
        self._figure.send(message, buffers=list(buffers))

    def close(self) -> None:
        rows = [getattr(each, "children", ()) for each in self._controls.children]
        for each in (*chain(*rows), *self._controls.children, *self.box.children, self.box):
            each.close()

    def _show(self, state: dict[str, Any]) -> None:
        """Set the controls without taking that for the user's wish."""
        self._showing = True
        try:
            self._zone.value = self._zones.get(state["zone"], "")
            self._rule.value = state["attribution"]
            self._pause.description = _PAUSE if state["measuring"] else _RESUME
        finally:
            self._showing = False

    def _watch(self) -> None:
        self._zone.observe(lambda change: self._set("zone", _id(change["new"]) or "auto"), "value")
        self._what_if.observe(lambda change: self._set("what_if", _id(change["new"])), "value")
        self._rule.observe(lambda change: self._set("attribution", change["new"]), "value")
        self._pause.on_click(
            lambda button: self._set("measuring", "off" if button.description == _PAUSE else "on")
        )
        self._reset.on_click(lambda button: self._ask({"type": "reset"}))
        self._export.on_click(
            lambda button: self._ask({"type": "export", "path": self._format.value})
        )

    def _set(self, name: str, value: str) -> None:
        if not self._showing:
            self._ask({"type": "set", "name": name, "value": value})

    def _ask(self, request: dict[str, Any]) -> None:
        self._asked({**request, "v": 1}, self)

    def _on_message(self, widget: Any, content: Any, buffers: Any) -> None:
        self._asked(content, self)


def _zone_list(label: str, zones: dict[str, str], hint: str) -> Any:
    """A list that can be searched by typing."""
    return ipywidgets.Combobox(
        description=label,
        options=tuple(zones.values()),
        placeholder=hint,
        continuous_update=False,
        ensure_option=False,
    )


def _row(*children: Any) -> Any:
    row = ipywidgets.HBox(list(children))
    row.add_class("nbc-side-by-side")
    return row


def _id(chosen: str) -> str:
    """The zone of a line of the list; what was typed instead is the kernel's to understand."""
    return chosen.partition(_SEPARATOR)[0].strip()
