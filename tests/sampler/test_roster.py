"""All sensors of a session: each fails alone, and what is lost is looked for again."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.device import Kind
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
