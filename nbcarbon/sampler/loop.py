"""The sampler's one loop: messages in, readings in, events out to the ledger and the kernel.

Everything it decides is decided by `account` and `rate`; everything it touches is handed in. It
ends when the kernel does, however that dies: the channel closes, or the parent process changes.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from nbcarbon.channel import decode, encode
from nbcarbon.core.cell import Outcome
from nbcarbon.core.device import Kind, Provenance
from nbcarbon.core.events import (
    GRID_NOTICES,
    BaselineLearned,
    BetweenMeasured,
    CalibrationLearned,
    CellClosed,
    CellEnded,
    CellOpened,
    CellRestarted,
    CellsNoted,
    DevicesFound,
    Edge,
    Folded,
    HardwareLearned,
    IntensityLearned,
    Noticed,
    SamplerStarted,
    SessionEnded,
    SessionStarted,
    SettingChanged,
    from_json,
    to_json,
)
from nbcarbon.core.recover import recorded_points, restarted
from nbcarbon.sampler.rate import HEARTBEAT_S, interval_s
from nbcarbon.sampler.roster import findings_to_notify

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from nbcarbon.channel import End
    from nbcarbon.core.baseline import Baseline
    from nbcarbon.core.calibration import Calibration
    from nbcarbon.core.device import Device
    from nbcarbon.core.events import Event
    from nbcarbon.core.intensity import Intensity, Zone
    from nbcarbon.ports import Clock, Discovery
    from nbcarbon.sampler.account import Account, Usage
    from nbcarbon.sampler.roster import Result, Roster

    Hardware = Callable[[Iterable[Device], Mapping[str, str]], HardwareLearned]
    """What making a machine with these devices emitted, by these settings."""

BRACKET_WAIT_S = 0.1
"""How long a cell's end waits for a driver before its figures go without it."""

SETTLE_WAIT_S = 0.3
"""How long a cell's end waits for two ticks of the slowest counter known. Whoever runs the next cell does
not wait: its edges are in the messages, and its own ticks are the same ones."""

FROZEN_S = 5.0
FROZEN_BUSY_FRACTION = 0.05
SUSPEND_S = 1.0
CLOCK_STEP_S = 0.5
TRY_AGAIN = ("lost", "denied")
"""What may mend itself, or be mended by an admin, while a session runs."""

SYNC_S = 5.0
"""Between two `fdatasync` of a running cell: half a millisecond of CPU each. Only a power loss needs them."""
TERMINATED = "terminated"
"""Told to end by a signal, not by the kernel: the session itself goes on with another sampler."""
PARENT_CHECK_S = 1.0
LOOK_S = 1.0
HARDWARE_SETTINGS = ("hardware", "hardware_share", "lifetime_years", "utilisation")


class Ledger(Protocol):
    """Where events are kept."""

    @property
    def problem(self) -> str | None: ...
    def append(self, event: Event, kernel_number: int | None = None) -> int: ...
    def sync(self) -> None: ...
    def check(self) -> None: ...
    def close(self) -> None: ...


class UsageReader(Protocol):
    def pids(self) -> list[int]: ...
    def read(self, kernel_cpu_s: float | None, *, threads: Collection[int] = ()) -> Usage: ...


class Past(Protocol):
    """What a sampler before this one left in the ledger."""

    @property
    def events(self) -> Iterable[Event]: ...
    @property
    def kernel_number(self) -> int: ...
    @property
    def notices(self) -> Iterable[tuple[str, str]]: ...


