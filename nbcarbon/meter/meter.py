"""Opens and closes runs, and holds the one live session of this kernel.

Opening and closing are on the user's path: a few tens of microseconds, no lock another process
holds, no disk, no waiting. Everything that comes back is kept as it came and folded when looked at.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import threading
import time
from array import array
from bisect import bisect_left
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from nbcarbon.channel import Outbox, encode
from nbcarbon.core.cell import CellRun, Outcome, Role
from nbcarbon.core.said import (
    CellEnded,
    CellOpened,
    CellRestarted,
    CellsNoted,
    Edge,
    SettingChanged,
    as_json,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbcarbon.core.figures import Figures
    from nbcarbon.core.said import SessionStarted
    from nbcarbon.core.session import Session
    from nbcarbon.meter.edges import EdgeCounters
    from nbcarbon.meter.link import Link
    from nbcarbon.ports import Clock

# Bound at import: a user who shadows these names in a notebook must not stop a measurement.
_process_time, _thread_id, _getpid = time.process_time, threading.get_native_id, os.getpid

Seen = TypeVar("Seen")

ALL_GPUS = "all"
"""The setting `visible_gpus` where CUDA_VISIBLE_DEVICES is not set; empty means none at all."""

MOST_UNFOLDED = 500
"""Events kept unfolded; beyond this the listening thread folds them, so memory stays bounded."""


class Run:
    """An open run: what `close` needs to find it again. `name` may change until then."""

    __slots__ = ("described", "end_s", "name", "outcome", "pid", "thread")

    def __init__(self, described: CellRun, thread: int, pid: int) -> None:
        self.described = described
        self.name = described.name
        self.thread = thread
        self.pid = pid
        self.end_s = described.start_s
        self.outcome = Outcome.UNCLOSED

    @property
    def index(self) -> int:
        return self.described.index


class Keys:
    """Keys of runs whose cell has no id: a hash of the source, and the how manieth run of it this is.

    A source that was run once takes eight bytes: a long session without ids may have 100,000.
    """

    def __init__(self) -> None:
        self._once = array("Q")
        self._more: dict[int, int] = {}

    def next(self, source: str) -> str:
        digest = hashlib.sha256(source.encode("utf-8", "replace")).hexdigest()[:12]
        number = int(digest, 16)
        position = bisect_left(self._once, number)
        if position == len(self._once) or self._once[position] != number:
            self._once.insert(position, number)
            return f"{digest}-1"
        count = self._more[number] = self._more.get(number, 1) + 1
        return f"{digest}-{count}"


class Meter:
    """The kernel's side of one session."""

    def __init__(
        self,
        started: SessionStarted,
        *,
        clock: Clock,
        edges: EdgeCounters,
        build_link: Callable[[Meter, Outbox], Link],
    ) -> None:
        self.started = started
        self._clock = clock
        self._edges = edges
        self._outbox = Outbox()
        self._pid = _getpid()
        self._indexes = itertools.count(1)
        self.newest_index = 0
        self._keys = Keys()
        self._stacks: defaultdict[int, list[Run]] = defaultdict(list)
        self._open: dict[int, tuple[int, bytes]] = {}
        self._visible_gpus = os.environ.get("CUDA_VISIBLE_DEVICES")
        self._measuring = True
        self._changed = threading.Condition()
        self._unfolded: list[dict[str, Any]] = []
        self._session: Session | None = None
        self._closed_indexes: set[int] = set()
        self._callbacks: defaultdict[int, list[Callable[[], None]]] = defaultdict(list)
        self._listeners: tuple[Callable[[dict[str, Any]], None], ...] = ()
        self._problem = ""
        self._ended = False
        self.link = build_link(self, self._outbox)

    # Runs

    def open(
        self,
        *,
        key: str | None,
        source: str,
        name: str,
        front_end: bool,
        edge: Edge | None = None,
        repeat_count: int = 0,
    ) -> Run | None:
        """A run begins now, or began at `edge`. None while measuring is off, or in a forked child."""
        pid = _getpid()
        if not self._measuring or self._ended or pid != self._pid:
            return None
        thread = _thread_id()
        self._watch_visible_gpus()
        if key is None:
            key = self._keys.next(source)
        stack = self._stacks[thread]
        edge = edge or self.edge()
        self.newest_index = next(self._indexes)
        described = CellRun(
            key=key,
            index=self.newest_index,
            name=name,
            role=Role.FRONT_END if front_end else Role.CELL,
            started_at=self._clock.now(),
            start_s=edge.instant_s,
            parent_index=stack[-1].index if stack else None,
            repeat_count=repeat_count,
        )
        run = Run(described, thread, pid)
        stack.append(run)
        body = as_json(CellOpened(described, edge))
        number = self._outbox.post(body)
        self._open[run.index] = (number, encode({"n": number, "e": body}))
        return run

    def restart(self, run: Run) -> None:
        """A run begins only now: until here it waited for what others had queued."""
        if run.pid != _getpid() or run not in self._stacks.get(run.thread, ()):
            return
        edge = self.edge()
        run.described = replace(run.described, start_s=edge.instant_s)
        self._outbox.post(as_json(CellRestarted(run.index, edge)))

    def close(self, run: Run | None, outcome: Outcome, *, synced: bool = True) -> None:
        """A run is over. Anything but the run of this process that is still open is ignored."""
        if run is None or run.pid != _getpid():
            return
        edge = self.edge()
        stack = self._stacks[run.thread]
        if run not in stack:
            return
        stack.remove(run)
        if not stack:
            del self._stacks[run.thread]
        self._open.pop(run.index, None)
        run.end_s, run.outcome = edge.instant_s, outcome
        flags = () if synced else ("unsynced",)
        self._outbox.post(as_json(CellEnded(run.index, edge, outcome, flags, run.name)))

    def abandon_thread(self) -> None:
        """Close whatever this thread left open: its end was never seen."""
        for run in reversed(self._stacks.get(_thread_id(), [])[:]):
            self.close(run, Outcome.UNCLOSED)

    def edge(self) -> Edge:
        """This moment, as one end of a run."""
        # Counters and clock back to back: what lies between them is the error of the edge.
        instant_s = self._clock.monotonic_s()
        counters_j = self._edges.read()
        return Edge(instant_s, _process_time(), _thread_id(), counters_j)

    def _watch_visible_gpus(self) -> None:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        if visible != self._visible_gpus:
            self._visible_gpus = visible
            self._post(SettingChanged("visible_gpus", ALL_GPUS if visible is None else visible))

    # What the user sets

    def change(self, name: str, value: str) -> None:
        """Tell the session of a setting. It is in the ledger from here on."""
        if name == "measuring":
            self._measuring = value == "on"
        self._post(SettingChanged(name, value))

    def note(self, name: str, value: str, first_index: int, last_index: int | None) -> None:
        """Keep what the user says of runs: from one to another, or of all from one on (None)."""
        self._outbox.post(as_json(CellsNoted(name, value, first_index, last_index)))

    def running(self) -> Run | None:
        """The innermost run of this thread, or of the only thread that has one. Not a batch of a body that is
        run again and again, but the run around it."""
        stack = self._stacks.get(_thread_id(), [])
        if not stack:
            stacks = list(self._stacks.values())
            stack = stacks[0] if len(stacks) == 1 else []
        return next((run for run in reversed(stack) if not run.described.repeat_count), None)

    @property
    def measuring(self) -> bool:
        return self._measuring and not self._ended

    def disable(self, reason: str) -> None:
        """Stop measuring for good, and say why when asked."""
        self._problem = self._problem or reason
        self.change("measuring", "off")

    def _post(self, event: SettingChanged) -> None:
        self._outbox.post(as_json(event))

    # What comes back

    def hello(self, acknowledged: int) -> Iterable[bytes]:
        """What a new sampler is told first: the session, and runs its predecessor had recorded."""
        yield encode({"n": 0, "e": as_json(self.started)})
        for number, message in sorted(self._open.values()):
            if number <= acknowledged:
                yield message

    def received(self, body: dict[str, Any]) -> None:
        """An event from the sampler, on the link's thread."""
        event = body.get("e")
        if not isinstance(event, dict):
            return
        kind = event.get("type")
        callbacks: list[Callable[[], None]] = []
        with self._changed:
            self._unfolded.append(event)
            if kind == "CellClosed":
                index = event["report"]["run"]["index"]
                self._closed_indexes.add(index)
                callbacks = self._callbacks.pop(index, [])
            if len(self._unfolded) > MOST_UNFOLDED:
                self._fold()
            self._changed.notify_all()
        if kind == "DevicesFound":
            self._edges.watch(_counter_files(event))
        for callback in callbacks:
            callback()
        for listener in self._listeners:
            listener(event)

    def subscribe(self, listener: Callable[[dict[str, Any]], None]) -> None:
        """Hear every event from now on, as JSON values, on the link's thread. It must not raise."""
        self._listeners = (*self._listeners, listener)

    def unsubscribe(self, listener: Callable[[dict[str, Any]], None]) -> None:
        self._listeners = tuple(each for each in self._listeners if each != listener)

    def failed(self, reason: str) -> None:
        """The link has given up."""
        self._problem = reason

    def _fold(self) -> Session:
        from nbcarbon.core.events import from_json
        from nbcarbon.core.session import Session

        if self._session is None:
            self._session = Session([self.started])
        for body in self._unfolded:
            self._session.apply(from_json(body))
        self._unfolded.clear()
        self._closed_indexes.clear()
        return self._session

    @property
    def session(self) -> Session:
        """The live session, up to date."""
        with self._changed:
            return self._fold()

    def look(self, view: Callable[[Session], Seen]) -> Seen:
        """What `view` makes of the live session, which does not change while it looks."""
        with self._changed:
            return view(self._fold())

    def is_closed(self, index: int) -> bool:
        """Whether a run's figures are here."""
        return index in self._closed_indexes or (
            self._session is not None and index in self._session.cells
        )

    def figures(self, index: int, *, wait_s: float) -> Figures | None:
        """A run's figures, after waiting at most `wait_s` for them; None if they are not here."""
        with self._changed:
            if not self._changed.wait_for(lambda: self.is_closed(index), wait_s):
                return None
            return self._fold().figures_of(index)

    def report(self, run: Run, *, wait_s: float) -> Figures:
        """A finished run's figures after at most `wait_s`, else what is known: a coverage of 0."""
        found = self.figures(run.index, wait_s=wait_s)
        if found is not None:
            return found
        from nbcarbon.core.cell import CellReport
        from nbcarbon.core.energy import DeviceEnergy
        from nbcarbon.core.figures import figures

        session = self.session
        nothing = tuple(DeviceEnergy(each, 0.0, 0.0, 0.0, 0.0) for each in session.devices)
        report = CellReport(run.described, run.end_s, run.outcome, nothing)
        return figures(
            report,
            session.devices,
            rule=session.rule,
            zone=session.zone,
            intensity=session.intensity,
            pue=session.pue,
        )

    def wait_settled(self, wait_s: float) -> bool:
        """Whether the sampler has acknowledged everything said so far, within the time given."""
        with self._changed:
            return self._changed.wait_for(lambda: self._outbox.waiting_count == 0, wait_s)

    def acknowledged(self) -> None:
        """The sampler has acknowledged something: wake whoever waits for it."""
        with self._changed:
            self._changed.notify_all()

    def when_closed(self, index: int, callback: Callable[[], None]) -> None:
        """Call back on the link's thread when the figures come; at once where they are here."""
        with self._changed:
            if not self.is_closed(index):
                self._callbacks[index].append(callback)
                return
        callback()

    def wait_ready(self, wait_s: float) -> bool:
        """Whether the sampler has answered at least once within the time given."""
        return self.link.ready.wait(wait_s)

    @property
    def problem(self) -> str:
        """Why this session is not measured, or not as it should be; empty if all is well."""
        stalled_s = self.link.stalled_s()
        if not self._problem and stalled_s is not None:
            return f"the sampler has not answered for {stalled_s:.0f} s"
        return self._problem

    # The end

    def end(self, *, wait_s: float) -> None:
        """End the session. With `wait_s` 0 nothing is waited for: the sampler ends by itself."""
        if self._ended or _getpid() != self._pid:
            return
        self.abandon_thread()
        from nbcarbon.core.said import SessionEnded

        self._outbox.post(as_json(SessionEnded(self._clock.monotonic_s())))
        self._ended = True
        self.link.close(wait_s=wait_s)
        self._edges.close()

    def after_fork(self) -> None:
        """In a forked child: measure nothing, hold nothing of the parent's."""
        self._ended = True
        self._changed = threading.Condition()
        self._outbox.after_fork()


def _counter_files(event: dict[str, Any]) -> Iterable[tuple[str, str, float]]:
    for device in event.get("devices", ()):
        file = device.get("counter_file")
        if file:
            yield device["id"], file["path"], file["joules_per_count"]
