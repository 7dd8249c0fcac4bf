"""All sensors of a session: each fails alone, and what is lost is looked for again."""

from __future__ import annotations

import threading
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.device import Kind
from nbcarbon.core.trace import CounterReading
from nbcarbon.errors import SensorLost, SensorReadError
from nbcarbon.ports import Discovery, Finding
from nbcarbon.sampler.roster import Driver, Result, Roster, findings_to_notify
from nbcarbon.testing import FakeClock, ScriptedBackend, ScriptedSensor, cpu_device

if TYPE_CHECKING:
    from collections.abc import Iterator


class Counting:
    """A back end that counts how often it was asked."""

    name = "counting"

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.count = 0

    def discover(self) -> Discovery:
        self.count += 1
        return Discovery((ScriptedSensor(self.clock, cpu_device(id="gpu:0", kind=Kind.GPU)),))


class Bench:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.backend = Counting(self.clock)
        self.woken = threading.Event()
        self.driver = Driver([self.backend], self.woken.set)
        self.sensor = ScriptedSensor(self.clock)
        self.roster = Roster(
            self.clock,
            lambda: Discovery((ScriptedSensor(self.clock),)),
            driver=self.driver,
            stand_in=Discovery,
        )
        self.roster.start()
        assert self.woken.wait(3.0)

    def again(self) -> bool:
        """Whether the driver was asked to discover anew."""
        self.woken.clear()
        return self.woken.wait(0.5)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.roster.close()


def test_what_stands_behind_a_driver_is_read_by_its_thread(bench: Bench) -> None:
    assert [len(each.sensors) for each in bench.driver.found()] == [1]
    assert bench.driver.ask(wait_s=3.0)
    (result,) = bench.driver.collect()
    assert result.device_id == "gpu:0"
    assert result.reading is not None


def test_a_lost_device_is_looked_for_at_5_30_and_300_seconds(bench: Bench) -> None:
    lost = Result("cpu:0", None, SensorLost("CPU: lost.", hint="Wait."))
    assert bench.roster.failed(lost) == "CPU: lost. Wait."
    assert bench.roster.retry() is None
    pauses_s = []
    for _ in range(4):
        before_s = bench.clock.monotonic_s()
        while bench.roster.retry() is None:
            bench.clock.advance(1.0)
        pauses_s.append(round(bench.clock.monotonic_s() - before_s))
    assert pauses_s == [5, 30, 300, 300]
    away_s = bench.roster.returned("cpu:0")
    assert away_s == pytest.approx(sum(pauses_s))
    assert bench.roster.returned("cpu:0") is None
    bench.clock.advance(1000.0)
    assert bench.roster.retry() is None


def test_one_failed_reading_loses_nothing(bench: Bench) -> None:
    assert bench.roster.failed(Result("cpu:0", None, SensorReadError("once"))) is None
    bench.clock.advance(1000.0)
    assert bench.roster.retry() is None


def test_a_device_that_could_never_be_opened_is_looked_for_until_it_can(bench: Bench) -> None:
    bench.roster.look_later(True)
    bench.roster.look_later(True)
    bench.clock.advance(4.0)
    assert bench.roster.retry() is None
    bench.clock.advance(2.0)
    assert bench.roster.retry() is not None
    assert bench.again()
    assert bench.backend.count == 2
    bench.roster.look_later(False)
    bench.clock.advance(1000.0)
    assert bench.roster.retry() is None


def test_a_counter_that_is_given_up_is_closed_and_not_read_again(bench: Bench) -> None:
    assert [each.device_id for each in bench.roster.read()] == ["cpu:0"]
    bench.roster.give_up(["cpu:0", "unknown"])
    assert bench.roster.read() == []


def test_what_is_worth_a_notice() -> None:
    findings = [
        Finding("a", "denied", "Not readable.", "Ask.", notify=True),
        Finding("b", "absent", "None here.", "A long story.", notify=True),
        Finding("c", "ok", "Fine."),
    ]
    assert findings_to_notify(findings) == [
        ("a:Not readable.", "Not readable. Ask."),
        ("b:None here.", "None here."),
    ]
    assert ScriptedBackend().discover() == Discovery()


