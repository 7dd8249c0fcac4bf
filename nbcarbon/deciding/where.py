"""`where`: a session's energy, or a cell's, in every zone or cloud region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core import humanize
from nbcarbon.core.intensity import Accounting
from nbcarbon.core.where import MAINSTREAM, Candidate, Ranking, cleanest, rank
from nbcarbon.deciding.sessions import used_by
from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from nbcarbon.core.session import Session
    from nbcarbon.core.where import Place


LEAST_G: Final = 1.0
"""Of less than a gram nobody hears unasked."""


class Elsewhere(NamedTuple):
    """A ranking, what it is of in words, and the one place worth a sentence, None where there is none."""

    what: str
    ranking: Ranking
    best: Place | None


def elsewhere(session: Session, cell: str = "", provider: str | None = None) -> Elsewhere:
    """A cell's energy, the session's where none is named, in every zone or in a provider's regions.

    Raises SettingError.
    """
    from nbcarbon.grid import everywhere

    used = used_by(session, cell)
    if used.energy.energy_j <= 0:
        raise SettingError("Nothing has been measured yet.", hint="Run a cell first.")
    here = _here(session)
    accounting = here.intensity.accounting if here else Accounting.CONSUMPTION
    regions = everywhere.cloud_regions(provider or "")
    among = everywhere.zones(accounting) if provider is None else regions
    found = rank(used.energy, among, here, pue=session.pue)
    clouds = rank(used.energy, regions, here, pue=session.pue)
    providers = MAINSTREAM if provider is None else {each.id.partition(":")[0] for each in regions}
    return Elsewhere(used.what, found, cleanest(clouds, tuple(providers)))


def _here(session: Session) -> Candidate | None:
    """This session's place by its yearly average: what it is compared with are such averages too."""
    from nbcarbon.grid import everywhere

    found = everywhere.average(session.zone)
    if found is None or found.fallback:
        return None
    zone = session.zone
    return Candidate(zone.id or "", zone.name, zone.id or "", found)


def nudge(found: Elsewhere) -> str:
    """The cleanest sensible place in one sentence; empty where nothing is worth saying."""
    best, here = found.best, found.ranking.here
    if best is None or here is None or not best.ratio_fraction:
        return ""
    times = humanize.number(float(f"{1 / best.ratio_fraction:.2g}"))
    there, now = (humanize.mass(each.emissions.emissions_g) for each in (best, here))
    return (
        f"In {best.id} ({best.name}) {found.what} would have emitted about {there} instead of {now}: "
        f"{times} times less."
    )


def unasked(session: Session) -> str:
    """The same sentence for somebody who only looks at a report; empty where too little is at stake."""
    if session.figures().emissions.emissions_g < LEAST_G:
        return ""
    return nudge(elsewhere(session))
