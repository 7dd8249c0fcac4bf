"""What a session of a given size costs: seconds of CPU, bytes, and memory that stays."""

from __future__ import annotations

import gc
import json
import os
import time
import tracemalloc
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from nbcarbon.core.cell import CellRun, Role
from nbcarbon.core.events import CellOpened, Edge, to_json
from nbcarbon.core.trace import CounterReading
from nbcarbon.ledger.writer import LedgerWriter
from nbcarbon.meter.edges import EdgeCounters
from nbcarbon.meter.meter import Meter
from nbcarbon.notebook.card import report_html, report_text
from nbcarbon.panel import view_model
from nbcarbon.recorded import export_session, read_session
from nbcarbon.sampler.account import Account, Usage
from nbcarbon.testing import FakeClock
from tests.scale.sessions import Recorded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from nbcarbon.core.events import Event
    from nbcarbon.core.session import Session

MB = 1e6
DAY_S = 86_400.0


class Found(NamedTuple):
    """One finding. `goal` is the most it may be, None where nothing is promised."""

    what: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def line(self) -> str:
        goal = "" if self.goal is None else f"{self.goal:g} {self.unit}"
        missed = "" if self.goal is None or self.value <= self.goal else "  MISSED"
        return f"{self.what:<58} {goal:>10} {self.value:>9.3g} {self.unit}{missed}"


class Memory:
    """What was allocated since, and is still held."""

    def __enter__(self) -> Memory:
        gc.collect()
        tracemalloc.start()
        return self

    def __exit__(self, *_: object) -> None:
        gc.collect()
        self.held_bytes, self.most_bytes = tracemalloc.get_traced_memory()
        tracemalloc.stop()


def resident_bytes() -> int:
    """This process's resident memory, now."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu_s(work: Callable[[], object]) -> float:
    began_s = time.process_time()
    work()
    return time.process_time() - began_s


# The kernel


def kernel_of(recorded: Recorded) -> Meter:
    """A kernel's side that has heard all of a session, as messages."""

    class NoLink:
        def __init__(self, *_: object) -> None: ...

    events = recorded.events()
    meter = Meter(next(events), clock=FakeClock(), edges=EdgeCounters(), build_link=NoLink)  # type: ignore[arg-type]
    for event in events:
        meter.received({"e": json.loads(json.dumps(to_json(event)))})
    return meter


def in_the_kernel(cells: int, folder: Path, *, ids: bool = True) -> Iterator[Found]:
    """A live session of 16 devices, from the first cell to its report and its exports."""
    kernel_of(Recorded(cells=300)).session.figures()  # imports are not growth
    gc.collect()
    before = resident_bytes()
    began_s = time.process_time()
    meter = kernel_of(Recorded(cells=cells, ids=ids))
    heard_s = time.process_time() - began_s
    gc.collect()
    goal = 50.0 if cells <= 100_000 else None
    yield Found("kernel: memory growth", (resident_bytes() - before) / MB, "MB", goal)
    yield Found("kernel: hearing a cell, CPU", 1e3 * heard_s / cells, "ms")
    session = meter.session
    yield from _shown(session)
    yield from _exported(session, folder)
    yield from _told(session)


def _shown(session: Session) -> Iterator[Found]:
    texts: list[str] = []
    yield Found("figures and report, as text", cpu_s(lambda: texts.append(report_text(session.figures()))), "s", 2.0)  # fmt: skip
    yield Found("figures and report, as HTML", cpu_s(lambda: texts.append(report_html(session.figures()))), "s", 2.0)  # fmt: skip
    yield Found("the report's text", len(texts[0].encode()) / 1e3, "kB")
    yield Found("the report's HTML", len(texts[1].encode()) / 1e3, "kB")


def _exported(session: Session, folder: Path) -> Iterator[Found]:
    goal = 2.0 if len(session.cells) <= 10_000 else None
    for name in ("session.json", "session.md"):
        path = folder / name
        before = resident_bytes()
        took_s = cpu_s(lambda path=path: export_session(session, path, force=True, with_host=False))  # type: ignore[misc]
        kind = path.suffix[1:]
        yield Found(f"export to {kind}", took_s, "s", goal)
        yield Found(f"export to {kind}: size", path.stat().st_size / MB, "MB")
        yield Found(f"export to {kind}: memory", (resident_bytes() - before) / MB, "MB")


def _told(session: Session) -> Iterator[Found]:
    context = view_model.Context()
    took_s = cpu_s(lambda: [view_model.state(session, context) for _ in range(200)]) / 200
    yield Found("panel: a state, CPU", 1e3 * took_s, "ms", 1.0)
    yield Found("panel: a state", _size(view_model.state(session, context)), "B", 2000)
    yield Found("panel: all cells, CPU", cpu_s(lambda: view_model.cells(session)), "s")
    yield Found("panel: all cells", _size(view_model.cells(session)) / 1e3, "kB")
    yield Found("panel: history, CPU", cpu_s(lambda: view_model.history(session)), "s")
    yield Found("panel: history", _size(view_model.history(session)) / 1e3, "kB")


