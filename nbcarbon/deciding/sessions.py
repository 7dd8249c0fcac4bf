"""What deciding starts from: a session, live or recorded, its place, and its cells by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core.cell import Role
from nbcarbon.deciding.estimate import Like, estimate
from nbcarbon.deciding.place import BY_YOU, Place
from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping

    from nbcarbon.core.energy import Energy
    from nbcarbon.core.scenario import Calculation
    from nbcarbon.core.session import Session

LONGEST_SHOWN: Final = 40
NO_PUE: Final = "not set: no building is counted"


def index_of(session: Session, wanted: str) -> int:
    """The newest finished run of a cell by its name or number. Raises SettingError."""
    for index in reversed(list(session.cells)):
        run = session.cells[index].run
        if run.role is Role.CELL and wanted in (run.name, run.name.removeprefix("cell ")):
            return index
    raise SettingError(
        f"No cell {wanted[:LONGEST_SHOWN]!r} has been measured.", hint="The report lists them."
    )


class Used(NamedTuple):
    """What something used in some time, and what it is in words."""

    what: str
    energy: Energy
    duration_s: float


def used_by(session: Session, cell: str) -> Used:
    """A cell, or all of this notebook's session where none is named. Raises SettingError."""
    if not cell:
        figures = session.figures()
        return Used("this session", figures.energy, figures.duration_s)
    found = session.figures_of(index_of(session, cell))
    return Used(found.name, found.energy, found.duration_s)


def like(session: Session, wanted: str) -> Like:
    """A measured cell, and whose it is."""
    figures = session.figures_of(index_of(session, wanted))
    began = figures.started_at.astimezone().strftime("%Y-%m-%d %H:%M")
    return Like(figures, f"measured by nbcarbon on {began}")


def place_of(session: Session) -> Place:
    """Where a session's electricity comes from."""
    return Place(session.zone, session.intensity, session.pue, _whose(session.pue))


def _whose(pue: float) -> str:
    return BY_YOU if pue != 1 else NO_PUE


def estimate_in(session: Session, given: Namespace) -> Calculation:
    """`estimate` where a session is. Raises SettingError."""
    return estimate(given, place_of(session), lambda wanted: like(session, wanted))


def estimate_apart(given: Namespace, environ: Mapping[str, str]) -> Calculation:
    """`estimate` in a shell, where sessions are files. Raises SettingError, LedgerError."""
    from nbcarbon import app, settings
    from nbcarbon.recorded import recorded_session

    if given.like is not None:
        return estimate_in(recorded_session(given.ledger or "latest", environ), given)
    kept = settings.load(environ).settings
    zone, intensity, _ = app.locate(kept.zone, environ)
    here = Place(zone, intensity, kept.pue, _whose(kept.pue))
    return estimate(given, here, lambda wanted: _no_session())


def _no_session() -> Like:
    raise AssertionError("asked for with --like alone")
