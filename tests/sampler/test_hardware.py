"""A session learns its machine's idle power at its beginning, and its hardware whenever that changes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbcarbon.core.baseline import Baseline, IdlePower
from nbcarbon.core.device import Kind, Provenance
from nbcarbon.core.embodied import Manufactured
from nbcarbon.core.events import (
    BaselineLearned,
    DevicesFound,
    HardwareLearned,
    SamplerStarted,
    SettingChanged,
)
from tests.sampler.test_loop import START, Bench

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbcarbon.core.device import Device

CPU = IdlePower("cpu:0", "CPU", Kind.CPU, Provenance.MEASURED, 2.0, 1.9, 2.1, 0.1)
BASELINE = Baseline(START.started_at, 60.0, 0.0, (CPU,))
LAPTOP = Manufactured("a laptop", None, 2e5, 1e5, 3e5, 4.0, 0.3, 0.2, 0.5, 1.0, "somebody")


def hardware(devices: Iterable[Device], settings: Mapping[str, str]) -> HardwareLearned:
    count = len(list(devices))
    wanted = settings.get("hardware", "auto")
    return HardwareLearned((replace(LAPTOP, name=f"{wanted} with {count}"),) if count else ())


def bench(*messages: tuple[float, object]) -> Bench:
    made = Bench([(1000.0, START), *messages])  # type: ignore[list-item]
    made.loop._baseline = lambda: BASELINE
    made.loop._hardware = hardware
    return made


def test_both_are_recorded_and_folded() -> None:
    made = bench()
    session = made.run()
    kinds = [type(each) for each in made.recorded()]

    assert kinds[:3] == [type(START), BaselineLearned, SamplerStarted]
    assert kinds.index(HardwareLearned) == kinds.index(DevicesFound) + 1
    assert session.baseline == BASELINE
    assert session.hardware is not None
    assert [each.name for each in session.hardware] == ["auto with 1"]


def test_it_is_said_again_only_where_it_changed() -> None:
    made = bench(
        (1001.0, SettingChanged("hardware", "laptop")),
        (1002.0, SettingChanged("hardware", "laptop")),
        (1003.0, SettingChanged("pue", "1.2")),
    )
    made.run()

    assert [each.made[0].name for each in made.of(HardwareLearned)] == [
        "auto with 1",
        "laptop with 1",
    ]


def test_a_sampler_that_takes_a_session_up_knows_what_was_set() -> None:
    made = bench()
    made.before.events = [START, SamplerStarted(41), SettingChanged("hardware", "laptop")]
    session = made.run()

    assert made.of(BaselineLearned) == []
    assert session.hardware is not None
    assert session.hardware[0].name == "laptop with 1"