class Ticking:
    """A GPU of 100 W whose counter moves every 20 ms of a fake clock."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.device = cpu_device(id="gpu:0", kind=Kind.GPU, resolution_s=0.1)
        self.reads = threading.Semaphore(0)
        self.fails = False

    def read(self) -> CounterReading:
        self.reads.release()
        if self.fails:
            raise SensorReadError("once")
        now_s = self.clock.monotonic_s()
        return CounterReading(now_s, 2.0 * (now_s // 0.02))

    def own_fraction(self, pids: object) -> float | None:
        return None

    def close(self) -> None: ...


class Beating:
    """A driver thread over one such GPU, in time that passes when told to."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.sensor = Ticking(self.clock)
        self.woken = threading.Event()
        backend = ScriptedBackend((self.sensor,))
        self.driver = Driver([backend], self.woken.set, self.clock)
        self.driver.start()
        assert self.woken.wait(3.0)
        assert self.driver.ask(wait_s=3.0)
        self.driver.collect()

    def advance(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.driver.rest(False)  # the thread looks at the clock again

    def learn(self) -> None:
        """Until a reading says as of when it is."""
        for _ in range(2000):
            self.advance(0.001)
            if self.sensor.reads.acquire(timeout=0.01):
                continue
            if self.stamped():
                return
        raise AssertionError("no beat was found")

    def stamped(self) -> bool:
        self.clock.advance(0.01)
        assert self.driver.ask(wait_s=3.0)
        (result,) = self.driver.collect()
        self.sensor.reads.acquire()
        return result.reading is not None and result.reading.as_of_s is not None  # type: ignore[union-attr]


@pytest.fixture
def beating() -> Iterator[Beating]:
    made = Beating()
    yield made
    made.driver.close()


def test_what_is_read_to_learn_a_counters_ticks_is_never_handed_on(beating: Beating) -> None:
    beating.learn()
    assert beating.driver.collect() == []


def test_an_edge_is_followed_to_the_ticks_after_it(beating: Beating) -> None:
    beating.learn()
    edge_s = beating.clock.monotonic_s()
    assert not beating.driver.follow(edge_s)
    beating.advance(0.04)
    assert beating.driver.follow(edge_s, ticks=(1,), wait_s=3.0)
    beating.advance(0.04)
    assert beating.driver.follow(edge_s, device_ids=["gpu:0"], ticks=(2,), wait_s=3.0)
    readings = [each.reading for each in beating.driver.collect()]
    assert len(readings) >= 2
    assert all(each is not None and each.instant_s > edge_s for each in readings)


def test_nothing_is_followed_of_which_no_ticks_are_known(beating: Beating) -> None:
    now_s = beating.clock.monotonic_s()
    assert beating.driver.follow(now_s)
    assert beating.driver.follow(now_s, device_ids=["nobody"], wait_s=3.0)


def test_a_resting_driver_reads_only_what_it_is_asked_for(beating: Beating) -> None:
    beating.driver.rest(True)
    while beating.sensor.reads.acquire(timeout=0.05):
        pass
    beating.clock.advance(5.0)
    assert not beating.sensor.reads.acquire(timeout=0.05)
    assert beating.driver.ask(wait_s=3.0)
    assert beating.sensor.reads.acquire(timeout=0.05)


def test_a_reading_that_fails_while_learning_says_nothing(beating: Beating) -> None:
    beating.sensor.fails = True
    beating.advance(0.01)
    assert beating.sensor.reads.acquire(timeout=3.0)
    assert beating.driver.collect() == []
    beating.sensor.fails = False
    beating.advance(1.5)
    assert beating.sensor.reads.acquire(timeout=3.0)


class Slow(Ticking):
    """The same, whose driver takes 2 ms for each reading."""

    def __init__(self, clock: FakeClock, device_id: str, calls: list[str]) -> None:
        super().__init__(clock)
        self.device = replace(self.device, id=device_id)
        self.calls = calls

    def read(self) -> CounterReading:
        self.calls.append(self.device.id)
        reading = super().read()
        self.clock.advance(0.002)
        return reading._replace(instant_s=self.clock.monotonic_s())


def test_counters_of_a_slow_driver_are_learnt_one_after_the_other() -> None:
    clock, woken = FakeClock(), threading.Event()
    calls: list[str] = []
    slow = [Slow(clock, each, calls) for each in ("gpu:0", "gpu:1")]
    driver = Driver([ScriptedBackend(tuple(slow))], woken.set, clock)
    driver.start()
    assert woken.wait(3.0)
    assert driver.ask(wait_s=3.0)
    for _ in range(60):
        clock.advance(0.001)
        driver.rest(False)
        slow[0].reads.acquire(timeout=0.05)
    driver.close()

    turns = [len(list(same)) for _, same in groupby(calls[2:])]
    assert len(calls) > 20
    assert turns[0] > 10
