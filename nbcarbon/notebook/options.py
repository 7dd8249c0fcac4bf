"""What stands on a `%carbon` or `%%carbon` line: words in, values or one clear sentence out."""

from __future__ import annotations

from typing import Final, NamedTuple

from nbcarbon.core.escape import label
from nbcarbon.errors import SettingError

COMMANDS: Final[dict[str, str]] = {
    "status": "one line: power now, the sum so far, the zone",
    "report": "the session's table",
    "panel": "the live panel: power now, the session's figures, each cell, charts",
    "doctor": "what can be measured here, and how to get more",
    "zone": "show the grid zone, or set it: %carbon zone FR, %carbon zone auto",
    "pue": "set the building's power usage effectiveness: %carbon pue 1.3",
    "attribution": "whom shared devices are charged to: %carbon attribution machine, or share",
    "export": "write the session: %carbon export summary.json [--force] [--with-host]",
    "name": "name the cell this stands in: %carbon name training",
    "on": "measure from here on",
    "off": "stop measuring until %carbon on",
    "reset": "begin a new session; the one so far is kept",
    "help": "this list",
}
ALIASES: Final = {"region": "zone"}
CELL_OPTIONS: Final[dict[str, str]] = {
    "--no-sync": "do not wait for queued GPU work at the cell's ends",
}
LONGEST_LINE: Final = 10_000


class CellOptions(NamedTuple):
    """What a `%%carbon` line asks for."""

    name: str = ""
    sync: bool = True


class Command(NamedTuple):
    """A `%carbon` line: the sub-command, its words, its flags."""

    name: str
    words: tuple[str, ...] = ()
    flags: frozenset[str] = frozenset()

    @property
    def text(self) -> str:
        return " ".join(self.words)


def cell_options(line: str) -> CellOptions:
    """The options of a `%%carbon` line. Raises SettingError, naming those there are."""
    words = _words(line)
    unknown = [word for word in words if word.startswith("--") and word not in CELL_OPTIONS]
    if unknown:
        raise SettingError(
            f"%%carbon has no option {label(unknown[0])[:40]!r}.",
            hint=f"Options: {', '.join(CELL_OPTIONS)}.",
        )
    name = label(" ".join(word for word in words if word not in CELL_OPTIONS))
    return CellOptions(name, sync="--no-sync" not in words)


def command(line: str) -> Command:
    """The sub-command of a `%carbon` line, `status` where it is empty.

    Raises SettingError, naming those there are.
    """
    name, *rest = _words(line) or ["status"]
    name = ALIASES.get(name, name)
    if name not in COMMANDS:
        raise SettingError(
            f"%carbon has no {label(name)[:40]!r}.", hint=f"Use one of: {', '.join(COMMANDS)}."
        )
    flags = frozenset(word for word in rest if word.startswith("--"))
    allowed = {"--force", "--with-host"} if name == "export" else set()
    if flags - allowed:
        given = label(min(flags - allowed))[:40]
        hint = f"Options: {', '.join(sorted(allowed))}." if allowed else "It takes no options."
        raise SettingError(f"%carbon {name} has no option {given!r}.", hint=hint)
    words = tuple(word for word in rest if word not in flags)
    if words and name in ("status", "report", "panel", "doctor", "on", "off", "reset", "help"):
        raise SettingError(
            f"%carbon {name} takes nothing behind it.", hint=f"Type %carbon {name} alone."
        )
    return Command(name, words, flags)


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
