"""`%load_ext nbcarbon` and `%unload_ext nbcarbon`: each other's exact inverse."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from nbcarbon import app as sessions
from nbcarbon.errors import NbcarbonError

if TYPE_CHECKING:
    from nbcarbon.app import App


class Extension:
    """Everything of ours that a shell holds."""

    def __init__(self, shell: Any, app: App) -> None:
        from nbcarbon.meter.sync import may_be_queued, synchronise
        from nbcarbon.notebook.display import Cards
        from nbcarbon.notebook.hooks import Hooks
        from nbcarbon.notebook.magics import Magics
        from nbcarbon.notebook.transform import Transformer

        self._shell = shell
        self.cards = Cards(shell, app.meter, app.meter.started.id)
        self.hooks = Hooks(
            shell,
            app.meter,
            may_be_queued=may_be_queued,
            synchronise=synchronise if app.sync_gpu else lambda: False,
            show=lambda cell: self.cards.show(cell.run),
            failed=lambda reason: _stop(app, reason),
        )
        self.magics = Magics(shell, app, self.hooks, self.cards, synchronise=synchronise)
        self.transformer = Transformer(self._cleanups)

    def _cleanups(self) -> list[Any]:
        """The shell's own, but those for blank lines, which would move line numbers."""
        return [
            each
            for each in self._shell.input_transformers_cleanup
            if each is not self.transformer and each.__module__ == "IPython.core.inputtransformer2"
            and getattr(each, "__name__", "") != "leading_empty_lines"
        ]  # fmt: skip

    def add(self) -> None:
        self.magics.register()
        self._shell.input_transformers_cleanup.append(self.transformer)
        self.hooks.register()

    def remove(self) -> None:
        self.hooks.unregister()
        if self.transformer in self._shell.input_transformers_cleanup:
            self._shell.input_transformers_cleanup.remove(self.transformer)
        self.magics.unregister()


def _stop(app: App, reason: str) -> None:
    app.disable(reason)
    print(reason, file=sys.stderr)


def load(shell: Any) -> None:
    """Measure every cell of this shell. An error of ours is one line, never a traceback."""
    try:
        app = sessions.start(notebook=os.environ.get("JPY_SESSION_NAME", ""))
        if app.extension is not None:
            return
        extension = Extension(shell, app)
        extension.add()
        app.extension = extension
    except NbcarbonError as error:
        print(f"nbcarbon cannot measure: {error}", file=sys.stderr)
        return
    except Exception as error:  # noqa: BLE001 (a notebook must open whatever is wrong with us)
        print(f"nbcarbon cannot measure ({type(error).__name__}: {error}).", file=sys.stderr)
        return
    for problem in app.problems:
        print(f"nbcarbon: {problem}", file=sys.stderr)


def unload(shell: Any) -> None:
    """Stop measuring: hooks, transformer, magics, thread and process are gone."""
    app = sessions.current()
    if app is not None and app.extension is not None:
        app.extension.remove()
        app.extension = None
    sessions.stop()
