"""Rated power of a GPU or a CPU by whatever people call it: a table's name, a driver's, a short one.

`A100`, `NVIDIA A100-SXM4-80GB` and `A100 SXM4 80GB` are found alike; so is `300W`, which needs no table.
A name that several variants share is taken for the first of them, and the others widen the range. What is
not in the tables is an error with the nearest names, never a guess.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.errors import SettingError
from nbcarbon.hardware.cpu import TABLES, normalise
from nbcarbon.hardware.tables import read_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

LONGEST_NAME: Final = 120
MOST_SHOWN: Final = 5
LEAST_ALIKE: Final = 0.55
LARGEST_W: Final = 100_000.0

COMMON_FORMS: Final = {
    frozenset({"p100"}): "P100 PCIe",
    frozenset({"h100", "80gb", "hbm3"}): "H100 SXM5",
    frozenset({"mi250x", "mi250"}): "Instinct MI250X",
}
"""What a name means that says less than the table: P100s were mostly rented as cards, HBM3 is the SXM's."""

CPU_SOURCE: Final = "makers' figures as collected by CodeCarbon and eco2AI"

_NOISE: Final = frozenset(
    {"nvidia", "amd", "intel", "google", "tesla", "generation", "gpu", "gpus", "graphics", "card",
     "geforce", "radeon", "instinct", "quadro", "edition", "r", "tm", "corporation"}
)  # fmt: skip
"""Words that a name may have or leave out."""

_FORM: Final = re.compile(r"sxm\d?|pcie|oam|nvl|hbm\w*|\d+gb")
"""Words that tell variants of one GPU apart: they choose among rows, and never rule one out."""

_CAPITALS: Final = frozenset({"epyc", "apu"})

