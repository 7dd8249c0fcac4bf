"""`nbcarbon history`: what all sessions on this machine used, one ledger after the other.

Only one ledger's events are in memory at a time, and of sessions side by side the spans in which they
watched and worked. Which part each is counted for is `core.across`'s to say.
"""

from __future__ import annotations

from array import array
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from nbcarbon import recorded, settings
from nbcarbon.core import across_words
from nbcarbon.core.across import PastSession, Sum, Sweep, Table, Tagged, curve, seen
from nbcarbon.core.attribution import Rule
from nbcarbon.core.emissions import operational
from nbcarbon.core.events import SessionStarted
from nbcarbon.core.live import counted
from nbcarbon.core.overlap import Watcher, joined
from nbcarbon.core.recover import close_dead, recorded_points
from nbcarbon.core.session import Session
from nbcarbon.core.tags import by_tag
from nbcarbon.errors import LedgerError, SettingError
from nbcarbon.ledger import store
from nbcarbon.ledger.reader import LedgerReader, is_live, read_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from nbcarbon.core.across import Settled
    from nbcarbon.core.energy import Energy

BY = ("notebook", "day", "zone", "tag")
"""What sums can be made by; without one there is a row for each session."""

_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_STEP_S = 1.0
"""A wall clock that moved by less was not set."""


class Found(NamedTuple):
    """The sums by each of what was asked for, when sessions began, and what could not be read, with why."""

    tables: tuple[Table, ...]
    began: Mapping[str, datetime]
    unread: tuple[tuple[str, str], ...]
    since: datetime | None


class _Head(NamedTuple):
    """How a ledger begins: enough to put them in order."""

    clock: str
    start_s: float
    path: Path


def read(
    environ: Mapping[str, str], *, by: Iterable[str] = ("",), since: datetime | None = None
) -> Found:
    """Read every session, or what there was of them from `since` on. Raises LedgerError."""
    folder = recorded.sessions_folder(settings.load(environ).settings, environ)
    heads, unread = [], []
    for path in store.sessions(folder):
        try:
            if since is not None and path.stat().st_mtime < since.timestamp():
                continue  # nothing was written to it since
            heads.append(_head(path))
        except (LedgerError, OSError) as error:
            unread.append((path.stem, str(error)))
    tables, began = tuple(map(Table, by)), {}
    sweep = Sweep(day_of, since_s=since.timestamp() if since else float("-inf"))

    def settle(found: list[Settled]) -> None:
        for each in found:
            for table in tables:
                table.add(each)

    for head in sorted(heads):
        try:
            past = read_past(head.path)
        except LedgerError as error:
            unread.append((head.path.stem, str(error)))
            continue
        began[past.id] = store.began_at(head.path)
        settle(sweep.take(past))
    settle(sweep.finish())
    return Found(tables, began, tuple(unread), since)


def _head(path: Path) -> _Head:
    for event in LedgerReader(path).events():
        if isinstance(event, SessionStarted):
            return _Head(_clock(event), event.start_s, path)
        break
    # Damaged at its very beginning: read all the same, and counted beside nobody.
    return _Head(path.stem, 0.0, path)


def _clock(started: SessionStarted) -> str:
    """Whose instants can be compared with these: of one boot, or where nobody tells, of one start of a clock."""
    if started.boot_id:
        return started.boot_id
    booted_s = started.started_at.timestamp() - started.start_s
    return f"{started.host} {booted_s:.0f}"


