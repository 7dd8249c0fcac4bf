"""The options of `estimate`, `where` and `whatif`: once for the shell and for the magic.

Values stay text until a function here turns them into numbers, so that whatever is wrong is one sentence
in both places.
"""

from __future__ import annotations

import argparse
from math import isfinite
from typing import TYPE_CHECKING, Final, NoReturn

from nbcarbon.core.escape import label
from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LONGEST_SHOWN: Final = 40
MOST_HOURS: Final = 1e9
MOST_PIECES: Final = 1e7
MOST_TIMES: Final = 1e12

EXAMPLES: Final = {
    "estimate": "%carbon estimate --gpu A100 --count 8 --hours 24 --zone FR",
    "where": "%carbon where --provider aws, or %carbon where train",
    "whatif": "%carbon whatif --zone SE --pue 1.1, or %carbon whatif train --gpu H100 --speed 2",
}


def add_place(parser: argparse.ArgumentParser) -> None:
    """Where the electricity comes from."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--zone", "--region", metavar="ZONE", help="grid zone or cloud region")
    where.add_argument("--cloud", metavar="PROVIDER:REGION", help="with its PUE: aws:us-east-1")
    where.add_argument("--intensity", metavar="G_PER_KWH", help="a carbon intensity, in g/kWh")
    parser.add_argument("--pue", metavar="P", help="power usage effectiveness of the building")


def add_estimate(parser: argparse.ArgumentParser) -> None:
    """What `estimate` takes."""
    parser.add_argument("--gpu", metavar="NAME", help="a GPU: A100, H100 PCIe, 300W, ...")
    parser.add_argument("--count", metavar="N", help="how many of them [1]")
    parser.add_argument("--cpu", metavar="NAME", help="a CPU: EPYC 7742, i7-9700K, 150W, ...")
    parser.add_argument("--cpu-count", metavar="N", help="how many of them [1]")
    parser.add_argument("--memory", metavar="GB", help="gigabytes of memory")
    parser.add_argument("--hours", metavar="H", help="how long they run")
    parser.add_argument(
        "--utilisation", "--utilization", metavar="U",
        help="mean power as a part of the rated power: 1 is all of it [0.53 GPU, 0.57 CPU]",
    )  # fmt: skip
    parser.add_argument(
        "--like", metavar="CELL", help="what a measured cell used, by name or number"
    )
    parser.add_argument("--times", metavar="N", help="so many times over [1]")
    add_place(parser)
    parser.add_argument("--embodied", action="store_true", help="with making the hardware")
    parser.add_argument("--json", action="store_true", help="for programs")


def add_where(parser: argparse.ArgumentParser) -> None:
    """What `where` takes."""
    parser.add_argument("cell", nargs="*", metavar="CELL", help="a cell, not the whole session")
    parser.add_argument("--provider", metavar="NAME", help="cloud regions of aws, gcp, azure, ...")
    parser.add_argument("--all", action="store_true", help="every row")


def add_whatif(parser: argparse.ArgumentParser) -> None:
    """What `whatif` takes."""
    parser.add_argument("cell", nargs="*", metavar="CELL", help="a cell, not the whole session")
    add_place(parser)
    parser.add_argument("--gpu", metavar="NAME", help="another GPU in place of each one here")
    parser.add_argument("--speed", metavar="X", help="how many times as fast as here [1]")


_ADD: Final[dict[str, Callable[[argparse.ArgumentParser], None]]] = {
    "estimate": add_estimate,
    "where": add_where,
    "whatif": add_whatif,
}


class _Parser(argparse.ArgumentParser):
    """One that neither prints nor exits."""

    def error(self, message: str) -> NoReturn:
        raise SettingError(
            f"{self.prog}: {label(message)}.",
            hint=f"For example: {EXAMPLES[self.prog.split()[-1]]}.",
        )


def parse(command: str, words: Sequence[str]) -> argparse.Namespace:
    """What stands behind `%carbon COMMAND`. Raises SettingError."""
    parser = _Parser(prog=f"%carbon {command}", add_help=False, allow_abbrev=False)
    _ADD[command](parser)
    return parser.parse_args(list(words))


def number(option: str, text: str | None, low: float, high: float) -> float | None:
    """A number from `low` to `high`, None where nothing was given. Raises SettingError."""
    if text is None:
        return None
    try:
        value = float(text.replace("_", "").replace(",", ""))
    except ValueError:
        value = float("nan")
    if not isfinite(value) or not low <= value <= high:
        raise SettingError(
            f"{option} cannot be {label(text)[:LONGEST_SHOWN]!r}.",
            hint=f"Use a number from {low:g} to {high:g}.",
        )
    return value


def whole(option: str, text: str | None, high: float) -> float | None:
    """A whole number from 1, None where nothing was given. Raises SettingError."""
    value = number(option, text, 1, high)
    if value is not None and value != int(value):
        raise SettingError(
            f"{option} cannot be {label(str(text))[:LONGEST_SHOWN]!r}.", hint="Use a whole number."
        )
    return value
