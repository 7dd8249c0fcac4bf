"""`%load_ext nbcarbon` and `%unload_ext nbcarbon`: each other's exact inverse.

Loading is on the user's way to work, so only what every cell needs is imported here: the magics and
the cards come with their first use.
"""

from __future__ import annotations

import os
import sys
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from nbcarbon import app as sessions
from nbcarbon.errors import NbcarbonError
from nbcarbon.meter.sync import may_be_queued, synchronise
from nbcarbon.notebook import options
from nbcarbon.notebook.hooks import Hooks
from nbcarbon.notebook.transform import Transformer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcarbon.app import App
    from nbcarbon.notebook.budgets import BudgetWatch
    from nbcarbon.notebook.display import Cards
    from nbcarbon.notebook.hooks import Cell
    from nbcarbon.notebook.live_page import LivePage
    from nbcarbon.notebook.magics import Magics
    from nbcarbon.notebook.progress import Progress

MAGIC: Final = "carbon"

LINE_HELP: Final = "%carbon [COMMAND]: ask nbcarbon, or tell it something."
CELL_HELP: Final = "%%carbon [NAME] [OPTIONS]: show what this cell cost, as a card below it."


class Extension:
    """Everything of ours that a shell holds. `add` and `remove` are each other's inverse.

    `page` is what an extension before this one showed, to be shown on.
    """

    def __init__(self, shell: Any, app: App, page: LivePage | None = None) -> None:
        self._shell = shell
        self._app = app
        self._page = page
        self._page_lock = threading.Lock()
        self._page_started = page is not None
        self._magics_before: dict[str, Any] = {}
        self.hooks = Hooks(
            shell,
            app.meter,
            may_be_queued=may_be_queued,
            synchronise=synchronise if app.settings.sync_gpu else lambda: False,
            show=self._show,
            failed=self._failed,
            page_seen=self.page_seen,
        )
        self.transformer = Transformer(self._cleanups)

    @cached_property
    def cards(self) -> Cards:
        from nbcarbon.notebook.display import Cards

        return Cards(self._shell, self._app.meter, self._app.meter.started.id)

    @cached_property
    def magics(self) -> Magics:
        from nbcarbon.notebook.magics import Magics

        return Magics(
            self._shell,
            self._app,
            self.hooks,
            self.cards,
            page=self.page,
            progress=self.progress,
            watch_budgets=lambda: self.budgets,
            synchronise=synchronise,
            reset=lambda: reset(self._shell),
        )

    @cached_property
    def budgets(self) -> BudgetWatch:
        from nbcarbon.notebook.budgets import BudgetWatch
        from nbcarbon.notebook.stops import Stops

        stops = Stops(self._shell.user_ns)
        watch = BudgetWatch(self._app.meter, stops, self.cards.say)
        self.hooks.may_stop(stops)
        self._app.meter.subscribe(watch.heard)
        return watch

    @cached_property
    def progress(self) -> Progress:
        from nbcarbon.notebook.progress import Progress

        return Progress(self._shell, self._app.meter, self.cards)

    @property
    def page(self) -> LivePage:
        """What a page shows, made with its first use."""
        with self._page_lock:
            if self._page is None:
                from nbcarbon.notebook.live_page import LivePage

                self._page = LivePage(self._app, reset=lambda: reset(self._shell))
            return self._page

    def page_seen(self) -> None:
        """A page shows this notebook: prepare what it may want to show, unless the user wants none."""
        if self._app.settings.panel and not self._page_started:
            self._page_started = True
            # Even the imports are too much for a user's cell to wait for.
            work = threading.Thread(target=self._start_page, name="nbcarbon-page", daemon=True)
            work.start()

    def _start_page(self) -> None:
        self.page.start()

    def give_page(self) -> LivePage | None:
        """Let go of what a page shows, for another extension to show on."""
        page, self._page = self._page, None
        return page

    def add(self) -> None:
        self._add_magics()
        self._shell.input_transformers_cleanup.append(self.transformer)
        self.hooks.register()

    def remove(self) -> None:
        if self._page is not None:
            self._page.close()
        if "progress" in self.__dict__:
            self.progress.close()
        if "budgets" in self.__dict__:
            self._app.meter.unsubscribe(self.budgets.heard)
            self.hooks.may_not_stop()
        self.hooks.unregister()
        if self.transformer in self._shell.input_transformers_cleanup:
            self._shell.input_transformers_cleanup.remove(self.transformer)
        self._remove_magics()

    def _add_magics(self) -> None:
        from IPython.core.magic import no_var_expand

        @no_var_expand
        def line_magic(line: str) -> None:
            self.magics.line(line)

        @no_var_expand
        def cell_magic(line: str, cell: str) -> Any:
            return self.magics.cell(line, cell)

        line_magic.__doc__ = f"{LINE_HELP}\n\n{options.help_text()}\n"
        cell_magic.__doc__ = f"{CELL_HELP}\n\n{options.help_text()}\n"
        registered = self._shell.magics_manager.magics
        self._magics_before = {kind: registered[kind].get(MAGIC) for kind in ("line", "cell")}
        self._shell.register_magic_function(line_magic, "line", MAGIC)
        self._shell.register_magic_function(cell_magic, "cell", MAGIC)
        self._shell.set_hook("complete_command", self._complete, str_key=f"%{MAGIC}")

    def _remove_magics(self) -> None:
        registered = self._shell.magics_manager.magics
        for kind, before in self._magics_before.items():
            registered[kind].pop(MAGIC, None)
            if before is not None:
                registered[kind][MAGIC] = before
        dispatcher = self._shell.strdispatchers.get("complete_command")
        if dispatcher is not None:
            dispatcher.strs.pop(f"%{MAGIC}", None)

    def _complete(self, shell: Any, event: Any) -> list[str]:
        return self.magics.complete(event.line)

    def _cleanups(self) -> list[Any]:
        """The shell's own, but those for blank lines, which would move line numbers."""
        return [
            each
            for each in self._shell.input_transformers_cleanup
            if each.__module__ == "IPython.core.inputtransformer2"
            and getattr(each, "__name__", "") != "leading_empty_lines"
        ]

    def _show(self, cell: Cell) -> None:
        self.cards.show(cell.run, replace=self.progress.end(cell))

    def _failed(self, reason: str) -> None:
        self._app.disable(reason)
        print(reason, file=sys.stderr)


