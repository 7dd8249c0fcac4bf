"""A budget of energy or emissions, for a session or for one cell, and how much of it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from nbcarbon.core import humanize
from nbcarbon.core.amount import amount
from nbcarbon.core.cell import Role
from nbcarbon.core.escape import label
from nbcarbon.core.live import live
from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from nbcarbon.core.cell import CellRun
    from nbcarbon.core.session import Session

WARN_FRACTION: Final = 0.8
SETTING: Final = "budget"
"""The setting that holds the session's, as `Budget.text`; empty where there is none."""

_STOP: Final = " stop"


@dataclass(frozen=True, slots=True)
class Budget:
    """So many joules, or so many grams; the other one is None. With `stop` whatever uses it up is interrupted."""

    energy_j: float | None = None
    emissions_g: float | None = None
    stop: bool = False

    @property
    def text(self) -> str:
        """As an event keeps it; `parse` reads it back."""
        amount = f"{self.energy_j!r} J" if self.energy_j is not None else f"{self.emissions_g!r} g"
        return amount + _STOP * self.stop

    def __str__(self) -> str:
        if self.energy_j is not None:
            return humanize.energy(self.energy_j)
        return humanize.mass(self.emissions_g or 0.0)

    def used_fraction(self, energy_j: float, emissions_g: float) -> float:
        """How much of it so many joules and grams are; more than 1 where it is used up."""
        if self.energy_j is not None:
            return energy_j / self.energy_j
        return emissions_g / (self.emissions_g or 1.0)


def parse(text: str) -> Budget:
    """A budget from `0.5kWh` or `200 g`. Raises SettingError."""
    try:
        energy_j, emissions_g = amount(text.removesuffix(_STOP))
    except SettingError:
        raise SettingError(
            f"A budget cannot be {label(text)[:40]!r}.",
            hint="Use an energy or a mass with its unit: 0.5kWh, 10Wh or 200g.",
        ) from None
    return Budget(energy_j, emissions_g, text.endswith(_STOP))


@dataclass(frozen=True, slots=True)
class Use:
    """How much of a budget is used: the session's where `index` is None, else that of the outermost run that
    has it or holds the one that does."""

    index: int | None
    name: str
    budget: Budget
    used_fraction: float


def uses(session: Session) -> tuple[Use, ...]:
    """The budgets that hold now: of the session, and of cells that run."""
    found = []
    now = None
    whole = _read(session.settings.get(SETTING, ""))
    if whole is not None:
        now = live(session)
        used = whole.used_fraction(now.energy.energy_j, now.emissions.emissions_g)
        found.append(Use(None, "session", whole, used))
    for run in session.open.values():
        budget = _read(session.notes.of(run.index, run.index).budget)
        if budget is not None and run.role is Role.CELL:
            now = now or live(session)
            energy, emissions = now.running_energy, now.running_emissions
            used = budget.used_fraction(energy.energy_j, emissions.emissions_g)
            found.append(Use(_root_index(session, run), run.name, budget, used))
    return tuple(found)


def _root_index(session: Session, run: CellRun) -> int:
    while run.parent_index is not None and run.parent_index in session.open:
        run = session.open[run.parent_index]
    return run.index


def _read(text: str) -> Budget | None:
    """What an event kept, None where that is nothing or of a later version."""
    try:
        return parse(text) if text else None
    except SettingError:
        return None


def words(use: Use) -> str:
    """How far it is, in a sentence: `This session has used 81 % of its budget of 0.5 kWh.`"""
    who = "This session" if use.index is None else use.name
    return f"{who} has used {humanize.percent(use.used_fraction)} of its budget of {use.budget}."


def warning(session: Session) -> str:
    """The sentence of the budget that is used most, from 80 % on; empty before that."""
    found = [each for each in uses(session) if each.used_fraction >= WARN_FRACTION]
    return words(max(found, key=lambda each: each.used_fraction)) if found else ""


def card_words(text: str, energy_j: float, emissions_g: float) -> str:
    """What a finished cell used of its budget; empty where it had none."""
    budget = _read(text)
    if budget is None:
        return ""
    return (
        f"{humanize.percent(budget.used_fraction(energy_j, emissions_g))} of its budget of {budget}"
    )
