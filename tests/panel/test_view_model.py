from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from nbcarbon.core.booking import devices_key
from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.device import Device, Kind, Provenance
from nbcarbon.core.events import (
    CalibrationLearned,
    CellClosed,
    CellOpened,
    DevicePoint,
    DevicesFound,
    Edge,
    IntensityLearned,
    Noticed,
    Sampled,
)
from nbcarbon.core.intensity import Accounting, Confidence
from nbcarbon.core.session import Session
from nbcarbon.panel.view_model import (
    DOT,
    MOST_CELLS,
    MOST_PARTS,
    Context,
    WhatIf,
    cells,
    history,
    panel_text,
    state,
)
from tests import samples
from tests.core.test_calibrated import CALIBRATION
from tests.payloads import PAYLOADS
from tests.wire.examples import POLAND, START, in_nowhere, running

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_BYTES = 2000


def gpus(count: int) -> tuple[Device, ...]:
    return tuple(
        Device(
            f"gpu:{each}", Kind.GPU, f"GPU {each} NVIDIA H100 80GB HBM3", Provenance.MEASURED,
            "energy counter", 0.05, 1000,
        )
        for each in range(count)
    )  # fmt: skip


def big(device_count: int) -> Session:
    """A machine with very many devices, in the middle of a cell."""
    devices = (samples.CPU, samples.MEMORY, *gpus(device_count - 2))
    opened = CellOpened(samples.report("train", 1).run, Edge(101.0, 0.0, 1))
    session = Session([START, DevicesFound(devices), opened])
    for second in range(100):
        points = [DevicePoint(each.id, 412.3 * second, float(second)) for each in devices]
        session.apply(Sampled(START.start_s + second, tuple(points)))
    return session


def size(message: dict[str, Any]) -> int:
    return len(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode())


@pytest.mark.parametrize("device_count", [2, 10])
def test_a_state_is_small(device_count: int) -> None:
    context = Context(what_if=POLAND, panel="0" * 32, bokeh="3.10.2")

    assert size(state(big(device_count), context)) <= MOST_BYTES


def test_very_many_devices_are_shown_together_and_lose_no_power() -> None:
    shown = state(big(40), Context())

    assert len(shown["parts"]) == MOST_PARTS
    assert shown["parts"][-1]["name"] == "25 more devices"
    assert sum(each["power_w"] for each in shown["parts"]) == pytest.approx(
        shown["power_w"], rel=1e-3
    )


def test_nothing_unknown_is_zero() -> None:
    shown = state(Session([START]), Context())

    assert shown["power_w"] is None
    assert shown["cells_fraction"] is None
    assert shown["known"] == "unknown"
    assert shown["text"]["energy"] == "not measured"
    assert shown["text"]["emissions"] == "not measured"
    assert shown["text"]["split"] == ""
    assert history(Session([START]))["t_ms"] == []


def test_a_session_without_a_beginning_can_be_shown() -> None:
    shown = state(Session(), Context())

    assert (shown["session"], shown["t_ms"]) == ("", 0)


def test_history_fits_together() -> None:
    told = history(running(), POLAND)
    count = len(told["t_ms"])

    assert all(len(each["power_w"]) == count - 1 for each in told["parts"])
    assert len(told["emissions_g"]) == len(told["what_if_g"]) == count
    assert told["emissions_g"] == sorted(told["emissions_g"])
    assert told["emissions_g"][-1] == state(running(), Context())["emissions_g"]
    assert any(None in each["power_w"] for each in told["parts"])
    assert history(running())["what_if_g"] is None


def test_the_split_counts_the_cell_that_runs() -> None:
    shown = state(running(), Context())
    between = 1 - shown["cells_fraction"]

    assert 0 < between < 0.1
    assert shown["text"]["split"] == "96\u00a0% in cells\u00a0· 4\u00a0% between them"


@pytest.mark.parametrize(
    ("g_per_kwh", "words"),
    [(640, "21 times as much"), (31.5, "about as much"), (10, "32\u00a0% of it")],
)
def test_another_zone_in_words(g_per_kwh: float, words: str) -> None:
    other = WhatIf(POLAND.zone, replace(POLAND.intensity, g_per_kwh=g_per_kwh))
    text = state(running(), Context(what_if=other))["text"]["what_if"]

    assert text.startswith("in Poland ")
    assert text.endswith(words)


def test_figures_that_do_not_compare_say_so() -> None:
    other = WhatIf(POLAND.zone, replace(POLAND.intensity, accounting=Accounting.GENERATION))
    text = state(running(), Context(what_if=other))["text"]["what_if"]

    assert text.endswith("(generation figures against consumption)")