_WATTS: Final = re.compile(r"(\d+(?:\.\d+)?)\s*w(?:atts?)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Rated:
    """Rated power of one piece in watts. `low_w` and `high_w` are its variants' where a name is shared."""

    name: str
    rated_w: float
    low_w: float
    high_w: float
    source: str


class _Row(NamedTuple):
    name: str
    rated_w: float
    words: frozenset[str]
    forms: frozenset[str]
    source: str
    joined: str


def gpu(text: str, tables: Path = TABLES) -> Rated:
    """The GPU or accelerator that somebody means. Raises SettingError with the nearest there are."""
    given = _in_watts(text, "a GPU")
    if given is not None:
        return given
    words, forms, joined = _words(text)
    rows = list(_gpu_rows(tables))
    common = COMMON_FORMS.get(words | forms - {"sxm"})
    if common is not None:
        return _rated([next(each for each in rows if each.name == common)])
    told = any(len(word) > 1 for word in words)
    fitting = [each for each in rows if told and words <= each.words]
    if told and not fitting:  # rtx4090, A 100
        fitting = [each for each in rows if joined and joined == each.joined]
        words = fitting[0].words if fitting else words
    if not fitting:
        raise _unknown("GPU", text, rows)
    # The name with the least in it that was not said: an RTX 4090 is no RTX 4090 D.
    least = min(len(each.words - words) for each in fitting)
    fitting = [each for each in fitting if len(each.words - words) == least]
    most = max(_likeness(forms, each.forms) for each in fitting)
    return _rated([each for each in fitting if _likeness(forms, each.forms) == most])


def cpu(text: str, tables: Path = TABLES) -> Rated:
    """The CPU that somebody means: one package of it. Raises SettingError with the nearest there are."""
    given = _in_watts(text, "a CPU")
    if given is not None:
        return given
    words = frozenset(normalise(text[:LONGEST_NAME]).split())
    rows = list(_cpu_rows(tables))
    told = any(any(map(str.isdigit, word)) for word in words)  # `Xeon` alone is a family
    fitting = [each for each in rows if told and words <= each.words]
    if not fitting:
        raise _unknown("CPU", text, rows)
    least = min(len(each.words) for each in fitting)
    return _rated([each for each in fitting if len(each.words) == least])


def _in_watts(text: str, what: str) -> Rated | None:
    """`300W`: a rated power that somebody gives."""
    found = _WATTS.fullmatch(text.strip()[:LONGEST_NAME])
    if found is None:
        return None
    rated_w = float(found[1])
    if not 0 < rated_w <= LARGEST_W:
        raise SettingError(f"{what.capitalize()} of {text.strip()[:40]} is none.")
    return Rated(f"{what} of {rated_w:g} W", rated_w, rated_w, rated_w, "set by you")


def _rated(rows: Sequence[_Row]) -> Rated:
    first, powers_w = rows[0], [each.rated_w for each in rows]
    source = first.source
    others = [f"{each.name} {each.rated_w:g} W" for each in rows[1:MOST_SHOWN]]
    if others and min(powers_w) < max(powers_w):
        more = len(rows) - MOST_SHOWN
        others += [f"{more} more"] if more > 0 else []
        source += f"; taken of several: {', '.join(others)} widen the range"
    return Rated(first.name, first.rated_w, min(powers_w), max(powers_w), source)


def _likeness(forms: frozenset[str], others: frozenset[str]) -> int:
    """How alike two variants are: its socket tells more of a GPU than its memory."""
    return sum(1 if each.endswith("gb") else 2 for each in forms & others)


def _split(text: str) -> list[str]:
    plain = text[:LONGEST_NAME].casefold().replace("(r)", " ").replace("(tm)", " ")
    return [word for word in re.split(r"[^a-z0-9]+", plain) if word]


def _words(text: str) -> tuple[frozenset[str], frozenset[str], str]:
    """The words of a GPU's name that must fit, those that choose among variants, and the former in one."""
    found = _split(text)
    forms = {word for word in found if _FORM.fullmatch(word)}
    words = [word for word in found if word not in forms and word not in _NOISE]
    socket = {"sxm"} if any(each.startswith("sxm") for each in forms) else set()
    return frozenset(words), frozenset(forms | socket), "".join(words)


def _gpu_rows(tables: Path) -> Iterable[_Row]:
    for _, name, rated_w, memory_gb, check, source, note in read_rows(tables / "gpu_tdp.csv"):
        words, forms, joined = _words(name)
        checked = {"confirmed": "", "none": "not cross-checked"}.get(
            check, f"another table {check}"
        )
        text = "; ".join(each for each in (source, note, checked) if each)
        yield _Row(name, float(rated_w), words, forms | {f"{memory_gb}gb"}, text, joined)


def _cpu_rows(tables: Path) -> Iterable[_Row]:
    for name, rated_w in read_rows(tables / "cpu_tdp.csv"):
        words, joined = name.split(), "".join(_split(name))
        shown = " ".join(map(_capital, words))
        yield _Row(shown, float(rated_w), frozenset(words), frozenset(), CPU_SOURCE, joined)


def _capital(word: str) -> str:
    if word in _CAPITALS:
        return word.upper()
    return word.capitalize() if word.isalpha() else word


def _unknown(what: str, text: str, rows: Sequence[_Row]) -> SettingError:
    """What there is that looks most like a name."""
    from difflib import get_close_matches

    wanted = "".join(word for word in _split(text) if word not in _NOISE)
    if not wanted:
        return SettingError(f"A {what} needs a name.", hint="For example A100, or 300W.")
    named: dict[str, list[_Row]] = {}
    for each in rows:
        named.setdefault(each.joined, []).append(each)
    close = get_close_matches(wanted, named, n=MOST_SHOWN, cutoff=LEAST_ALIKE)
    words = _words(text)[0]
    alike = [each for joined in close for each in named[joined]]
    found = (alike or [each for each in rows if words & each.words])[:MOST_SHOWN]
    near = ", ".join(f"{each.name} ({each.rated_w:g} W)" for each in found)
    return SettingError(
        f"There is no {what} {text.strip()[:40]!r} in the table.",
        hint=f"{f'Near it: {near}. ' if near else ''}Or give its rated power: --{what.lower()} 300W.",
    )
