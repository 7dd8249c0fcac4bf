"""The kernel's end with a scripted sampler: runs, nesting, settings, forks, what comes back."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from nbcarbon.channel import Outbox, decode
from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.device import CounterFile
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.events import (
    CellClosed,
    CellEnded,
    CellOpened,
    DevicesFound,
    Event,
    SessionEnded,
    SessionStarted,
    SettingChanged,
    from_json,
    to_json,
)
from nbcarbon.meter.edges import EdgeCounters
from nbcarbon.meter.meter import MOST_UNFOLDED, Meter
from nbcarbon.testing import FakeClock, cpu_device

if TYPE_CHECKING:
    from pathlib import Path

START = SessionStarted(
    "s", datetime(2026, 1, 1, tzinfo=UTC), 1000.0, "h", "3", "0", "nb", "b", (("pue", "1.0"),)
)


class ScriptedLink:
    """Keeps what the meter says; `answer` plays the sampler's part."""

    def __init__(self, meter: Meter, outbox: Outbox) -> None:
        self.meter = meter
        self.ready = threading.Event()
        self.messages: list[bytes] = []
        self.closed_with: float | None = None
        self.silent_s: float | None = None
        outbox.renew(self)  # type: ignore[arg-type]

    def send(self, message: bytes) -> bool:
        self.messages.append(message)
        return True

    def close(self, *, wait_s: float) -> None:
        self.closed_with = wait_s

    def stalled_s(self) -> float | None:
        return self.silent_s

    def said(self) -> list[Event]:
        return [from_json(decode(each)["e"]) for each in self.messages]

    def answer(self, event: Event) -> None:
        self.meter.received({"r": 1, "e": to_json(event)})


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def meter(clock: FakeClock) -> Meter:
    return Meter(START, clock=clock, edges=EdgeCounters(), build_link=ScriptedLink)  # type: ignore[arg-type]


@pytest.fixture
def link(meter: Meter) -> ScriptedLink:
    return meter.link  # type: ignore[return-value]


def begin(meter: Meter, **given: Any) -> Any:
    return meter.open(**{"key": None, "source": "x = 1", "name": "", "front_end": False, **given})


def report(index: int, energy_j: float = 5.0) -> CellClosed:
    run = CellRun("k", index, "", Role.CELL, START.started_at, 1000.0)
    part = DeviceEnergy("cpu:0", energy_j, energy_j, energy_j, 1.0)
    return CellClosed(CellReport(run, 1001.0, Outcome.OK, (part,)))


def test_a_run_is_told_at_both_ends(meter: Meter, link: ScriptedLink, clock: FakeClock) -> None:
    run = begin(meter, name="train")
    clock.advance(2.0)
    meter.close(run, Outcome.ERROR, synced=False)

    opened, ended = link.said()
    assert isinstance(opened, CellOpened)
    assert isinstance(ended, CellEnded)
    assert (opened.run.index, opened.run.name, opened.run.start_s) == (1, "train", 1000.0)
    assert (ended.cell_index, ended.edge.instant_s) == (1, 1002.0)
    assert (ended.outcome, ended.flags) == (Outcome.ERROR, ("unsynced",))
    assert opened.edge.thread_number == threading.get_native_id()
    assert ended.edge.cpu_s >= opened.edge.cpu_s > 0


def test_the_key_is_the_cells_own_or_a_hash_with_an_ordinal(
    meter: Meter, link: ScriptedLink
) -> None:
    for key in ("abc", None, None):
        meter.close(begin(meter, key=key), Outcome.OK)
    keys = [each.run.key for each in link.said() if isinstance(each, CellOpened)]

    assert keys[0] == "abc"
    assert keys[1].partition("-")[0] == keys[2].partition("-")[0]
    assert [keys[1][-2:], keys[2][-2:]] == ["-1", "-2"]


def test_the_source_itself_is_never_told(meter: Meter, link: ScriptedLink) -> None:
    begin(meter, source="password = 'hunter2'")

    assert b"hunter2" not in link.messages[0]


def test_nested_runs_name_their_parent(meter: Meter, link: ScriptedLink) -> None:
    outer = begin(meter)
    inner = begin(meter)
    meter.close(inner, Outcome.OK)
    meter.close(outer, Outcome.OK)
    after = begin(meter)

    parents = [each.run.parent_index for each in link.said() if isinstance(each, CellOpened)]
    assert parents == [None, 1, None]
    assert after is not None
    assert after.index == 3


def test_threads_do_not_nest_in_one_another(meter: Meter, link: ScriptedLink) -> None:
    begin(meter)
    other = threading.Thread(target=lambda: begin(meter))
    other.start()
    other.join()

    assert [each.run.parent_index for each in link.said() if isinstance(each, CellOpened)] == [
        None,
        None,
    ]


def test_what_a_thread_left_open_is_closed_as_unclosed(meter: Meter, link: ScriptedLink) -> None:
    begin(meter)
    begin(meter)
    meter.abandon_thread()

    outcomes = [each.outcome for each in link.said() if isinstance(each, CellEnded)]
    assert outcomes == [Outcome.UNCLOSED, Outcome.UNCLOSED]


