"""The sampler's loop with a scripted kernel: no process, no sleep, every clock tick told."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from nbcarbon.channel import decode, encode
from nbcarbon.core.cell import CellRun, Outcome, Role
from nbcarbon.core.device import CounterFile, Kind, Provenance
from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    CellEnded,
    CellOpened,
    DevicesFound,
    Edge,
    Event,
    IntensityLearned,
    Noticed,
    Sampled,
    SamplerStarted,
    SessionEnded,
    SessionStarted,
    SettingChanged,
    from_json,
    to_json,
)
from nbcarbon.core.intensity import Confidence, Zone
from nbcarbon.core.session import WORLD, Session
from nbcarbon.core.trace import CounterReading
from nbcarbon.errors import SensorLost, SensorReadError
from nbcarbon.ports import Discovery, Finding
from nbcarbon.sampler.account import Account, Usage
from nbcarbon.sampler.loop import Loop
from nbcarbon.sampler.roster import Driver, Result, Roster
from nbcarbon.testing import FakeClock, ScriptedSensor, cpu_device

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from nbcarbon.core.device import Device

START = SessionStarted(
    "5e55", datetime(2026, 1, 1, tzinfo=UTC), 1000.0, "host", "3.11", "0", "nb.ipynb", "boot",
    (("zone", "FR"), ("attribution", "auto")),
)  # fmt: skip


def about(value: object) -> object:
    """Within the scripted counter's own tick of a millisecond, and the loop's of another."""
    return pytest.approx(value, rel=2e-3, abs=0.3)


class MemoryLedger:
    def __init__(self) -> None:
        self.events: list[tuple[int | None, Event]] = []
        self.closed = False
        self.synced = 0
        self.problem: str | None = None

    def append(self, event: Event, kernel_number: int | None = None) -> int:
        self.events.append((kernel_number, event))
        return len(self.events)

    def sync(self) -> None:
        self.synced += 1

    def check(self) -> None: ...

    def close(self) -> None:
        self.closed = True


@dataclass
class Before:
    events: list[Event] = field(default_factory=list)
    kernel_number: int = 0
    notices: tuple[tuple[str, str], ...] = ()


@dataclass
class ScriptedKernel:
    """The far end: says each message at its instant, and lets time pass while it is waited for."""

    clock: FakeClock
    script: list[tuple[float, object]]
    heard: list[dict[str, object]] = field(default_factory=list)
    gone_at_s: float = 2000.0
    number: int = 0

    def receive(self, timeout_s: float) -> list[bytes] | None:
        now_s = self.clock.monotonic_s()
        due_s = self.script[0][0] if self.script else self.gone_at_s
        if due_s > now_s + timeout_s:
            self.clock.advance(max(0.001, timeout_s))
            return []
        self.clock.advance(max(0.0, due_s - now_s))
        if not self.script:
            return None
        said = self.script.pop(0)[1]
        if callable(said):
            said()
            return []
        number = 0 if isinstance(said, SessionStarted) else self._next()
        return [encode({"n": number, "e": to_json(said)})]  # type: ignore[arg-type]

    def _next(self) -> int:
        self.number += 1
        return self.number

    def send(self, message: bytes) -> bool:
        self.heard.append(decode(message))
        return True

    def wake(self) -> None: ...
    def close(self) -> None: ...

    def events(self) -> list[Event]:
        return [from_json(body["e"]) for body in self.heard if "e" in body]  # type: ignore[arg-type]


@dataclass
class ScriptedUsage:
    clock: FakeClock
    busy: float = 1.0

    def pids(self) -> list[int]:
        return [1]

    def read(self, kernel_cpu_s: float | None, *, threads: Collection[int] = ()) -> Usage:
        now_s = self.clock.monotonic_s()
        return Usage(now_s * self.busy / 2, now_s * self.busy, None)


@dataclass
class Bench:
    """A loop with everything around it faked at its border."""

    script: list[tuple[float, object]]
    clock: FakeClock = field(default_factory=FakeClock)
    before: Before = field(default_factory=Before)
    gone_at_s: float = 1100.0
    findings: tuple[Finding, ...] = ()
    busy: float = 1.0
    others: tuple[tuple[Device, float], ...] = ()

    def __post_init__(self) -> None:
        self.ledger = MemoryLedger()
        self.kernel = ScriptedKernel(self.clock, self.script, gone_at_s=self.gone_at_s)
        self.kernel.number = self.before.kernel_number
        self.sensor = ScriptedSensor(self.clock, cpu_device(error_fraction=0.0), lambda _: 100.0)
        self.stand_in = ScriptedSensor(
            self.clock, cpu_device(id="cpu:model", provenance=Provenance.MODELLED), lambda _: 30.0
        )
        self.beside = tuple(
            ScriptedSensor(self.clock, device, lambda _, power_w=power_w: power_w)  # type: ignore[misc]
            for device, power_w in self.others
        )
        self.alive = True
        self.roster = Roster(
            self.clock,
            lambda: Discovery((self.sensor, *self.beside), self.findings),
            driver=Driver((), lambda: None),
            stand_in=lambda: Discovery((self.stand_in,)),
        )
        self.loop = Loop(
            clock=self.clock,
            end=self.kernel,
            account=Account(),
            roster=self.roster,
            usage=ScriptedUsage(self.clock, self.busy),
            open_ledger=lambda started: (self.ledger, self.before),
            locate=lambda wanted: (Zone(wanted, wanted, "set", Confidence.SET), WORLD, ()),
            parent_alive=lambda: self.alive,
            settle=lambda given: {"attribution": "machine"},
            shortest_interval_s=0.1,
            pid=42,
        )

    def run(self) -> Session:
        self.loop.run()
        return Session(self.recorded())

    def recorded(self) -> list[Event]:
        return [event for _, event in self.ledger.events]

    def of(self, kind: type) -> list[Event]:
        return [event for event in self.recorded() if isinstance(event, kind)]


def opened(index: int, instant_s: float) -> CellOpened:
    run = CellRun(f"k{index}", index, "", Role.CELL, START.started_at, instant_s)
    return CellOpened(run, Edge(instant_s, 0.0, 1))


def ended(index: int, instant_s: float, outcome: Outcome = Outcome.OK) -> CellEnded:
    return CellEnded(index, Edge(instant_s, 0.0, 1), outcome)


def said(*events: object) -> list[tuple[float, object]]:
    """Messages at the instants they speak of."""
    script: list[tuple[float, object]] = [(1000.0, START)]
    for event in events:
        if type(event) is tuple:
            script.append(event)
        else:
            script.append((event.edge.instant_s, event))  # type: ignore[attr-defined]
    return script


def test_a_session_from_start_to_end() -> None:
    bench = Bench(said(opened(1, 1002.0), ended(1, 1004.0)), gone_at_s=1010.0)
    session = bench.run()

    figures = session.figures()
    assert figures.cells[0].energy.energy_j == about(200.0)
    assert figures.machine_j == about(1000.0)
    assert figures.background.energy_j == about(400.0)
    assert figures.between_cells.energy_j == about(400.0)
    assert session.ended == SessionEnded(about(1010.0), "kernel_gone")
    assert bench.ledger.closed
    assert bench.sensor.closed
    assert [type(each) for each in bench.recorded()[:4]] == [
        SessionStarted, SamplerStarted, DevicesFound, SettingChanged,
    ]  # fmt: skip


def test_the_kernel_hears_exactly_what_the_ledger_keeps() -> None:
    bench = Bench(said(opened(1, 1002.0), ended(1, 1004.0)), gone_at_s=1008.0)
    replayed = bench.run()
    live = Session(bench.kernel.events())

    assert bench.kernel.events() == bench.recorded()
    assert live.figures() == replayed.figures()


def test_the_zone_is_known_before_any_cell_closes() -> None:
    bench = Bench(said(opened(1, 1000.0), ended(1, 1000.5)))
    bench.run()
    kinds = [type(each) for each in bench.recorded()]

    assert kinds.index(IntensityLearned) < kinds.index(CellClosed)


def test_every_message_is_acknowledged_once_it_is_recorded() -> None:
    bench = Bench(said(opened(1, 1002.0), ended(1, 1004.0)))
    bench.run()

    assert [body["a"] for body in bench.kernel.heard if "a" in body][-1] == 2


def test_a_repeated_message_counts_once() -> None:
    bench = Bench(said(opened(1, 1002.0), ended(1, 1004.0)))
    repeat = encode({"n": 1, "e": to_json(opened(1, 1002.0))})
    plain = bench.kernel.receive

    def stutter(timeout_s: float) -> list[bytes] | None:
        messages = plain(timeout_s)
        return [*messages, repeat, b"garbage", b"{}"] if messages else messages

    bench.kernel.receive = stutter  # type: ignore[method-assign]
    session = bench.run()

    assert len(bench.of(CellOpened)) == 1
    assert len(session.cells) == 1


def test_a_kernel_that_dies_in_a_cell_leaves_it_closed_at_the_last_moment() -> None:
    bench = Bench(said(opened(1, 1002.0)), gone_at_s=1007.0)
    session = bench.run()

    assert session.cells[1].outcome is Outcome.KERNEL_DIED
    assert session.figures_of(1).energy.energy_j == about(500.0)
    assert session.figures().machine_j == about(700.0)


def test_a_parent_that_changes_ends_the_session_too() -> None:
    bench = Bench(said((1003.0, lambda: setattr(bench, "alive", False))), gone_at_s=9000.0)
    session = bench.run()

    assert session.ended is not None
    assert session.ended.end_s < 1005.0


def test_the_kernels_own_word_ends_the_session() -> None:
    bench = Bench(said((1003.0, SessionEnded(1003.0))))
    session = bench.run()

    assert session.ended == SessionEnded(about(1003.0), "ended")


def test_a_terminated_sampler_leaves_the_session_open_for_the_next() -> None:
    bench = Bench(said(opened(1, 1002.0), (1003.0, lambda: bench.loop.stop("terminated"))))
    session = bench.run()

    assert session.ended is None
    assert 1 in session.open
    assert bench.ledger.closed


def test_a_successor_takes_over_open_cells_and_joules() -> None:
    before = Before(
        [
            START,
            DevicesFound((cpu_device(error_fraction=0.0),)),
            SettingChanged("zone", "SE"),
            Noticed("once", "said before"),
            BetweenMeasured(1000.0, 1001.0, ()),
            Sampled(1001.0, (("cpu:0", 100.0, 1.0),)),
            opened(1, 1001.0),
            Sampled(1003.0, (("cpu:0", 300.0, 3.0),)),
        ],
        kernel_number=1,
    )
    clock = FakeClock(1004.0)
    bench = Bench(
        [(1004.0, START), (1006.0, ended(1, 1006.0))], clock=clock, before=before, gone_at_s=1010.0
    )
    session = Session(before.events)
    bench.loop.run()
    for event in bench.recorded():
        session.apply(event)

    assert bench.of(SessionStarted) == []
    assert session.zone.id == "SE"
    cell = session.figures_of(1)
    assert cell.energy.energy_j == about(400.0)
    assert cell.coverage_fraction == about(4 / 5)


def test_one_failed_reading_is_a_gap_that_a_counter_bridges() -> None:
    bench = Bench(said(opened(1, 1002.0), ended(1, 1004.0)), gone_at_s=1005.0)
    glitches = [SensorReadError("glitch")] * 3
    bench.script.insert(2, (1003.0, lambda: bench.sensor.fail.extend(glitches)))
    session = bench.run()

    assert session.figures_of(1).energy.energy_j == about(200.0)


def test_a_lost_device_is_said_once_and_found_again() -> None:
    bench = Bench(said(opened(1, 1001.0), ended(1, 1080.0)), gone_at_s=1100.0)
    bench.clock.advance(0)
    bench.script.insert(
        2, (1010.0, lambda: bench.sensor.fail.append(SensorLost("CPU package 0: lost.")))
    )
    session = bench.run()

    notices = [each.text for each in bench.of(Noticed)]
    assert notices[0] == "CPU package 0: lost."
    assert notices[1].startswith("CPU package 0: back after ")
    cell = session.figures_of(1)
    assert 0.8 < cell.coverage_fraction < 1.0
    assert cell.energy.energy_j == about(7900 * cell.coverage_fraction)


def test_a_counter_that_stands_still_is_replaced_by_a_model() -> None:
    bench = Bench(said(opened(1, 1001.0), ended(1, 1030.0)), gone_at_s=1031.0)
    bench.sensor.power_w = lambda _: 0.0
    session = bench.run()

    assert [each.key for each in bench.of(Noticed)] == ["frozen"]
    assert [part.device_id for part in session.cells[1].devices] == ["cpu:model"]


FILE = CounterFile("/nowhere", 1e-6)


def test_one_frozen_package_of_two_is_left_out_and_said() -> None:
    second = cpu_device(id="cpu:1", name="CPU package 1", error_fraction=0.0)
    bench = Bench(
        said(opened(1, 1001.0), ended(1, 1030.0)), gone_at_s=1031.0, others=((second, 0.0),)
    )
    session = bench.run()

    assert [each.text for each in bench.of(Noticed)] == [  # type: ignore[attr-defined]
        "CPU package 1: its counter does not move: not counted."
    ]
    assert [part.device_id for part in session.cells[1].devices] == ["cpu:0"]


def test_where_every_package_is_frozen_one_model_stands_for_all() -> None:
    second = cpu_device(id="cpu:1", name="CPU package 1", error_fraction=0.0)
    dram = cpu_device(id="dram:0", kind=Kind.DRAM, name="memory", counter_file=FILE)
    bench = Bench(
        said(opened(1, 1001.0), ended(1, 1030.0)),
        gone_at_s=1031.0,
        others=((second, 0.0), (dram, 5.0)),
    )
    bench.sensor.power_w = lambda _: 0.0
    session = bench.run()

    assert [each.key for each in bench.of(Noticed)] == ["frozen"]  # type: ignore[attr-defined]
    assert [part.device_id for part in session.cells[1].devices] == ["cpu:model"]
    assert bench.sensor.closed
    assert all(each.closed for each in bench.beside)


def test_an_idle_machines_counter_may_stand_still() -> None:
    bench = Bench(said(opened(1, 1001.0), ended(1, 1030.0)), busy=0.01)
    bench.sensor.power_w = lambda _: 0.0
    bench.run()

    assert bench.of(Noticed) == []


def test_sleep_is_a_gap_and_no_energy() -> None:
    bench = Bench(said(opened(1, 1001.0), ended(1, 1005.0)), gone_at_s=1006.0)
    bench.script.insert(2, (1003.0, lambda: bench.clock.suspend(3600.0)))
    session = bench.run()

    assert "slept for 3600 s" in bench.of(Noticed)[0].text  # type: ignore[attr-defined]
    cell = session.figures_of(1)
    assert cell.coverage_fraction < 1.0
    assert cell.energy.energy_j <= 400.0


@pytest.mark.parametrize(
    ("step_s", "said_so"), [(3600.0, "forward by 3600 s"), (-7200.0, "back by 7200 s")]
)
def test_a_clock_that_is_set_is_said_and_changes_no_energy(step_s: float, said_so: str) -> None:
    bench = Bench(said(opened(1, 1001.0), ended(1, 1005.0)), gone_at_s=1006.0)
    bench.script.insert(2, (1003.0, lambda: bench.clock.step_wall(step_s)))
    session = bench.run()

    (notice,) = bench.of(Noticed)
    assert said_so in notice.text  # type: ignore[attr-defined]
    assert session.figures_of(1).energy.energy_j == about(400.0)


def test_measuring_off_and_on_again() -> None:
    bench = Bench(
        said(
            opened(1, 1001.0),
            (1001.5, SettingChanged("measuring", "off")),
            ended(1, 1002.0),
            (1052.0, SettingChanged("measuring", "on")),
            opened(2, 1053.0),
            ended(2, 1054.0),
        ),
        gone_at_s=1054.0,
    )
    session = bench.run()

    figures = session.figures()
    assert [each.energy.energy_j for each in figures.cells] == about([100.0, 100.0])
    assert figures.machine_j == about(400.0)


def test_off_between_cells_stops_at_once() -> None:
    bench = Bench(said((1002.0, SettingChanged("measuring", "off"))), gone_at_s=1052.0)
    session = bench.run()

    assert session.figures().machine_j == about(200.0)


def test_a_finding_worth_a_word_is_a_notice() -> None:
    finding = Finding("rapl", "denied", "CPU power: not readable.", "Ask.", notify=True)
    bench = Bench(said(), findings=(finding, Finding("x", "absent", "nothing")), gone_at_s=1002.0)
    session = bench.run()

    assert session.notices == {"rapl:CPU power: not readable.": "CPU power: not readable. Ask."}


def test_a_ledger_problem_is_said_once() -> None:
    bench = Bench(said(opened(1, 1002.0), ended(1, 1004.0)))
    bench.ledger.problem = "Ledger cannot be written."
    session = bench.run()

    assert session.notices["ledger"] == "Ledger cannot be written."
    assert len(bench.of(Noticed)) == 1


def test_the_disk_is_asked_to_keep_up_every_five_seconds() -> None:
    bench = Bench(said(opened(1, 1002.0), ended(1, 1012.0)), gone_at_s=1013.0)
    bench.run()

    assert 3 <= bench.ledger.synced <= 5


def test_a_visible_gpu_change_is_handed_on() -> None:
    bench = Bench(said((1001.0, SettingChanged("visible_gpus", "1"))), gone_at_s=1002.0)
    seen: list[str] = []
    bench.loop._look_at = seen.append
    bench.run()

    assert seen == ["1"]


def test_points_in_the_ledger_are_a_second_apart_or_more() -> None:
    bench = Bench(said(opened(1, 1002.0), ended(1, 1012.0)), gone_at_s=1013.0)
    bench.run()
    instants = [each.instant_s for each in bench.of(Sampled)]  # type: ignore[attr-defined]

    assert len(instants) >= 10
    # The very last one belongs to the session's end.
    assert all(b - a >= 0.999 for a, b in itertools.pairwise(instants))


def gpu_backend(clock: FakeClock, made: list[ScriptedSensor]) -> object:
    class Backend:
        name = "gpus"

        def discover(self) -> Discovery:
            sensor = ScriptedSensor(
                clock, cpu_device(id="gpu:a", kind=Kind.GPU, method="energy counter"), fraction=0.5
            )
            made.append(sensor)
            return Discovery((sensor,))

    return Backend()


def test_a_driver_thread_reads_what_may_hang() -> None:
    clock, made = FakeClock(), []
    woken: list[int] = []
    driver = Driver((gpu_backend(clock, made),), lambda: woken.append(1))  # type: ignore[arg-type]
    driver.start()
    deadline: Callable[[], bool] = lambda: bool(driver.found())  # noqa: E731
    for _ in range(10_000):
        if deadline():
            break
    assert woken == [1]
    assert driver.ask(pids=[1], wait_s=5.0)
    (result,) = driver.collect()
    assert result.reading is not None
    assert driver.fractions() == {"gpu:a": 0.5}
    driver.lose("gpu:a")
    assert made[0].closed
    assert driver.ask(wait_s=0.0)
    driver.close()


class TickingDriver:
    """A driver whose one GPU draws 100 W, and 300 W in one cell; its counter moves every 100 ms."""

    def __init__(self, clock: FakeClock, work: tuple[float, float]) -> None:
        self.clock = clock
        self.work = work
        self.rested: list[bool] = []
        self.followed: list[tuple[float, tuple[int, ...]]] = []
        self._results: list[Result] = []
        self._sensor = ScriptedSensor(
            clock, cpu_device(id="gpu:0", kind=Kind.GPU, error_fraction=0.0, resolution_s=0.1)
        )
        self._found = [Discovery((self._sensor,))]

    def start(self) -> None: ...
    def close(self) -> None: ...

    def found(self) -> list[Discovery]:
        found, self._found = self._found, []
        return found

    def ask(self, *, pids: object = (), wait_s: float = 0.0) -> bool:
        now_s = self.clock.monotonic_s()
        tick_s = math.floor(now_s * 10 + 1e-6) / 10
        worked_s = max(0.0, min(tick_s, self.work[1]) - self.work[0])
        energy_j = 100.0 * (tick_s - 1000.0) + 200.0 * worked_s
        self._results.append(Result("gpu:0", CounterReading(now_s, energy_j, tick_s, 1e-4, 0.1)))
        return True

    def follow(
        self,
        edge_s: float,
        *,
        device_ids: object = None,
        ticks: tuple[int, ...] = (1, 2),
        wait_s: float = 0.0,
    ) -> bool:
        self.followed.append((edge_s, tuple(ticks)))
        if wait_s > 0:
            due_s = math.floor(edge_s * 10 + 1e-6) / 10 + 0.1 * max(ticks) + 0.001
            self.clock.advance(max(0.0, due_s - self.clock.monotonic_s()))
            self.ask()
        return wait_s > 0

    def collect(self) -> list[Result]:
        results, self._results = self._results, []
        return results

    def fractions(self) -> dict[str, float]:
        return {}

    def rest(self, resting: bool) -> None:
        self.rested.append(resting)


def test_a_cell_waits_for_the_ticks_that_tell_its_joules() -> None:
    bench = Bench(said(opened(1, 1002.03), ended(1, 1002.37)), gone_at_s=1010.0)
    driver = TickingDriver(bench.clock, (1002.03, 1002.37))
    bench.roster.driver = driver  # type: ignore[assignment]
    session = bench.run()

    (gpu,) = [part for part in session.cells[1].devices if part.device_id == "gpu:0"]
    assert gpu.energy_j == pytest.approx(0.34 * 300.0, rel=1e-3)
    assert driver.followed == [
        (1002.03, (1, 2)), (1002.37, (1,)), (1002.37, (2,)),
    ]  # fmt: skip
    booked_j = session.figures().machine_j
    assert booked_j == about(1000.0 + 1000.0 + 0.34 * 200.0)


def test_nothing_is_learnt_while_measuring_is_off() -> None:
    bench = Bench(
        said(
            (1002.0, SettingChanged("measuring", "off")),
            (1004.0, SettingChanged("measuring", "on")),
        ),
        gone_at_s=1006.0,
    )
    driver = TickingDriver(bench.clock, (0.0, 0.0))
    bench.roster.driver = driver  # type: ignore[assignment]
    bench.run()
    assert driver.rested == [True, False]