def read_past(path: Path) -> PastSession:
    """What sums across sessions need of one ledger. Raises LedgerError."""
    live = is_live(path)
    events, _ = read_all(path)
    if not live:
        events = close_dead(events)
    session = Session(events)
    points = recorded_points(events)
    del events
    started = session.started
    if started is None:
        raise LedgerError(f"{path} has no beginning.", hint="It is not a session's file.")
    figures = session.figures()
    devices = counted(session)
    curves = {each.id: curve(points, each.id) for each in devices}
    spans = list(session.cells.spans())
    own = None
    if figures.rule is Rule.SHARE:
        own = {each.id: session.own_fraction_of(each.id) for each in devices}
    return PastSession(
        id=path.stem.partition("-")[2],
        notebook=started.notebook,
        zone=figures.zone.name if figures.zone.id else "",
        clock=_clock(started),
        start_s=started.start_s,
        end_s=session.until_s,
        cells=_priced(session, figures.cells_energy),
        rest=_priced(session, figures.front_end + figures.background + figures.between_cells),
        watcher=Watcher(
            {device_id: seen(each) for device_id, each in curves.items()},
            joined((start_s, end_s) for start_s, end_s, _ in spans),
            own,
        ),
        wall_ahead_s=_wall(started, spans),
        curves=curves,
        cell_starts_s=array("d", (start_s for start_s, _, _ in spans)),
        tags={
            each.tag: Tagged(each.cells_fraction or 0.0, each.cell_count)
            for each in by_tag(figures)
        },
    )


def _priced(session: Session, energy: Energy) -> Sum:
    return Sum(energy, operational(energy, pue=session.pue, intensity=session.intensity))


def _wall(
    started: SessionStarted, spans: list[tuple[float, float, float]]
) -> list[tuple[float, float]]:
    """Steps of how far the wall clock is ahead: it is told where a session and each of its cells begins."""
    steps = [(started.start_s, started.started_at.timestamp() - started.start_s)]
    for start_s, _, ahead_s in sorted(spans):
        if abs(ahead_s - steps[-1][1]) > _STEP_S:
            steps.append((start_s, ahead_s))
    return steps


def session_lines(
    environ: Mapping[str, str], *, by: str = "", since: datetime | None = None
) -> Iterator[str]:
    """A line for each session or group, and their total. Raises LedgerError."""
    found = read(environ, by=[by], since=since)
    began = {name: _shown(each) for name, each in found.began.items()}
    shown = across_words.lines(found.tables[0], {} if by else began)
    yield from shown
    for name, error in found.unread:
        yield f"{name.partition('-')[2]}  {error}"
    if not shown and not found.unread:
        folder = recorded.sessions_folder(settings.load(environ).settings, environ)
        after = "yet" if since is None else f"since {_shown(since)}"
        yield f"No session has been recorded in {folder} {after}."


def as_json(
    environ: Mapping[str, str], *, by: str = "", since: datetime | None = None
) -> dict[str, Any]:
    """The same for programs. Raises LedgerError."""
    found = read(environ, by=[by], since=since)
    began = {name: each.isoformat() for name, each in found.began.items()}
    return across_words.as_json(
        found.tables[0],
        since=None if since is None else since.isoformat(),
        began={} if by else began,
        unread=found.unread,
    )


def write_page(
    environ: Mapping[str, str], path: Path, *, since: datetime | None, force: bool
) -> Path:
    """Write the page that shows all of it. Returns where. Raises LedgerError, ExportError."""
    from nbcarbon.export.history_page import render
    from nbcarbon.files import write_atomic

    found = read(environ, by=("notebook", "day", "zone", "tag"), since=since)
    days = [row.key for row in found.tables[1].rows()]
    since_day = "" if since is None else _day(since)
    begin = max(since_day, days[0]) if days else since_day
    write_atomic(
        path, render(found.tables, since=begin, until=days[-1] if days else ""), force=force
    )
    return path


def _shown(moment: datetime) -> str:
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")


def _day(moment: datetime) -> str:
    return moment.astimezone().date().isoformat()


def day_of(wall_s: float) -> tuple[str, float]:
    """The local day of an instant since 1970, and when the next one begins."""
    day = datetime.fromtimestamp(wall_s).astimezone().date()
    after = datetime.combine(day + timedelta(days=1), datetime.min.time()).astimezone()
    return day.isoformat(), after.timestamp()


def moment(text: str, now: datetime) -> datetime:
    """`30d`, `12h`, `2w` before now, or a date. Raises SettingError."""
    number, unit = text[:-1], text[-1:]
    if unit in _UNITS and number.isdigit() and len(number) <= 6:
        try:
            return now - int(number) * _UNITS[unit]
        except OverflowError:
            pass
    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError):
        raise SettingError(
            f"{text[:40]!r} is no time.", hint="Write 30d, 12h, 2w or YYYY-MM-DD."
        ) from None
