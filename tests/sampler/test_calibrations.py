"""A session learns its machine's calibrations at its beginning, and keeps those it began with."""

from __future__ import annotations

from nbcarbon.core.events import CalibrationLearned, SamplerStarted
from tests.core.test_calibration import IDENTITY
from tests.sampler.test_loop import START, Bench

LEARNT = CalibrationLearned(IDENTITY)


def bench() -> Bench:
    made = Bench([(1000.0, START)])
    made.loop._calibrations = lambda: [IDENTITY]
    return made


def test_they_are_recorded_before_anything_is_booked() -> None:
    made = bench()
    session = made.run()
    assert session.calibrations == {("cpu:0",): IDENTITY}
    assert made.recorded()[:3] == [START, LEARNT, SamplerStarted(42)]
    assert session.figures().calibration == IDENTITY


def test_a_sampler_that_takes_a_session_up_learns_none_anew() -> None:
    made = bench()
    made.before.events = [START, SamplerStarted(41)]
    made.run()
    assert made.of(CalibrationLearned) == []
