from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from nbcarbon.core.cell import Role
from nbcarbon.core.events import CellOpened, DevicePoint, DevicesFound, Edge, Sampled, to_json
from nbcarbon.core.session import Session
from nbcarbon.notebook import pace
from nbcarbon.notebook.feed import HISTORY_AFTER, Feed
from tests import samples
from tests.notebook.meters import Heard, HeldMeter
from tests.wire.examples import POLAND, START, running, told


def feed_of(session: Session) -> tuple[Feed, Heard]:
    feed, heard = Feed(HeldMeter(session)), Heard()  # type: ignore[arg-type]
    feed.add(heard)
    return feed, heard


def point(instant_s: float) -> dict[str, Any]:
    return to_json(Sampled(instant_s, ()))


def test_while_a_cell_runs_a_page_hears_once_a_second() -> None:
    feed, heard = feed_of(running())
    for instant_s in (293.0, 293.1, 293.9, 294.0, 295.05):
        feed.heard(point(instant_s))

    assert heard.types == ["state"] * 3
    assert [each["seq"] for each in heard.messages] == [1, 2, 3]
    assert all(each["running"] for each in heard.messages)


def test_while_nothing_runs_nothing_is_said() -> None:
    feed, heard = feed_of(Session(told().events))
    for instant_s in range(300, 400, 10):
        feed.heard(point(instant_s))
    feed.heard({"type": "Noticed", "key": "x", "text": "y"})
    feed.heard({"type": "MoonPhase"})

    assert heard.messages == []


def test_a_long_cell_is_told_of_every_five_seconds() -> None:
    session = Session([START, CellOpened(samples.report("long", 1).run, Edge(100.0, 0.0, 1))])
    feed, heard = feed_of(session)
    for second in range(100, 760):
        session.apply(Sampled(float(second), ()))
        feed.heard(point(float(second)))

    assert 600 <= len(heard.messages) - heard.types.count("history") <= 640
    assert heard.messages[-1]["next_s"] == pace.SLOW_TICK_S
    assert heard.types.count("history") == 4


def test_states_leave_no_gap_however_far_apart_they_are() -> None:
    """Seldom in a long cell, never between cells: the next one says what was used meanwhile."""
    session = Session([START, DevicesFound((samples.CPU,))])
    feed, heard = feed_of(session)
    joules = 0.0
    for second in range(1000):
        busy = second % 100 < 30 or second > 300
        if second in (0, 100, 200, 301):
            run = replace(samples.report("cell", 1).run, start_s=100.0 + second)
            session.apply(CellOpened(run, Edge(100.0 + second, 0.0, 1)))
        joules += 90.0 if busy else 10.0
        session.apply(Sampled(101.0 + second, (DevicePoint("cpu:0", joules, float(second)),)))
        feed.heard(point(101.0 + second))
        if second in (29, 129, 229):
            session.open.clear()
    states = [each for each in heard.messages if each["type"] == "state"]
    told_j = sum(
        each["power_w"] * (each["t_ms"] - each["from_ms"]) / 1000
        for each in states
        if each["from_ms"] is not None
    )

    assert all(a["t_ms"] == b["from_ms"] for a, b in pairwise(states))
    assert told_j == pytest.approx(joules - 90.0, rel=1e-3)


def test_a_history_comes_before_a_page_has_collected_too_much() -> None:
    feed, heard = feed_of(running())
    for tick in range(HISTORY_AFTER):
        feed.heard(point(300.0 + tick))

    assert heard.types == ["state"] * HISTORY_AFTER + ["history"]


def closed(index: int, role: Role = Role.CELL, parent_index: int | None = None) -> dict[str, Any]:
    run = {"index": index, "role": str(role), "parent_index": parent_index}
    return {"type": "CellClosed", "report": {"run": run}}


def test_a_finished_cell_is_told_once_and_then_how_things_stand() -> None:
    feed, heard = feed_of(Session(told().events))
    feed.heard(closed(2))

    assert heard.types == ["cell", "state"]
    assert heard.messages[0]["index"] == 2
    assert heard.messages[1]["running"] is False


def test_no_last_state_while_another_cell_runs() -> None:
    feed, heard = feed_of(running())
    feed.heard(closed(4))

    assert heard.types == ["cell"]


@pytest.mark.parametrize("run", [closed(9, Role.FRONT_END), closed(9, parent_index=1)])
def test_nested_and_silent_runs_are_no_cells_of_a_page(run: dict[str, Any]) -> None:
    feed, heard = feed_of(Session(told().events))
    feed.heard(run)

    assert heard.messages == []


@pytest.mark.parametrize("kind", ["IntensityLearned", "SettingChanged"])
def test_what_the_user_did_is_shown_at_once(kind: str) -> None:
    feed, heard = feed_of(Session(told().events))
    feed.heard({"type": kind})

    assert heard.types == ["state"]


def test_a_sink_that_is_gone_is_left_out_and_the_others_hear_on() -> None:
    feed, heard = feed_of(running())
    gone, hiccup = Heard(broken=100), Heard(broken=2)
    feed.add(gone)
    feed.add(hiccup)
    for _ in range(5):
        feed.tell_state()

    assert len(heard.messages) == 5
    assert len(hiccup.messages) == 3
    assert gone.broken == 97


def test_a_sink_can_be_removed() -> None:
    feed, heard = feed_of(running())
    feed.remove(heard)
    feed.tell_state()

    assert heard.messages == []


def test_another_zone_is_in_state_and_history() -> None:
    feed, _ = feed_of(running())
    feed.what_if = POLAND

    assert feed.state()["what_if"]["zone"] == "PL"
    assert feed.history()["what_if_g"] is not None
    assert "in Poland" in feed.text()
