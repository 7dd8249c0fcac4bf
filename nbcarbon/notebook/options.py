"""What stands on a `%carbon` or `%%carbon` line: words in, values or one clear sentence out."""

from __future__ import annotations

from typing import Final, NamedTuple

from nbcarbon.core.escape import label
from nbcarbon.core.units import S_PER_MIN, S_PER_MS
from nbcarbon.errors import SettingError

COMMANDS: Final[dict[str, str]] = {
    "status": "one line: power now, the sum so far, the zone",
    "report": "the session's table",
    "panel": "the live panel: power now, the session's figures, each cell, charts",
    "doctor": "what can be measured here, and how to get more",
    "explain": "where a cell's range comes from: %carbon explain, or %carbon explain train",
    "zone": "show the grid zone, or set it: %carbon zone FR, %carbon zone auto",
    "pue": "set the building's power usage effectiveness: %carbon pue 1.3",
    "attribution": "whom shared devices are charged to: %carbon attribution machine, or share",
    "hardware": "what this machine is, for its embodied emissions: %carbon hardware laptop",
    "export": "write the session: %carbon export a.csv [--as FORMAT] [--force] [--with-host]",
    "estimate": "before it runs: --gpu A100 --count 8 --hours 24, or --like train --times 9",
    "where": "the same energy in every zone, or cloud region: %carbon where --provider aws",
    "whatif": "elsewhere, on another GPU: %carbon whatif --zone SE --gpu H100 --pue 1.1",
    "amortize": "queries that cost one training: --per-query 0.1Wh --training train",
    "advice": "the three largest savings that this session shows, each with its figure",
    "budget": "say when so much is used: %carbon budget 0.5kWh, or 200g --stop, or off",
    "compare": "scores against energy, and what nobody beats: %carbon compare [--lower]",
    "queries": "what 1,000 queries of each cell cost, among published tasks",
    "name": "name the cell this stands in: %carbon name training",
    "tag": "tag the cells that follow, or past ones: %carbon tag training 3-5",
    "on": "measure from here on",
    "off": "stop measuring until %carbon on",
    "reset": "begin a new session; the one so far is kept",
    "help": "this list",
}
ALIASES: Final = {"region": "zone"}
_OWN_OPTIONS: Final = ("amortize", "estimate", "where", "whatif")
"""Commands that read their options themselves: these have values."""
_FLAGS: Final = {
    "export": frozenset({"--force", "--with-host"}),
    "tag": frozenset({"--off"}),
    "budget": frozenset({"--stop"}),
    "compare": frozenset({"--lower", "--higher"}),
}

NOTED: Final[dict[str, str]] = {
    "--score": "what the cell reached: --score 0.91, for %carbon compare",
    "--unit": "what the score is: --unit accuracy",
    "--queries": "how many queries one run of the body answers: --queries 1000",
    "--tokens": "how many tokens it reads or makes: --tokens 50000",
}
"""Options that say something of the cell (`notes`)."""

CELL_OPTIONS: Final[dict[str, str]] = {
    "--no-sync": "do not wait for queued GPU work at the cell's ends",
    "--repeat": "run the body again, --repeat 10 times in all, and show what each run costs",
    "--min-time": "run the body again for at least --min-time 2s: for what is too short to measure",
    **NOTED,
    "--budget": "say when the cell has used 80 % of so much: --budget 10Wh",
    "--stop": "interrupt it when it has used all of that",
}
MOST_REPEATS: Final = 1_000_000
LONGEST_MIN_TIME_S: Final = 86_400.0
_UNITS_S: Final = {"ms": S_PER_MS, "s": 1.0, "min": S_PER_MIN, "": 1.0}
LONGEST_LINE: Final = 10_000


class CellOptions(NamedTuple):
    """What a `%%carbon` line asks for."""

    name: str = ""
    sync: bool = True
    repeat_count: int = 1
    min_time_s: float = 0.0
    notes: tuple[tuple[str, str], ...] = ()

    @property
    def has_budget(self) -> bool:
        return any(name == "budget" for name, _ in self.notes)

    @property
    def repeats(self) -> bool:
        """Whether the body is to be run more than once, and so by us."""
        return self.repeat_count > 1 or self.min_time_s > 0


class Command(NamedTuple):
    """A `%carbon` line: the sub-command, its words, its flags, and the options that have a value, by name."""

    name: str
    words: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()
    told: tuple[tuple[str, str], ...] = ()

    @property
    def text(self) -> str:
        return " ".join(self.words)


def cell_options(line: str) -> CellOptions:
    """The options of a `%%carbon` line. Raises SettingError, naming those there are."""
    found = CellOptions()
    names, noted, budget, stop = [], {}, None, False
    words = iter(_words(line))
    for word in words:
        option, _, value = word.partition("=")
        if option == "--no-sync" and not value:
            found = found._replace(sync=False)
        elif option == "--repeat":
            found = found._replace(repeat_count=_count(value or next(words, "")))
        elif option == "--min-time":
            found = found._replace(min_time_s=_seconds(value or next(words, "")))
        elif option == "--budget":
            budget = value or next(words, "")
        elif option == "--stop" and not value:
            stop = True
        elif option in NOTED:
            noted[option[2:]] = value or next(words, "")
        elif word.startswith("--"):
            raise SettingError(
                f"%%carbon has no option {label(word)[:40]!r}.",
                hint=f"Options: {', '.join(CELL_OPTIONS)}.",
            )
        else:
            names.append(word)
    notes = [*_notes(noted), *_budget(budget, stop=stop)]
    return found._replace(name=label(" ".join(names)), notes=tuple(notes))


