"""`%carbon` and what `%%carbon` stands for: parse, ask the session, print. No figure is made here."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from nbcarbon import app as sessions
from nbcarbon import settings
from nbcarbon.core.escape import label, terminal
from nbcarbon.core.humanize import plain
from nbcarbon.errors import NbcarbonError, SettingError
from nbcarbon.notebook import options
from nbcarbon.notebook.display import unicode
from nbcarbon.notebook.options import COMMANDS, Command
from nbcarbon.notebook.transform import MARK

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbcarbon.app import App
    from nbcarbon.notebook.budgets import BudgetWatch
    from nbcarbon.notebook.display import Cards
    from nbcarbon.notebook.hooks import Hooks
    from nbcarbon.notebook.live_page import LivePage
    from nbcarbon.notebook.progress import Progress


AWAITS_IN_CALL = "%%carbon called as a function cannot await. Put %%carbon on top of the cell."
AWAITS_AGAIN = (
    "A body that awaits cannot be run again and again. Leave out --repeat and --min-time."
)


class Magics:
    """What the magics of one shell do. The extension registers them."""

    def __init__(
        self,
        shell: Any,
        app: App,
        hooks: Hooks,
        cards: Cards,
        *,
        page: LivePage,
        progress: Progress,
        watch_budgets: Callable[[], BudgetWatch],
        synchronise: Callable[[], bool],
        reset: Callable[[], None],
    ) -> None:
        self._shell = shell
        self._app = app
        self._hooks = hooks
        self._cards = cards
        self._page = page
        self._progress = progress
        self._watch_budgets = watch_budgets
        self._synchronise = synchronise
        self._begin_anew = reset
        self._nudged = False

    # %carbon

    def line(self, line: str) -> None:
        """Do one line. Whatever is wrong with it is one sentence, as IPython shows usage errors."""
        try:
            if line.startswith(MARK):
                self._begin(line.removeprefix(MARK))
                return
            wanted = options.command(line)
            if self._hooks.register():
                print("nbcarbon's hooks had been removed: measuring goes on from here.")
            getattr(self, f"_{wanted.name}")(wanted)
        except NbcarbonError as error:
            raise UsageError(str(error)) from None

    def _begin(self, line: str) -> None:
        """The first statement of a `%%carbon` cell: what may refuse or wait."""
        chosen = options.cell_options(line)
        # Loaded here and not when the cell ends, which must be quick.
        from nbcarbon.core import session  # noqa: F401
        from nbcarbon.notebook import card  # noqa: F401

        cell = self._hooks.current()
        if cell is None:
            print(
                f"Not measured: {self._app.meter.problem or 'measuring is off'}.", file=sys.stderr
            )
            return
        cell.shown = chosen
        if chosen.name:
            cell.name(chosen.name)
        for name, value in chosen.notes:
            self._app.meter.note(name, value, cell.run.index, cell.run.index)
        self._progress.begin(cell)
        if chosen.has_budget:
            self._watch_budgets()
        if chosen.sync and self._app.settings.sync_gpu and self._hooks.may_be_queued():
            self._synchronise()
            self._app.meter.restart(cell.run)

    def _status(self, wanted: Command) -> None:
        print(self._app.status())

    def _report(self, wanted: Command) -> None:
        from nbcarbon.notebook.card import report_html, report_text

        self._app.settle()
        figures = self._app.session_figures()
        text = report_text(figures, ascii=not self._cards.in_kernel and not unicode())
        data = {"text/plain": text, "text/html": report_html(figures)}
        self._shell.display_pub.publish(data=data, metadata={})
        self._nudge(self._cleaner_place)

    def _panel(self, wanted: Command) -> None:
        if not self._cards.in_kernel:
            print(plain(self._page.text(), ascii=not unicode()))
            return
        # Whoever does not draw widgets (a page of HTML, a repository's) shows the words.
        data, metadata = self._page.panel().box._repr_mimebundle_(), {}
        if isinstance(data, tuple):
            data, metadata = data
        data["text/plain"] = plain(self._page.text())
        self._shell.display_pub.publish(data=data, metadata=metadata)

    def _reset(self, wanted: Command) -> None:
        self._begin_anew()
        print("A new session has begun. The one before is kept: nbcarbon history.")

    def _doctor(self, wanted: Command) -> None:
        from nbcarbon import doctor

        for line in doctor.lines(doctor.examine_apart(os.environ)):
            print(line)
        for line in self._app.remarks():
            print(line)

    def _explain(self, wanted: Command) -> None:
        self._app.settle()
        text = "\n".join(self._app.explain(wanted.text))
        print(plain(text, ascii=not self._cards.in_kernel and not unicode()))

    def _zone(self, wanted: Command) -> None:
        if wanted.words:
            self._app.change("zone", sessions.checked_zone(wanted.text))
        else:
            self._app.settle()
        print(self._app.zone_text())

    def _pue(self, wanted: Command) -> None:
        if wanted.words:
            self._app.change("pue", str(settings.parse("pue", wanted.text)))
        print(f"PUE {self._app.meter.session.pue:g}")

    def _attribution(self, wanted: Command) -> None:
        if wanted.words:
            self._app.change("attribution", sessions.checked_rule(wanted.text))
        print(f"Shared devices are charged by {self._app.meter.session.rule}.")

    def _hardware(self, wanted: Command) -> None:
        if wanted.words:
            self._app.change("hardware", sessions.checked_hardware(wanted.text))
        else:
            self._app.settle()
        text = "\n".join(self._app.hardware_lines())
        print(plain(text, ascii=not self._cards.in_kernel and not unicode()))

    def _export(self, wanted: Command) -> None:
        if len(wanted.words) != 1:
            raise SettingError(
                "%carbon export takes one path.", hint="For example: %carbon export summary.json"
            )
        self._app.settle()
        told = dict(wanted.told)
        written = self._app.export(
            wanted.text,
            force="--force" in wanted.flags,
            with_host="--with-host" in wanted.flags,
            as_=told.pop("as", ""),
            told=told,
        )
        print(f"Written: {written}")

    def _estimate(self, wanted: Command) -> None:
        from nbcarbon.core import scenario_words
        from nbcarbon.deciding import asked, sessions

        given = asked.parse(wanted.name, wanted.words)
        self._app.settle()
        found = self._app.meter.look(lambda session: sessions.estimate_in(session, given))
        if given.json:
            print(json.dumps(scenario_words.as_json(found), indent=2, ensure_ascii=False))
            return
        self._say(scenario_words.lines(found))

    def _whatif(self, wanted: Command) -> None:
        from nbcarbon.deciding import asked, whatif

        given = asked.parse(wanted.name, wanted.words)
        self._app.settle()
        found = self._app.meter.look(lambda session: whatif.whatif(session, given))
        self._say(whatif.lines(found))

    def _where(self, wanted: Command) -> None:
        from nbcarbon.deciding import asked, where
        from nbcarbon.notebook import where_table

        given = asked.parse(wanted.name, wanted.words)
        self._app.settle()
        found = self._app.meter.look(
            lambda session: where.elsewhere(session, " ".join(given.cell), given.provider)
        )
        bare = not self._cards.in_kernel and not unicode()
        text = where_table.text(found.what, found.ranking, everything=given.all, ascii=bare)
        data = {"text/plain": text, "text/html": where_table.html(found.what, found.ranking)}
        self._shell.display_pub.publish(data=data, metadata={})
        self._nudge(lambda: where.nudge(found))

    def _cleaner_place(self) -> str:
        from nbcarbon.deciding import where

        return self._app.meter.look(where.unasked)

    def _nudge(self, sentence: Callable[[], str]) -> None:
        """Name a cleaner place: once a session, and never to who does not want to hear of it."""
        if self._app.settings.nudge and not self._nudged and (text := sentence()):
            self._nudged = True
            self._say([text])

    def _amortize(self, wanted: Command) -> None:
        from nbcarbon.notebook import amortizing

        self._app.settle()
        text = amortizing.answer(self._app.session_figures(), amortizing.question(wanted.words))
        print(plain(text, ascii=not self._cards.in_kernel and not unicode()))

    def _name(self, wanted: Command) -> None:
        name = label(wanted.text)
        if not name:
            raise SettingError(
                "%carbon name takes a name.", hint="For example: %carbon name training"
            )
        cell = self._hooks.current()
        if cell is not None:
            cell.name(name)

    def _tag(self, wanted: Command) -> None:
        from nbcarbon.notebook import tagging

        self._say(tagging.lines(self._app, wanted))

    def _compare(self, wanted: Command) -> None:
        from nbcarbon.core.pareto import compare
        from nbcarbon.notebook import comparing

        found = compare(self._app.noted("score"), higher_is_better="--lower" not in wanted.flags)
        chosen = comparing.chosen(found, wanted.text)
        text = comparing.text(chosen, ascii=not self._cards.in_kernel and not unicode())
        data = {"text/plain": text, "text/html": comparing.html(chosen)}
        self._shell.display_pub.publish(data=data, metadata={})

    def _queries(self, wanted: Command) -> None:
        from nbcarbon.notebook import querying

        found = self._app.noted("queries", "tokens")
        text = querying.text(found, ascii=not self._cards.in_kernel and not unicode())
        data = {"text/plain": text, "text/html": querying.html(found)}
        self._shell.display_pub.publish(data=data, metadata={})

    def _advice(self, wanted: Command) -> None:
        self._say(self._app.advice())

    def _budget(self, wanted: Command) -> None:
        from nbcarbon.notebook import budgets

        self._say(budgets.lines(self._app, wanted, self._watch_budgets))

    def _say(self, lines: Iterable[str]) -> None:
        """Print lines of ours, which may hold what the user called something."""
        bare = not self._cards.in_kernel and not unicode()
        for line in lines:
            print(plain(terminal(line), ascii=bare))

    def _on(self, wanted: Command) -> None:
        self._app.change("measuring", "on")
        print(self._app.status())

    def _off(self, wanted: Command) -> None:
        self._app.change("measuring", "off")
        print("Measuring stops when this cell ends. Start again with %carbon on.")

    def _help(self, wanted: Command) -> None:
        print(options.help_text())

    # %%carbon where no transformer has been: run_cell_magic("carbon", ...)

    def cell(self, line: str, cell: str) -> Any:
        """Run a body as part of the cell around it, which gets the card; again and again if asked to."""
        from nbcarbon.notebook.body import Body, run_repeatedly

        self.line(f"{MARK} {line}")
        chosen = options.cell_options(line)
        if not chosen.repeats:
            return Body(self._shell, cell, refusal=AWAITS_IN_CALL).run()
        body = Body(self._shell, cell, refusal=AWAITS_AGAIN)
        running = self._hooks.current()
        return run_repeatedly(
            body,
            self._app.meter,
            "" if running is None else running.run.name,
            repeat_count=chosen.repeat_count,
            min_time_s=chosen.min_time_s,
        )

    # Completion

    def complete(self, line: str) -> list[str]:
        """Sub-commands, and what may stand behind some of them: zones, formats, hardware."""
        words = line.split()
        if line[-1:].isspace():
            words.append("")
        if len(words) <= 2:
            return [*COMMANDS, *options.ALIASES]
        if options.ALIASES.get(words[1], words[1]) == "zone":
            return ["auto", *self._app.zone_choices()]
        if words[1] == "attribution":
            return ["machine", "share"]
        if words[1] == "export":
            return options.export_words(words[-2])
        if words[1] == "hardware":
            return ["auto", "none", *self._app.hardware_choices()]
        return []
