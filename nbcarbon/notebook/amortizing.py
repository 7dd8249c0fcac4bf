"""`%carbon amortize --per-query Q --training CELLS`: what is on the line, and the answer in words.

Q is an amount (`0.1Wh`, `2mg`), or a cell that answered queries with how many (`answer/1000`; without a number as
many as the cell says itself). Of a cell that ran its body again and again, one run counts. Both sides are energy where both are known in joules: what is unsure of the grid is then in neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from nbcarbon.core import amortize, humanize
from nbcarbon.core.amount import amount
from nbcarbon.core.emissions import Emissions, operational
from nbcarbon.core.energy import Energy
from nbcarbon.core.escape import label
from nbcarbon.core.per_unit import per_run
from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nbcarbon.core.amortize import Ends
    from nbcarbon.core.figures import Figures, SessionFigures

USAGE = (
    "For example: %carbon amortize --per-query 0.1Wh --training train, or --per-query answer/1000."
)


class Question(NamedTuple):
    """A query's amount or cell, and the cells that trained."""

    per_query: str
    training: tuple[str, ...]


class Cost(NamedTuple):
    """What something cost: joules, None where it was given in grams, and grams."""

    energy: Energy | None
    emissions: Emissions


def question(words: Sequence[str]) -> Question:
    """What a line asks. Raises SettingError where a part of it is missing."""
    given: dict[str, list[str]] = {"--per-query": [], "--training": []}
    into: list[str] | None = None
    for word in words:
        option, _, value = word.partition("=")
        if option in given:
            into = given[option]
            into += [value] if value else []
        elif word.startswith("--") or into is None:
            raise SettingError(f"%carbon amortize has no {label(word)[:40]!r}.", hint=USAGE)
        else:
            into.append(word)
    query, training = given["--per-query"], given["--training"]
    named = [each for word in training for each in word.split(",") if each]
    if not query or not named:
        missing = "--per-query" if not query else "--training"
        raise SettingError(f"%carbon amortize needs {missing}.", hint=USAGE)
    return Question(" ".join(query), tuple(named))


def answer(figures: SessionFigures, asked: Question) -> str:
    """The number of queries that are one training. Raises SettingError."""
    training = _of_cells(figures, asked.training)
    query = _query(figures, asked.per_query)
    if training.energy is not None and query.energy is not None:
        whole, each, what = _ends_j(training.energy), _ends_j(query.energy), "use"
        texts = [_energy(training.energy), _energy(query.energy)]
    else:
        whole, each, what = _ends_g(training.emissions), _ends_g(query.emissions), "emit"
        texts = [humanize.mass(whole[0]), humanize.mass(each[0])]
    found = amortize.parity(whole, each)
    text = amortize.sentence(found, training=texts[0], query=texts[1], what=what)
    return f"{text}{_grid(training, query)}"


def _grid(training: Cost, query: Cost) -> str:
    """Both in grams as well, where both are joules of one grid."""
    if training.energy is None or query.energy is None:
        return ""
    grams = humanize.mass(training.emissions.emissions_g)
    return f" In CO₂e {grams} and {humanize.mass(query.emissions.emissions_g)}, on the same grid."


def _query(figures: SessionFigures, text: str) -> Cost:
    cell, slash, count_text = text.rpartition("/")
    if not slash:
        try:
            return _given(figures, text)
        except SettingError:
            if not _named(figures, text):
                raise
            return _of_cells(figures, (text,), per_query=True)
    try:
        count = float(count_text)
    except ValueError:
        count = 0.0
    if not 0 < count < 1e15:
        raise SettingError(
            f"{count_text[:40]!r} is not a number of queries.", hint="For example: answer/1000."
        )
    whole = _of_cells(figures, (cell,))
    energy = whole.energy or Energy()
    return _priced(
        figures, Energy(energy.energy_j / count, energy.low_j / count, energy.high_j / count)
    )


def _given(figures: SessionFigures, text: str) -> Cost:
    found = amount(text)
    if found.energy_j is not None:
        return _priced(figures, Energy(found.energy_j, found.energy_j, found.energy_j))
    grams = found.emissions_g or 0.0
    return Cost(None, Emissions(grams, grams, grams))


def _of_cells(figures: SessionFigures, names: Sequence[str], *, per_query: bool = False) -> Cost:
    """All runs of these cells together; a run within another of them once. With `per_query` a query of each."""
    chosen = {f.index: f for name in names for f in _some(figures, name)}
    energy = Energy()
    for f in chosen.values():
        if f.parent_index not in chosen:
            count = f.notes.query_count if per_query else None
            whole, _ = per_run(f)
            energy += whole.divided(count or 1)
    return _priced(figures, energy)


def _some(figures: SessionFigures, name: str) -> list[Figures]:
    found = _named(figures, name)
    if not found:
        raise SettingError(
            f"No cell {label(name)[:40]!r} has been measured.", hint="%carbon report lists them."
        )
    return found


def _named(figures: SessionFigures, name: str) -> list[Figures]:
    """Every run of a name or a number: `train`, `3`."""
    wanted = (name, f"cell {name}")
    return [each for each in figures.cells if each.name in wanted]


def _priced(figures: SessionFigures, energy: Energy) -> Cost:
    return Cost(energy, operational(energy, pue=figures.pue, intensity=figures.intensity))


def _energy(energy: Energy) -> str:
    if energy.low_j == energy.high_j:  # somebody said so: there is no range to show
        return humanize.energy(energy.energy_j)
    return str(humanize.energy_estimate(energy.energy_j, energy.low_j, energy.high_j))


def _ends_j(energy: Energy) -> Ends:
    return energy.energy_j, energy.low_j, energy.high_j


def _ends_g(emissions: Emissions) -> Ends:
    return emissions.emissions_g, emissions.low_g, emissions.high_g
