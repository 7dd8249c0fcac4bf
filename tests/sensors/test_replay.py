"""A recorded trace plays its joules exactly, ends when it ends, and is refused by the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.device import Kind, Provenance
from nbcarbon.core.trace import CounterReading, Trace
from nbcarbon.errors import SensorLost
from nbcarbon.sensors.replay import HEADER, ReplayBackend, _Track
from nbcarbon.testing import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

TRACE = f"""# two devices
{HEADER}
0,cpu:0,cpu,20
0,gpu:0,gpu,100

2.5,cpu:0,cpu,80
3,gpu:0,gpu,0
4,cpu:0,cpu,20
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "lesson.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_joules_are_the_exact_integral(tmp_path: Path) -> None:
    clock = FakeClock(500.0)
    cpu, gpu = ReplayBackend(write(tmp_path, TRACE), clock).discover().sensors
    seen = []
    for _ in range(5):
        seen.append((cpu.read(), gpu.read()))
        clock.advance(1.0)

    assert [each.energy_j for each, _ in seen] == [0, 20, 40, 50 + 40, 50 + 120]  # type: ignore[union-attr]
    assert [each.energy_j for _, each in seen] == [0, 100, 200, 300, 300]  # type: ignore[union-attr]
    assert seen[0][0] == CounterReading(500.0, 0.0)


def test_a_device_says_that_it_was_recorded(tmp_path: Path) -> None:
    device = ReplayBackend(write(tmp_path, TRACE), FakeClock()).discover().sensors[0].device

    assert (device.id, device.kind, device.provenance) == ("cpu:0", Kind.CPU, Provenance.REPORTED)
    assert device.method == "replayed from lesson.csv"
    assert str(tmp_path) not in device.method + device.name
    assert device.max_power_w == 160.0


def test_the_end_is_the_end(tmp_path: Path) -> None:
    clock = FakeClock()
    backend = ReplayBackend(write(tmp_path, TRACE), clock)
    cpu, _ = backend.discover().sensors
    clock.advance(4.0)
    assert cpu.read().energy_j == pytest.approx(170.0)  # type: ignore[union-attr]

    clock.advance(0.5)
    with pytest.raises(SensorLost, match="over"):
        cpu.read()
    again = backend.discover()
    assert again.sensors == ()
    assert [each.status for each in again.findings] == ["lost"]


def test_discovering_again_goes_on_from_the_same_start(tmp_path: Path) -> None:
    clock = FakeClock()
    backend = ReplayBackend(write(tmp_path, TRACE), clock)
    first, _ = backend.discover().sensors
    clock.advance(3.0)
    second, _ = backend.discover().sensors

    assert first.read() == second.read()
    assert first.own_fraction([1]) is None
    first.close()


@given(st.lists(st.tuples(st.floats(0.01, 3.0), st.floats(0, 500)), min_size=1, max_size=20))
def test_reading_at_any_pace_gives_the_same_joules(steps: list[tuple[float, float]]) -> None:
    track, second_s, expected_j = _Track(Kind.CPU), 0.0, 0.0
    for elapsed_s, power_w in steps:
        track.add(second_s, power_w)
        second_s += elapsed_s
        expected_j += elapsed_s * power_w

    assert track.energy_at(second_s) == pytest.approx(expected_j)
    assert track.energy_at(0.0) == 0.0
    instants = [second_s * each / 7 for each in range(8)]
    joules = [track.energy_at(each) for each in instants]
    assert joules == sorted(joules)


def test_a_trace_takes_every_reading(tmp_path: Path) -> None:
    clock = FakeClock()
    cpu, _ = ReplayBackend(write(tmp_path, TRACE), clock).discover().sensors
    trace = Trace(cpu.device)
    for _ in range(40):
        trace.add(cpu.read())
        clock.advance(0.1)

    assert trace.refused_count == 0
    assert trace.last is not None
    assert trace.last.energy_j == pytest.approx(50 + 80 * 1.4)


def test_a_device_draws_nothing_before_its_first_row(tmp_path: Path) -> None:
    text = f"{HEADER}\n0,cpu:0,cpu,10\n2,gpu:0,gpu,50\n4,gpu:0,gpu,50\n"
    clock = FakeClock()
    _, gpu = ReplayBackend(write(tmp_path, text), clock).discover().sensors
    clock.advance(1.0)
    before = gpu.read()
    clock.advance(2.0)

    assert before.energy_j == 0.0  # type: ignore[union-attr]
    assert gpu.read().energy_j == 50.0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no span of time"),
        (f"{HEADER}\n", "no span of time"),
        (f"{HEADER}\n0,cpu:0,cpu,5\n", "no span of time"),
        ("time,power\n1,2\n", "line 1 is not the header"),
        (f"{HEADER}\n0,cpu:0,cpu\n", "line 2 has 3 fields"),
        (f"{HEADER}\n0,cpu:0,toaster,5\n", "line 2 has an unknown kind"),
        (f"{HEADER}\n0,cpu:0,cpu,x\n", "line 2 needs"),
        (f"{HEADER}\n0,cpu:0,cpu,nan\n", "line 2 needs"),
        (f"{HEADER}\n0,cpu:0,cpu,-1\n", "line 2 needs"),
        (f"{HEADER}\n0,cpu:0,cpu,1e9\n", "line 2 needs"),
        (f"{HEADER}\ninf,cpu:0,cpu,1\n", "line 2 needs"),
        (f"{HEADER}\n-1,cpu:0,cpu,1\n", "line 2 needs"),
        (f"{HEADER}\n0,,cpu,1\n", "line 2 has no usable device"),
        (f"{HEADER}\n0,a\x1b[31m,cpu,1\n", "line 2 has no usable device"),
        (f"{HEADER}\n0,{'a' * 65},cpu,1\n", "line 2 has no usable device"),
        (f"{HEADER}\n2,cpu:0,cpu,1\n1,cpu:0,cpu,1\n", "line 3 is earlier"),
        (f"{HEADER}\n2,cpu:0,cpu,1\n3,cpu:0,gpu,1\n", "line 3 gives cpu:0 another kind"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, text: str, reason: str) -> None:
    discovery = ReplayBackend(write(tmp_path, text), FakeClock()).discover()
    (finding,) = discovery.findings

    assert discovery.sensors == ()
    assert finding.status == "broken"
    assert reason in finding.text
    assert HEADER in finding.hint
    assert finding.notify


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("nowhere.csv", "binary.csv"):
        (finding,) = ReplayBackend(tmp_path / name, FakeClock()).discover().findings
        assert finding.text.startswith(f"The trace {name} cannot be played")