def warned(*notices: tuple[str, str], problem: str = "", **zone: Any) -> dict[str, str] | None:
    session = Session([START])
    session.apply(IntensityLearned(replace(samples.FRANCE, **zone), samples.FRENCH))
    for key, text in notices:
        session.apply(Noticed(key, text))
    warning: dict[str, str] | None = state(session, Context(problem=problem))["warning"]
    return warning


def test_a_warning_is_for_what_needs_the_user_and_the_most_urgent_comes_first() -> None:
    lost, unsaved = ("lost:gpu:0", "GPU 0: lost."), ("ledger", "Ledger cannot be written.")

    assert warned(("rapl", "CPU power: no RAPL here.")) is None
    assert warned(lost) == {"text": "GPU 0: lost.", "action": "doctor"}
    assert warned(lost, ("back:gpu:0:17", "GPU 0: back.")) is None
    assert warned(lost, unsaved) == {"text": unsaved[1], "action": "export"}
    assert warned(lost, unsaved, problem="paused") == {"text": "paused", "action": "doctor"}


def test_a_zone_that_is_unknown_or_guessed_is_the_users_to_set() -> None:
    shown = state(in_nowhere(), Context())

    assert shown["warning"] == {
        "text": "Where is this machine? Using the world average.",
        "action": "zone",
    }
    guessed = warned(confidence=Confidence.LOW)
    assert guessed == {"text": "Zone guessed from the time zone: France.", "action": "zone"}


def test_a_long_warning_is_cut() -> None:
    warning = warned(("ledger", "x" * 5000))

    assert warning is not None
    assert len(warning["text"]) == 200


def test_power_now_in_words() -> None:
    assert state(running(), Context())["text"]["power"] == "308\u00a0W"
    assert state(running(), Context(measuring=False))["text"]["power"] == "paused"
    assert state(in_nowhere(), Context())["text"]["power"] == "idle"
    blind = Session([START, CellOpened(samples.report("train", 1).run, Edge(100.0, 0.0, 1))])
    assert state(blind, Context())["text"]["power"] == "no reading"
    assert state(blind, Context())["text"]["running"] == "train running 0\u00a0s"


def test_cells_are_the_newest_and_not_the_front_ends() -> None:
    session = Session([START, DevicesFound((samples.CPU,))])
    for index in range(1, MOST_CELLS + 20):
        role = Role.FRONT_END if index % 50 == 0 else Role.CELL
        at = CellRun(str(role), index, f"cell {index}", role, START.started_at, 100.0)
        report = CellReport(at, 101.0, Outcome.OK, (samples.part(samples.CPU, 1, 0.9, 1.1),))
        session.apply(CellClosed(report))
    told = cells(session)["cells"]

    assert len(told) == MOST_CELLS
    assert [each["index"] for each in told] == sorted(each["index"] for each in told)
    assert told[-1]["index"] == MOST_CELLS + 19
    assert told[-1]["runs"] == MOST_CELLS + 9


def test_a_run_nobody_saw_is_not_measured() -> None:
    session = Session([START, DevicesFound((samples.CPU,))])
    part = samples.part(samples.CPU, 0, 0, 0, coverage=0.0)
    session.apply(CellClosed(samples.report("blind", 3.0, part)))
    (told,) = cells(session)["cells"]

    assert told["known"] == "unknown"
    assert told["text"]["energy"] == "not measured"


def test_the_panel_in_words_has_what_the_page_has() -> None:
    text = panel_text(in_nowhere(), Context())

    assert text.splitlines()[0].startswith("training.ipynb")
    assert "zone unknown, world average" in text
    assert "! Where is this machine?" in text
    assert "nothing read yet" not in panel_text(Session([START]), Context())


@pytest.mark.parametrize("payload", PAYLOADS[:-2])
def test_names_pass_as_they_are_for_the_page_sets_them_as_text(payload: str) -> None:
    """Escaping is the sink's business, and a page's sink is `textContent`."""
    run = samples.report(payload, 1).run
    session = Session([START, CellOpened(run, Edge(100.0, 0.0, 1))])

    assert state(session, Context())["cell"]["name"] == payload


def strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


def test_a_page_learns_no_host_and_no_path() -> None:
    session = running()
    session.apply(START._replace(host="secret-host", notebook="training.ipynb"))
    said = [state(session, Context()), cells(session), history(session)]

    assert not [each for each in strings(said) if "secret-host" in each or "/home" in each]


def test_a_calibrated_machine_says_so() -> None:
    learnt = replace(CALIBRATION, devices=devices_key(running().devices.values()))
    before = state(running(), Context())["text"]["known"]
    session = running()
    session.apply(CalibrationLearned(learnt))
    words = state(session, Context())["text"]["known"]
    assert words == DOT.join([before, f"calibrated against a wall meter on {learnt.date}"])