def _size(message: object) -> int:
    return len(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode())


# The ledger


class Paced:
    """A clock that goes with the events that are written."""

    def __init__(self) -> None:
        self.clock = FakeClock(1000.0)

    def to(self, event: Event) -> None:
        instant_s = getattr(event, "instant_s", None)
        if instant_s is not None:
            self.clock.advance(max(0.0, instant_s - self.clock.monotonic_s()))


def written(path: Path, events: Iterable[Event], *, compact: bool = True) -> tuple[int, int, int]:
    """A ledger as a sampler writes it. Returns its largest size, and compactions and bytes of them."""
    paced = Paced()
    writer = LedgerWriter(path, paced.clock, start=lambda work: work())
    most_bytes = compactions = compacted_bytes = 0
    checked_s = 0.0
    for number, event in enumerate(events):
        paced.to(event)
        writer.append(event, number)
        if compact and paced.clock.monotonic_s() - checked_s >= 1.0:
            checked_s = paced.clock.monotonic_s()
            size = path.stat().st_size
            most_bytes = max(most_bytes, size)
            writer.check()
            if path.stat().st_size < size:
                compactions += 1
                compacted_bytes += path.stat().st_size
    writer.close()
    return max(most_bytes, path.stat().st_size), compactions, compacted_bytes


def on_disk(recorded: Recorded, path: Path, *, whole_bytes: float) -> Iterator[Found]:
    """`whole_bytes` is what the file would have were it never compacted."""
    began_s = time.process_time()
    most_bytes, compactions, compacted_bytes = written(path, recorded.events())
    took_s = time.process_time() - began_s
    yield Found("ledger: not compacted (by the size of a part)", whole_bytes / MB, "MB")
    yield Found("ledger: the largest it is", most_bytes / MB, "MB")
    yield Found("ledger: at the end", path.stat().st_size / MB, "MB")
    yield Found("ledger: compactions", compactions, "")
    yield Found("ledger: written by them in all", compacted_bytes / MB, "MB")
    yield Found("ledger: CPU of writing it, with compactions", took_s, "s")


def report_from_disk(path: Path) -> Iterator[Found]:
    before = resident_bytes()
    sessions: list[Session] = []
    yield Found("`nbcarbon report`: reading the ledger", cpu_s(lambda: sessions.append(read_session(path))), "s")  # fmt: skip
    yield Found("`nbcarbon report`: figures and text", cpu_s(lambda: report_text(sessions[0].figures())), "s")  # fmt: skip
    yield Found("`nbcarbon report`: memory", (resident_bytes() - before) / MB, "MB")


def sampler_taking_up(path: Path) -> Iterator[Found]:
    """A second sampler of the same session."""
    from nbcarbon.ledger.opening import Past, open_session

    start = Recorded(cells=0).start()

    def taken_up() -> Past:
        writer, past = open_session(start, folders=[], path=path, clock=FakeClock(), keep_days=400)
        writer.close()
        return past

    took_s = cpu_s(taken_up)
    with Memory() as memory:
        past = taken_up()
    yield Found("a second sampler takes up the ledger", took_s, "s")
    yield Found("a second sampler: memory while it does", memory.most_bytes / MB, "MB")
    yield Found("a second sampler: events", len(past.events), "")


def compacting(path: Path) -> Iterator[Found]:
    """One compaction of a ledger that has a tail."""
    from nbcarbon.ledger.compaction import Compaction

    took_s = cpu_s(Compaction(path, path.stat().st_size, 1, FakeClock()).run)
    compaction = Compaction(path, path.stat().st_size, 1, FakeClock())
    with Memory() as memory:
        compaction.run()
    compaction.discard()
    yield Found("sampler: one compaction, CPU (beside the loop)", took_s, "s")
    yield Found("sampler: one compaction, memory", memory.most_bytes / MB, "MB")


# The sampler's traces


def growth_of_traces(hours: float, *, devices: int = 16, after_s: float = 60.0) -> float:
    """Bytes that one running cell, begun so long before, adds to a sampler in that time at ten readings a second."""
    clock, account = FakeClock(), Account()
    account.add_devices(Recorded(cells=0).devices[:devices])
    run = CellRun("key", 1, "long", Role.CELL, clock.now(), clock.monotonic_s())
    account.begin(clock.monotonic_s(), Usage())
    account.opened(CellOpened(run, Edge(clock.monotonic_s(), 0.0, 0)), Usage())

    def run_for(span_s: float) -> None:
        end_s = clock.monotonic_s() + span_s
        while clock.monotonic_s() < end_s:
            for _ in range(10):
                clock.advance(0.1)
                now_s = clock.monotonic_s()
                for each in list(account.traces):
                    account.read(each, CounterReading(now_s, 50.0 * now_s))
            account.point(now_s)
            account.forget(now_s)

    tracemalloc.start()
    run_for(after_s)
    before, _ = tracemalloc.get_traced_memory()
    run_for(3600.0 * hours)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return after - before