def _budget(text: str | None, *, stop: bool) -> tuple[tuple[str, str], ...]:
    """A cell's budget as a note. Raises SettingError."""
    if text is None and not stop:
        return ()
    if text is None:
        raise SettingError("--stop needs a budget.", hint="For example: --budget 10Wh --stop.")
    from nbcarbon.core.budget import SETTING, parse

    return ((SETTING, parse(text + " stop" * stop).text),)


def _notes(given: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """What is said of the cell, by name. Raises SettingError."""
    if not given:
        return ()
    from nbcarbon.core.notes import said

    if not given.get("unit", "x"):
        raise SettingError("--unit needs a word.", hint="For example: --unit accuracy.")
    return tuple(said(**given).items())  # type: ignore[arg-type]


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) <= MOST_REPEATS:
        raise SettingError(
            f"--repeat cannot be {label(text)[:40]!r}.",
            hint=f"Use a whole number from 1 to {MOST_REPEATS}: --repeat 10.",
        )
    return int(text)


def _seconds(text: str) -> float:
    number = text.rstrip("mins")
    try:
        seconds = float(number) * _UNITS_S[text[len(number) :]]
    except (ValueError, KeyError):
        seconds = float("nan")
    if not 0 < seconds <= LONGEST_MIN_TIME_S:
        raise SettingError(
            f"--min-time cannot be {label(text)[:40]!r}.",
            hint="Use a time such as 2s, 500ms or 1min.",
        )
    return seconds


def command(line: str) -> Command:
    """The sub-command of a `%carbon` line, `status` where it is empty.

    Raises SettingError, with the nearest there is.
    """
    name, *rest = _words(line) or ["status"]
    name = ALIASES.get(name, name)
    if name not in COMMANDS:
        raise SettingError(
            f"%carbon has no {label(name)[:40]!r}.", hint=f"{_nearest(name)}%carbon help lists all."
        )
    if name in _OWN_OPTIONS:
        return Command(name, tuple(rest))
    rest, told = _told(rest, _valued(name))
    flags = frozenset(word for word in rest if word.startswith("--"))
    allowed = _FLAGS.get(name, frozenset())
    if flags - allowed:
        given = label(min(flags - allowed))[:40]
        known = [*sorted(allowed), *(f"--{each}" for each in _valued(name))]
        hint = f"Options: {', '.join(known)}." if known else "It takes no options."
        raise SettingError(f"%carbon {name} has no option {given!r}.", hint=hint)
    words = tuple(word for word in rest if word not in flags)
    if words and name in (
        "status",
        "report",
        "advice",
        "queries",
        "panel",
        "doctor",
        "on",
        "off",
        "reset",
        "help",
    ):
        raise SettingError(
            f"%carbon {name} takes nothing behind it.", hint=f"Type %carbon {name} alone."
        )
    return Command(name, words, flags, told)


def _valued(name: str) -> tuple[str, ...]:
    """The options of a sub-command that have a value, as they are typed."""
    if name != "export":
        return ()
    from nbcarbon import export

    return ("as", *(each.replace("_", "-") for each in export.options()))


def export_words(before: str) -> list[str]:
    """What may stand behind a word of `%carbon export`: options, and behind `--as` the formats."""
    from nbcarbon import export

    if before == "--as":
        return list(export.words())
    return [*sorted(_FLAGS["export"]), *(f"--{each}" for each in _valued("export"))]


def _told(
    words: list[str], valued: tuple[str, ...]
) -> tuple[list[str], tuple[tuple[str, str], ...]]:
    """Words without the options that have a value, and these: `--as html` or `--as=html`."""
    left, told = [], []
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if not option.startswith("--") or option[2:] not in valued:
            left.append(word)
            continue
        found = value if equals else next(rest, "")
        if not found or found.startswith("--"):
            raise SettingError(f"{option} needs a value.", hint=f"For example: {option}=…")
        told.append((option[2:].replace("-", "_"), found))
    return left, tuple(told)


def _nearest(name: str) -> str:
    """The command that somebody may have meant; empty where it is like none."""
    from difflib import get_close_matches

    close = get_close_matches(name[:40], COMMANDS, n=1, cutoff=0.6)
    return f"Did you mean %carbon {close[0]}? " if close else ""


def help_text() -> str:
    width = max(map(len, COMMANDS))
    rows = [f"  %carbon {name:<{width}}  {text}" for name, text in COMMANDS.items()]
    options = [f"  {name:<{width}}  {text}" for name, text in CELL_OPTIONS.items()]
    return "\n".join(
        [
            "nbcarbon measures the energy and CO2e of every cell from %load_ext nbcarbon on.",
            "",
            "  %%carbon [NAME] [OPTIONS]   on top of a cell: show what it cost, as a card below it",
            *rows,
            "",
            "Options of %%carbon:",
            *options,
        ]
    )


def _words(line: str) -> list[str]:
    if len(line) > LONGEST_LINE:
        raise SettingError("This line is too long.", hint=f"Use at most {LONGEST_LINE} characters.")
    import shlex

    try:
        return shlex.split(line, posix=True)
    except ValueError as error:
        raise SettingError(
            f"This line cannot be read ({str(error).lower()}).", hint="Close every quotation mark."
        ) from None