class Loop:
    """One session's sampler. `run` returns when the session is over."""

    def __init__(
        self,
        *,
        clock: Clock,
        end: End,
        account: Account,
        roster: Roster,
        usage: UsageReader,
        open_ledger: Callable[[SessionStarted], tuple[Ledger, Past]],
        locate: Callable[[str], tuple[Zone, Intensity, Iterable[tuple[str, str]]]],
        parent_alive: Callable[[], bool],
        shortest_interval_s: float,
        settle: Callable[[dict[str, str]], dict[str, str]],
        pid: int,
        mode: str = "process",
        look_at: Callable[[str], None] = lambda value: None,
        calibrations: Callable[[], Iterable[Calibration]] = tuple,
        baseline: Callable[[], Baseline | None] = lambda: None,
        hardware: Hardware | None = None,
    ) -> None:
        self._clock = clock
        self._end = end
        self._account = account
        self._roster = roster
        self._usage = usage
        self._open_ledger = open_ledger
        self._locate = locate
        self._parent_alive = parent_alive
        self._shortest_s = shortest_interval_s
        self._settle = settle
        self._pid = pid
        self._mode = mode
        self._look_at = look_at
        self._calibrations = calibrations
        self._baseline = baseline
        self._hardware = hardware
        self._hardware_told: HardwareLearned | None = None
        self._settings: dict[str, str] = {}
        self._ledger: Ledger | None = None
        self._heard = 0
        self._stopping = ""
        self._cell_s: float | None = None
        self._next_s = 0.0
        self._beat_s = 0.0
        self._synced_s = 0.0
        self._parent_s = float("-inf")
        self._looked_s = float("-inf")
        self._unsynced = False
        self._suspended_s = clock.boottime_s() - clock.monotonic_s()
        self._wall_s = self._wall_ahead_s()
        self._busy: tuple[float, float] | None = None
        self._paused = False
        self._pause_wanted = False
        self._said: set[str] = set()
        self._outgoing: list[bytes] = []

    def stop(self, reason: str) -> None:
        """End the session at the next turn. Safe to call from a signal handler."""
        self._stopping = self._stopping or reason
        self._end.wake()

    def run(self) -> None:
        """Serve the session until the kernel ends it, dies, or `stop` is called."""
        try:
            while not self._stopping:
                self._turn()
        finally:
            self._finish()

    def _turn(self) -> None:
        # A forked worker may hold a copy of the channel and hide its end: the parent tells as well.
        pause_s = min(self._next_s - self._clock.monotonic_s(), PARENT_CHECK_S)
        messages = self._end.receive(0.01 if self._outgoing else pause_s)
        if messages is None or not self._kernel_there():
            self._stopping = self._stopping or "kernel_gone"
        for message in messages or ():
            self._hear(message)
        if self._ledger is None:
            self._next_s = self._clock.monotonic_s() + HEARTBEAT_S
            return
        self._welcome_devices()
        if self._clock.monotonic_s() >= self._next_s:
            self._sample()
        self._flush()
        self._maybe_sync()
        self._beat(answer=bool(messages))

    def _kernel_there(self) -> bool:
        now_s = self._clock.monotonic_s()
        if now_s - self._parent_s < PARENT_CHECK_S / 2:
            return True
        self._parent_s = now_s
        return self._parent_alive()

    # Messages

    def _hear(self, message: bytes) -> None:
        try:
            body = decode(message)
            number, event = int(body["n"]), from_json(body["e"])
        except (ValueError, KeyError, TypeError):
            return  # not from our kernel's code: nothing sensible can be done with it
        if isinstance(event, SessionStarted):
            if self._ledger is None:
                self._begin(event, number)
            return
        if number <= self._heard or self._ledger is None:
            return
        self._heard = number
        if isinstance(event, CellOpened):
            self._cell_opened(event, number)
        elif isinstance(event, CellRestarted):
            self._cell_restarted(event, number)
        elif isinstance(event, CellEnded):
            self._cell_ended(event, number)
        elif isinstance(event, SettingChanged):
            self._setting_changed(event, number)
        elif isinstance(event, CellsNoted):
            self._record(event, number)
        elif isinstance(event, SessionEnded):
            self._stopping = event.reason

    def _begin(self, event: SessionStarted, number: int) -> None:
        self._ledger, past = self._open_ledger(event)
        self._heard = max(number, past.kernel_number)
        known = list(past.events)
        if not known:
            self._record(event, number)
            for calibration in self._calibrations():
                self._record(CalibrationLearned(calibration))
            baseline = self._baseline()
            if baseline is not None:
                self._record(BaselineLearned(baseline))
        self._record(SamplerStarted(self._pid, self._mode))
        for key, sentence in past.notices:
            self._notice(key, sentence)
        settings = self._settings = dict(event.settings)
        self._take(self._roster.start())
        if known:
            self._resume(known, settings)
            self._learn_hardware()
        else:
            for name, value in self._settle(settings).items():
                self._record(SettingChanged(name, value))
        self._paused = settings.get("measuring") == "off"
        self._bracket(wait_s=0.0)
        self._account.begin(event.start_s, self._usage.read(None))
        self._point()
        # Before any cell can close, so that no figure is ever priced without it.
        self._learn_zone(settings.get("zone", "auto"))
        self._next_s = self._clock.monotonic_s() + self._interval_s()

    def _resume(self, known: list[Event], settings: dict[str, str]) -> None:
        """Take up a session whose last sampler is gone: its joules, its open cells, its settings."""
        booked_s: float | None = None
        closed: set[int] = set()
        opened: dict[int, CellOpened] = {}
        for event in known:
            if isinstance(event, CellOpened):
                opened[event.run.index] = event
            elif isinstance(event, CellRestarted) and event.cell_index in opened:
                opened[event.cell_index] = restarted(opened[event.cell_index], event)
            elif isinstance(event, CellClosed):
                closed.add(event.report.run.index)
                booked_s = event.report.end_s
            elif isinstance(event, BetweenMeasured):
                booked_s = event.end_s
            elif isinstance(event, Folded):
                booked_s = event.booked_s
            elif isinstance(event, SettingChanged):
                settings[event.name] = event.value
            elif isinstance(event, Noticed):
                self._said.add(event.key)
        recorded = recorded_points(known)
        if recorded:
            from_s = recorded[-1].instant_s if booked_s is None else booked_s
            self._account.resume(recorded, from_s)
        usage = self._usage.read(None)
        for index, event in opened.items():
            if index not in closed:
                self._account.opened(event, usage)
                self._cell_s = event.run.start_s

    def _cell_opened(self, event: CellOpened, number: int) -> None:
        # Nothing but what the figures need stays in the file.
        self._record(event._replace(edge=event.edge._replace(counters_j=())), number)
        if self._paused:
            return
        self._bracket(wait_s=0.0)
        usage = self._read_usage(event.edge.cpu_s)
        for each in self._account.opened(event, usage):
            self._record(each)
        self._roster.driver.follow(event.edge.instant_s)
        self._cell_s = event.edge.instant_s
        self._next_s = self._clock.monotonic_s() + self._interval_s()

    def _cell_restarted(self, event: CellRestarted, number: int) -> None:
        self._record(event._replace(edge=event.edge._replace(counters_j=())), number)
        if event.cell_index in self._account.open:
            self._bracket(wait_s=BRACKET_WAIT_S)
            for each in self._account.restarted(event, self._read_usage(event.edge.cpu_s)):
                self._record(each)
            self._roster.driver.follow(event.edge.instant_s)

    def _cell_ended(self, event: CellEnded, number: int) -> None:
        if event.cell_index not in self._account.open:
            self._record(event._replace(edge=event.edge._replace(counters_j=())), number)
            return
        self._bracket(wait_s=BRACKET_WAIT_S)
        usage = self._read_usage(event.edge.cpu_s)
        self._point()
        self._await_ticks(event.edge.instant_s)
        flags = event.flags if self._mode == "process" else (*event.flags, self._mode)
        for each in self._account.ended(event._replace(flags=flags), usage):
            self._record(each, number if isinstance(each, CellClosed) else None)
        self._account.forget(self._clock.monotonic_s())
        if not self._account.open:
            self._cell_s = None
            if self._pause_wanted:
                self._pause()
            self._next_s = self._clock.monotonic_s() + self._interval_s()

    def _setting_changed(self, event: SettingChanged, number: int) -> None:
        self._record(event, number)
        self._settings[event.name] = event.value
        if event.name == "zone":
            self._learn_zone(event.value)
        elif event.name in HARDWARE_SETTINGS:
            self._learn_hardware()
        elif event.name == "visible_gpus":
            self._look_at(event.value)
            self._roster.driver.look_again()
        elif event.name == "measuring":
            # The cell that says `off` is still measured to its end.
            self._pause_wanted = event.value == "off"
            if self._pause_wanted and not self._account.open:
                self._pause()
            elif self._paused and not self._pause_wanted:
                self._paused = False
                self._roster.driver.rest(False)
                self._account.interrupt()
                self._bracket(wait_s=0.0)
                self._account.begin(self._clock.monotonic_s(), self._usage.read(None))

    def _pause(self) -> None:
        self._bracket(wait_s=BRACKET_WAIT_S)
        for each in self._account.finish(self._clock.monotonic_s(), self._usage.read(None)):
            self._record(each)
        self._paused = True
        self._roster.driver.rest(True)

    # Readings

    def _sample(self) -> None:
        now_s = self._clock.monotonic_s()
        if not self._paused:
            self._notice_suspend()
            self._read_in_place()
            self._roster.driver.ask()
            for each in self._account.settle(now_s):
                self._record(each)
            self._point()
            if not self._account.open:
                self._between()
        if now_s - self._looked_s >= LOOK_S:
            self._looked_s = now_s
            self._look_after(now_s)
        self._next_s = now_s + self._interval_s()

    def _look_after(self, now_s: float) -> None:
        """What need not be seen to at every reading."""
        self._notice_clock_step()
        if not self._paused:
            self._notice_frozen()
            found = self._roster.retry()
            if found is not None:
                self._take(found)
            self._account.forget(now_s)
        if self._ledger is not None:
            self._ledger.check()
            if self._ledger.problem:
                self._notice("ledger", self._ledger.problem)

    def _interval_s(self) -> float:
        age_s = None if self._cell_s is None else self._clock.monotonic_s() - self._cell_s
        return interval_s(self._shortest_s, age_s)

    def _bracket(self, *, wait_s: float) -> None:
        """One reading of everything now: what makes an edge exact."""
        self._notice_suspend()
        self._read_in_place()
        self._roster.driver.ask(pids=self._usage.pids() if self._has_gpus() else (), wait_s=wait_s)
        self._collect()

    def _await_ticks(self, edge_s: float) -> None:
        """Wait for the ticks after an edge that tell its joules, where counters tick and power moves."""
        for tick in (1, 2):
            waiting = self._account.unsettled(edge_s)
            if not waiting:
                return
            self._roster.driver.follow(
                edge_s, device_ids=waiting, ticks=(tick,), wait_s=SETTLE_WAIT_S / 2
            )
            self._collect()

    def _has_gpus(self) -> bool:
        return any(each.device.kind is Kind.GPU for each in self._account.traces.values())

    def _read_in_place(self) -> None:
        for result in self._roster.read():
            self._book(result)
        self._collect()

    def _collect(self) -> None:
        for result in self._roster.driver.collect():
            self._book(result)

    def _book(self, result: Result) -> None:
        if result.device_id not in self._account.traces:
            return
        if result.reading is not None:
            self._account.read(result.device_id, result.reading)
            return
        self._account.miss(result.device_id)
        sentence = self._roster.failed(result)
        if sentence:
            self._account.traces[result.device_id].interrupt()
            self._notice(f"lost:{result.device_id}", sentence)

    def _read_usage(self, cpu_s: float | None) -> Usage:
        threads = [each.edge.thread_number for each in self._account.open.values()]
        usage = self._usage.read(cpu_s, threads=threads)
        fractions = self._roster.driver.fractions()
        return replace(usage, gpus=fractions) if fractions else usage

    def _between(self) -> None:
        now_s = self._clock.monotonic_s()
        for each in self._account.checkpoint(now_s, self._usage.read(None)):
            self._record(each)

    def _point(self) -> None:
        point = self._account.point(self._clock.monotonic_s())
        if point is not None:
            self._record(point)

    def _welcome_devices(self) -> None:
        for discovery in self._roster.driver.found():
            self._take(discovery)
            self._roster.look_later(any(each.status in TRY_AGAIN for each in discovery.findings))
            self._roster.driver.ask()

    def _take(self, discovery: Discovery) -> None:
        devices = tuple(sensor.device for sensor in discovery.sensors)
        for device in devices:
            away_s = self._roster.returned(device.id)
            if away_s is not None:
                self._notice(
                    f"back:{device.id}:{self._clock.monotonic_s():.0f}",
                    f"{device.name}: back after {away_s:.0f} s, which were not measured.",
                )
        self._account.add_devices(devices)
        if devices:
            self._announce(trace.device for trace in self._account.traces.values())
        for key, sentence in findings_to_notify(discovery.findings):
            self._notice(key, sentence)

    def _announce(self, devices: Iterable[Device]) -> None:
        self._record(DevicesFound(tuple(devices)))
        self._learn_hardware()

    def _learn_hardware(self) -> None:
        """What making this machine emitted, said where it is not what was said last."""
        if self._hardware is None:
            return
        devices = [trace.device for trace in self._account.traces.values()]
        found = self._hardware(devices, self._settings)
        if found != self._hardware_told:
            self._hardware_told = found
            self._record(found)

    def _notice_suspend(self) -> None:
        suspended_s = self._clock.boottime_s() - self._clock.monotonic_s()
        slept_s, self._suspended_s = suspended_s - self._suspended_s, suspended_s
        if slept_s > SUSPEND_S:
            self._account.interrupt()
            self._notice(
                f"suspend:{suspended_s:.0f}",
                f"The machine slept for {slept_s:.0f} s: what it used then is not counted.",
            )

    def _wall_ahead_s(self) -> float:
        """How far the wall clock is ahead of the one that never steps."""
        return self._clock.now().timestamp() - self._clock.boottime_s()

    def _notice_clock_step(self) -> None:
        wall_s = self._wall_ahead_s()
        stepped_s, self._wall_s = wall_s - self._wall_s, wall_s
        if abs(stepped_s) > CLOCK_STEP_S:
            self._notice(
                f"clock:{wall_s:.0f}",
                f"The system clock was set {'forward' if stepped_s > 0 else 'back'} by "
                f"{abs(stepped_s):.0f} s: times of day before and after do not compare, "
                "energies are not touched.",
            )

    def _notice_frozen(self) -> None:
        """A counter that stands still while the CPU works is none (typical of virtual machines)."""
        now_s = self._clock.monotonic_s()
        frozen = [
            device_id
            for device_id, trace in self._account.traces.items()
            if _counts_cpu(trace.device)
            and trace.last is not None
            and now_s - trace.moved_s > FROZEN_S
        ]
        if not frozen:
            self._busy = None
            return
        busy_s = self._usage.read(None).machine_s
        if busy_s is None:
            return
        if self._busy is None:
            self._busy = (now_s, busy_s)
            return
        since_s, before_s = self._busy
        if now_s - since_s < FROZEN_S / 2 or busy_s - before_s < FROZEN_BUSY_FRACTION * (
            now_s - since_s
        ):
            return
        self._replace(frozen)

    def _replace(self, frozen: list[str]) -> None:
        """Give up counters that do not move, and model the CPU where none is left that does."""
        devices = {each: trace.device for each, trace in self._account.traces.items()}
        given_up = frozen
        if not any(_counts_cpu(each) for each in devices.values() if each.id not in frozen):
            # The model may hold the memory as well, so what was measured beside the CPU goes too.
            given_up = [
                each.id for each in devices.values() if each.counter_file or _counts_cpu(each)
            ]
        self._roster.give_up(given_up)
        for device_id in given_up:
            self._account.drop_device(device_id)
        if given_up is frozen:
            for device_id in frozen:
                text = f"{devices[device_id].name}: its counter does not move: not counted."
                self._notice(f"frozen:{device_id}", text)
            return
        self._take(self._roster.stand_in())
        self._notice(
            "frozen",
            "CPU counter does not move (typical of virtual machines): ignored, using an estimate.",
        )

    # The grid

    def _learn_zone(self, wanted: str) -> None:
        zone, intensity, notices = self._locate(wanted)
        self._record(IntensityLearned(zone, intensity))
        self._said.difference_update(GRID_NOTICES)
        for key, sentence in notices:
            self._notice(key, sentence)

    # Out

    def _notice(self, key: str, text: str) -> None:
        if key not in self._said:
            self._said.add(key)
            self._record(Noticed(key, text))

    def _record(self, event: Event, number: int | None = None) -> None:
        """Into the ledger first, then to the kernel: what the kernel knows is never lost."""
        if self._ledger is None:
            return
        record = self._ledger.append(event, number)
        self._unsynced = True
        self._send({"r": record, "e": to_json(event)})

    def _send(self, body: dict[str, Any]) -> None:
        self._outgoing.append(encode(body))
        self._flush()

    def _flush(self) -> None:
        try:
            while self._outgoing and self._end.send(self._outgoing[0]):
                del self._outgoing[0]
        except OSError:
            self._stopping = self._stopping or "kernel_gone"
            self._outgoing.clear()
        # A kernel that holds its GIL for hours reads its ledger later; memory stays bounded.
        del self._outgoing[10_000:]

    def _beat(self, *, answer: bool) -> None:
        """Say how far the kernel was heard; while a cell runs, once a second as a sign of life."""
        now_s = self._clock.monotonic_s()
        if answer or (self._account.open and now_s - self._beat_s >= HEARTBEAT_S):
            self._beat_s = now_s
            self._send({"a": self._heard})

    def _maybe_sync(self) -> None:
        now_s = self._clock.monotonic_s()
        if self._unsynced and self._ledger is not None and now_s - self._synced_s >= SYNC_S:
            self._synced_s, self._unsynced = now_s, False
            self._ledger.sync()

    def _finish(self) -> None:
        if self._ledger is not None:
            now_s = self._clock.monotonic_s()
            if not self._paused:
                self._bracket(wait_s=BRACKET_WAIT_S)
                if self._stopping != TERMINATED:
                    now_s = self._close_open()
                for each in self._account.finish(now_s, self._usage.read(None)):
                    self._record(each)
            if self._stopping != TERMINATED:
                self._record(SessionEnded(now_s, self._stopping or "stopped"))
            self._ledger.sync()
            self._ledger.close()
        self._roster.close()
        self._end.close()

    def _close_open(self) -> float:
        """Close what the kernel left open, at the last moment known. Returns that moment."""
        outcome = Outcome.KERNEL_DIED if self._stopping == "kernel_gone" else Outcome.UNCLOSED
        now_s = self._clock.monotonic_s()
        usage = self._usage.read(None)
        for index in sorted(self._account.open, reverse=True):
            edge = Edge(now_s, usage.own_s or 0.0, 0)
            for each in self._account.ended(CellEnded(index, edge, outcome), usage):
                self._record(each)
        return now_s


def _counts_cpu(device: Device) -> bool:
    """Whether this is a counter of a CPU's joules, not a model of them."""
    return device.kind is Kind.CPU and device.provenance is Provenance.MEASURED