def test_closing_nothing_or_twice_changes_nothing(meter: Meter, link: ScriptedLink) -> None:
    run = begin(meter)
    meter.close(run, Outcome.OK)
    meter.close(run, Outcome.OK)
    meter.close(None, Outcome.OK)

    assert len(link.said()) == 2


def test_counters_that_are_files_are_read_by_the_hook(
    meter: Meter, link: ScriptedLink, tmp_path: Path
) -> None:
    counter = tmp_path / "energy_uj"
    counter.write_text("5000000\n")
    file = CounterFile(str(counter), 1e-6)
    gone = CounterFile(str(tmp_path / "gone"), 1e-6)
    link.answer(
        DevicesFound((cpu_device(counter_file=file), cpu_device(id="x", counter_file=gone)))
    )
    run = begin(meter)
    counter.write_text("garbage")
    meter.close(run, Outcome.OK)
    meter.end(wait_s=0)

    opened, ended, _ = link.said()
    assert opened.edge.counters_j == (("cpu:0", pytest.approx(5.0)),)  # type: ignore[union-attr]
    assert ended.edge.counters_j == ()  # type: ignore[union-attr]


def test_nothing_is_told_while_measuring_is_off(meter: Meter, link: ScriptedLink) -> None:
    meter.change("measuring", "off")
    assert begin(meter) is None
    assert not meter.measuring
    meter.change("measuring", "on")
    assert begin(meter) is not None

    assert [type(each) for each in link.said()] == [SettingChanged, SettingChanged, CellOpened]


def test_a_change_of_visible_gpus_is_told_before_the_run(
    meter: Meter, link: ScriptedLink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    begin(meter)

    assert link.said()[0] == SettingChanged("visible_gpus", "1")


def test_figures_come_when_the_sampler_answers(meter: Meter, link: ScriptedLink) -> None:
    link.answer(DevicesFound((cpu_device(),)))
    assert meter.figures(1, wait_s=0) is None
    called: list[int] = []
    meter.when_closed(1, lambda: called.append(1))
    link.answer(report(1))
    found = meter.figures(1, wait_s=0)
    meter.when_closed(1, lambda: called.append(2))

    assert found is not None
    assert found.energy_j == pytest.approx(5.0)
    assert called == [1, 2]


def test_a_silent_sampler_gives_a_report_with_no_coverage(meter: Meter, link: ScriptedLink) -> None:
    link.answer(DevicesFound((cpu_device(),)))
    run = begin(meter, name="train")
    meter.close(run, Outcome.OK)
    found = meter.report(run, wait_s=0)

    assert (found.name, found.coverage_fraction, found.energy_j) == ("train", 0.0, 0.0)
    assert found.outcome is Outcome.OK


def test_events_nobody_looks_at_are_folded_in_time(meter: Meter, link: ScriptedLink) -> None:
    link.answer(DevicesFound((cpu_device(),)))
    for index in range(1, MOST_UNFOLDED + 10):
        link.answer(report(index))

    assert len(meter._unfolded) <= MOST_UNFOLDED
    assert len(meter.session.cells) == MOST_UNFOLDED + 9
    assert meter.is_closed(3)


def test_what_is_no_event_is_left_out(meter: Meter) -> None:
    meter.received({"r": 1})

    assert meter.session.cells == {}


def test_a_new_sampler_is_told_of_the_session_and_of_recorded_open_runs(
    meter: Meter, link: ScriptedLink
) -> None:
    meter.close(begin(meter), Outcome.OK)
    begin(meter, name="recorded")
    begin(meter, name="not yet")
    hello = [decode(each) for each in meter.hello(3)]

    assert [each["n"] for each in hello] == [0, 3]
    assert from_json(hello[0]["e"]) == START
    assert from_json(hello[1]["e"]).run.name == "recorded"  # type: ignore[union-attr]


def test_the_end_closes_what_is_open_and_ends_the_session(meter: Meter, link: ScriptedLink) -> None:
    begin(meter)
    meter.end(wait_s=0.5)
    meter.end(wait_s=0.5)

    assert [type(each) for each in link.said()] == [CellOpened, CellEnded, SessionEnded]
    assert link.closed_with == 0.5
    assert begin(meter) is None


def test_a_forked_child_measures_nothing(meter: Meter, link: ScriptedLink) -> None:
    run = begin(meter)
    read_fd, write_fd = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover (another process)
        meter.after_fork()
        meter.close(run, Outcome.OK)
        os.write(write_fd, b"yes" if begin(meter) is None and len(link.messages) == 1 else b"no")
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(read_fd, 10) == b"yes"
    os.close(read_fd)
    os.close(write_fd)


def test_problems_are_told_when_asked(meter: Meter, link: ScriptedLink) -> None:
    assert meter.problem == ""
    link.silent_s = 4.0
    assert meter.problem == "the sampler has not answered for 4 s"
    meter.failed("paused: the sampler keeps failing")
    assert meter.problem == "paused: the sampler keeps failing"
    meter.disable("another reason")
    assert meter.problem == "paused: the sampler keeps failing"


def test_waiting_for_the_sampler_is_bounded(meter: Meter, link: ScriptedLink) -> None:
    assert not meter.wait_ready(0)
    begin(meter)
    assert not meter.wait_settled(0)
    meter._outbox.acknowledge(1)
    meter.acknowledged()
    assert meter.wait_settled(0)