def load(shell: Any) -> None:
    """Measure every cell of this shell. An error of ours is one line, never a traceback."""
    _load(shell)


def reset(shell: Any) -> None:
    """End the session, which is kept, and begin another that the same page shows."""
    app = sessions.current()
    page, options = None, {}
    if app is not None and app.extension is not None:
        app.extension.hooks.leave()
        page = app.extension.give_page()
        options = app.options()
    unload(shell)
    _load(shell, page, options)


def _load(
    shell: Any, page: LivePage | None = None, options: Mapping[str, str] | None = None
) -> None:
    try:
        app = sessions.start(notebook=os.environ.get("JPY_SESSION_NAME", ""), options=options)
        if app.extension is not None:
            return
        extension = Extension(shell, app, page)
        extension.add()
        app.extension = extension
        if page is not None:
            page.follow(app)
        elif _page_is_there(shell):
            extension.page_seen()
    except NbcarbonError as error:
        print(f"nbcarbon cannot measure: {error}", file=sys.stderr)
        return
    except Exception as error:  # noqa: BLE001 (a notebook must open whatever is wrong with us)
        print(f"nbcarbon cannot measure ({type(error).__name__}: {error}).", file=sys.stderr)
        return
    for problem in app.problems:
        print(f"nbcarbon: {problem}", file=sys.stderr)


def _page_is_there(shell: Any) -> bool:
    """Whether the request that runs now comes from a page that shows cells: it names the cell."""
    parent = getattr(shell, "parent_header", None)
    metadata = parent.get("metadata") if isinstance(parent, dict) else None
    return isinstance(metadata, dict) and bool(metadata.get("cellId"))


def unload(shell: Any) -> None:
    """Stop measuring: hooks, transformer, magics, thread and process are gone."""
    app = sessions.current()
    if app is not None and app.extension is not None:
        app.extension.remove()
        app.extension = None
    sessions.stop()
