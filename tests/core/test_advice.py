"""Advice: never without a figure, never more than the session, the largest first, three at most."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nbcarbon.core.advice import LEAST_FRACTION, advice, words
from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    CellsNoted,
    DevicePoint,
    DevicesFound,
    IntensityLearned,
    Sampled,
    SessionStarted,
    SettingChanged,
)
from nbcarbon.core.intensity import Accounting
from nbcarbon.core.notes import TAG
from nbcarbon.core.session import Session
from tests.samples import CPU, FRANCE, FRENCH, GPU, WORLD

if TYPE_CHECKING:
    from nbcarbon.core.events import Event

DAY = datetime(2026, 1, 1, tzinfo=UTC)
START = SessionStarted("s", DAY, 0.0, "h", "3", "0", "nb", "b", (("pue", "1.0"),))
SWEDEN = ("Sweden", replace(FRENCH, g_per_kwh=15.5))
POLAND = ("Poland", replace(FRENCH, g_per_kwh=700.0))


class Story:
    """A session with a CPU and a GPU, told in stretches of even power."""

    def __init__(self) -> None:
        self.events: list[Event] = [
            START, DevicesFound((CPU, GPU)), IntensityLearned(FRANCE, FRENCH),
        ]  # fmt: skip
        self.now_s = 0.0
        self.index = 0
        self.joules = [0.0, 0.0]
        self.point()

    def point(self) -> None:
        points = [
            DevicePoint(each.id, joules, self.now_s)
            for each, joules in zip((CPU, GPU), self.joules, strict=True)
        ]
        self.events.append(Sampled(self.now_s, tuple(points)))

    def spend(
        self, time_s: float, cpu_w: float, gpu_w: float, own: float | None
    ) -> tuple[DeviceEnergy, ...]:
        steps = max(1, round(time_s))
        for _ in range(steps):
            self.now_s += time_s / steps
            self.joules[0] += cpu_w * time_s / steps
            self.joules[1] += gpu_w * time_s / steps
            self.point()
        return tuple(
            DeviceEnergy(
                each.id, watts * time_s, watts * time_s * 0.9, watts * time_s * 1.1, 1.0, False, own
            )
            for each, watts in ((CPU, cpu_w), (GPU, gpu_w))
        )

    def idle(self, time_s: float, cpu_w: float = 10.0, gpu_w: float = 50.0) -> None:
        start_s = self.now_s
        parts = self.spend(time_s, cpu_w, gpu_w, None)
        self.events.append(BetweenMeasured(start_s, self.now_s, parts))

    def cell(
        self,
        key: str,
        name: str,
        time_s: float,
        cpu_w: float = 20.0,
        gpu_w: float = 50.0,
        own: float | None = None,
    ) -> None:
        start_s = self.now_s
        parts = self.spend(time_s, cpu_w, gpu_w, own)
        self.index += 1
        run = CellRun(key, self.index, name, Role.CELL, DAY, start_s)
        self.events.append(CellClosed(CellReport(run, self.now_s, Outcome.OK, parts)))

    @property
    def session(self) -> Session:
        return Session(self.events)


stretches = st.tuples(
    st.sampled_from(["idle", "a", "b", "c"]),
    st.floats(0.01, 90),
    st.floats(0, 300),
    st.floats(0, 500),
    st.none() | st.floats(0, 1),
)
places = st.lists(st.sampled_from([SWEDEN, POLAND, ("World", WORLD)]), max_size=3)


@given(st.lists(stretches, max_size=12), places, st.sampled_from(["machine", "share"]))
@example(
    [("idle", 1.0, 0.0, 0.0, None), ("idle", 1.0, 0.0, 1.0, None), ("a", 1.0, 0.0, 1.0, 2.8e-131)],
    [],
    "share",
)
def test_three_at_most_the_largest_first_and_never_more_than_the_session(
    told: list[tuple[str, float, float, float, float | None]], there: list[object], rule: str
) -> None:
    story = Story()
    for key, time_s, cpu_w, gpu_w, own in told:
        if key == "idle":
            story.idle(time_s, cpu_w, gpu_w)
        else:
            story.cell(key, f"cell {key}", time_s, cpu_w, gpu_w, own)
    session = story.session
    session.apply(SettingChanged("attribution", rule))
    figures = session.figures()
    found = advice(session, there)  # type: ignore[arg-type]

    grams = [each.emissions_g for each in found]
    assert len(found) <= 3
    assert grams == sorted(grams, reverse=True)
    for each in found:
        assert LEAST_FRACTION * figures.emissions.emissions_g <= each.emissions_g
        assert each.emissions_g <= figures.emissions.emissions_g * (1 + 1e-9)
        assert 0 <= each.energy_j <= figures.energy.energy_j * (1 + 1e-9)
        lines = words(each, 1, figures.emissions.emissions_g)
        whole = " ".join(line.strip() for line in lines)
        assert max(map(len, lines)) <= 100
        assert whole.startswith(f"1. {each.text} up to ")
        assert whole.endswith(each.how)
        assert any(character.isdigit() for character in each.text)


def test_a_cell_that_was_run_again_and_again() -> None:
    story = Story()
    for _ in range(14):
        story.cell("id-7", "cell 7", 10, cpu_w=40, gpu_w=0)
        story.cell(f"other-{story.index}", "other", 10, cpu_w=24.5, gpu_w=0)
    (found,) = advice(story.session)
    assert found.kind == "again"
    assert found.text.startswith("cell 7: 14 runs, 62\u00a0% of the energy.")
    assert found.energy_j == pytest.approx(13 * 400)
    assert found.emissions_g == pytest.approx(13 * 400 / 3.6e6 * 31)


def test_the_dearest_of_many_runs_stays() -> None:
    story = Story()
    for time_s in (1, 50, 2):
        story.cell("id", "load", time_s, cpu_w=10, gpu_w=0)
    (found,) = advice(story.session)
    assert found.energy_j == pytest.approx(30)


def test_without_ids_the_same_code_is_the_same_cell() -> None:
    story = Story()
    for number in range(1, 4):
        story.cell(f"0123456789ab-{number}", f"cell {number}", 5, gpu_w=0)
        story.cell(f"{number:012x}-1", "different code", 5, gpu_w=0)
    (found,) = advice(story.session)
    assert found.text.startswith("cell 3: 3 runs, ")


@pytest.mark.parametrize("by_tag", [False, True])
def test_a_model_is_reused_instead_of_trained_again(by_tag: bool) -> None:
    story = Story()
    for _ in range(3):
        story.cell("id", "cell 3" if by_tag else "fit model", 20, gpu_w=0)
    if by_tag:
        story.events.append(CellsNoted(TAG, "training", 1, None))
    (found,) = advice(story.session)
    assert found.kind == "reuse"
    assert "Keep the trained model" in found.text


def test_a_gpu_that_is_kept_while_no_cell_runs() -> None:
    story = Story()
    story.cell("id", "train", 30, gpu_w=400)
    story.idle(500, cpu_w=0, gpu_w=50)
    (found,) = advice(story.session)
    assert found.kind == "idle_gpu"
    assert found.energy_j == pytest.approx(25_000)
    assert "8\u00a0min\u00a020\u00a0s" in found.text
    assert "50\u00a0W on average" in found.how


def test_a_gpu_that_this_notebook_never_used_is_nobodys_to_release() -> None:
    story = Story()
    story.cell("id", "on the CPU", 30, gpu_w=50)
    story.cell("id2", "somebody else's", 30, gpu_w=400, own=0.0)
    story.idle(500)
    assert [each.kind for each in advice(story.session)] == []


def test_under_the_rule_share_what_others_used_is_no_saving() -> None:
    story = Story()
    story.cell("id", "train", 30, gpu_w=400, own=0.5)
    story.idle(500, gpu_w=300)
    session = story.session
    session.apply(SettingChanged("attribution", "share"))
    idle = [each for each in advice(session) if each.kind == "idle_gpu"]
    ours_j = session.figures().energy.energy_j
    assert sum(each.energy_j for each in idle) <= ours_j


def test_a_gpu_that_waits_for_most_of_a_long_cell() -> None:
    story = Story()
    story.cell("a", "train", 60, gpu_w=450, own=1.0)
    start_s, joules = story.now_s, story.joules[1]
    story.spend(114, 20, 50, None)
    story.spend(6, 20, 450, None)
    used = [
        DeviceEnergy("cpu:0", 2400.0, 2400.0, 2400.0, 1.0, False, 1.0),
        DeviceEnergy("gpu:0", story.joules[1] - joules, 8000.0, 9000.0, 1.0, False, 1.0),
    ]
    run = CellRun("b", 2, "preprocess", Role.CELL, DAY, start_s)
    story.events.append(CellClosed(CellReport(run, story.now_s, Outcome.OK, tuple(used))))
    (found,) = [each for each in advice(story.session) if each.kind == "waiting_gpu"]
    assert found.text.startswith("GPU 0 A100 was busy for 5\u00a0% of preprocess (2\u00a0min).")
    assert found.energy_j == pytest.approx(114 * 50)


def test_a_short_cell_and_a_busy_gpu_are_no_advice() -> None:
    story = Story()
    story.cell("a", "train", 120, gpu_w=450, own=1.0)
    story.cell("b", "short", 30, gpu_w=50, own=1.0)
    assert [each.kind for each in advice(story.session)] == []


def test_a_cleaner_place_only_where_figures_compare() -> None:
    story = Story()
    story.cell("a", "train", 120, gpu_w=0)
    figures = story.session.figures()
    (found,) = advice(story.session, [POLAND, SWEDEN])
    assert found.kind == "zone"
    assert found.text.startswith(
        "The same work in Sweden: 15.5\u00a0g/kWh instead of 31\u00a0g/kWh"
    )
    assert found.emissions_g == pytest.approx(figures.emissions.emissions_g / 2)
    assert found.energy_j == 0
    other = ("Sweden", replace(SWEDEN[1], accounting=Accounting.GENERATION))
    assert advice(story.session, [other]) == ()
    assert advice(story.session, [POLAND]) == ()
    nowhere = story.session
    nowhere.apply(IntensityLearned(FRANCE, WORLD))
    assert advice(nowhere, [("Sweden", replace(WORLD, g_per_kwh=1.0, fallback=False))]) == ()


def test_an_empty_session_has_none() -> None:
    assert advice(Session([START])) == ()
