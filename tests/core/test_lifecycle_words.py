"""What is said of the split: in full below a table, in a few words in a panel and on a card."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbcarbon.core.events import BaselineLearned, HardwareLearned, SettingChanged
from nbcarbon.core.humanize import plain
from nbcarbon.core.lifecycle_words import briefly, lines, of_cell
from tests.core.test_lifecycle import BASELINE, BOARD, LAPTOP, ran, session, used
from tests.samples import CPU, GPU

if TYPE_CHECKING:
    from nbcarbon.core.lifecycle import SessionLifecycle
    from nbcarbon.core.session import Session

RAN = ran(1000, used(CPU, 30_000), used(GPU, 60_000))
KNOWN = (BaselineLearned(BASELINE), HardwareLearned((LAPTOP, BOARD)))


def said(found: Session) -> list[str]:
    return [plain(each) for each in lines(found.lifecycle())]


def test_everything_known() -> None:
    """90 kJ, 30 W of them at rest: 25 Wh, 31 g/kWh; the laptop 9.35 mg a second, the board 5.95."""
    first, idle, laptop, board = said(session(*KNOWN, RAN))

    assert first.startswith(
        "life cycle: about 16.1 gCO₂e = dynamic 0.52 gCO₂e + idle 0.26 gCO₂e + "
    )
    assert "embodied about 15.3 gCO₂e (" in first
    assert idle == "idle: 33 % of the energy, by the baseline of 2026-11-25"
    assert laptop == (
        "embodied: a laptop, 236 kg (62 – 367) over 4 years, in use 20 % of them; Boavizta"
    )
    assert board.startswith("embodied: a board, 150 kg (75 – 225)")


def test_a_machine_of_which_nothing_is_known_gets_one_line() -> None:
    (line,) = said(session(HardwareLearned((), ("this machine",)), RAN))
    assert line == (
        "idle and embodied part not known: `nbcarbon baseline` measures idle power; "
        "%carbon hardware NAME says what it is"
    )


def test_what_is_not_known_is_said_with_its_remedy() -> None:
    baseline, *_ = KNOWN
    _, idle, embodied = said(session(baseline, HardwareLearned((), ("this machine",)), RAN))
    assert idle.startswith("idle: 33 % of the energy")
    assert embodied == (
        "embodied: not known, no figure for this machine: %carbon hardware NAME says what it is"
    )

    first, idle = said(session(RAN))
    assert first == "life cycle: operational 0.78 gCO₂e; embodied not known"
    assert idle == "idle: not known, `nbcarbon baseline` measures idle power"


def test_a_baseline_that_misses_a_device_says_which() -> None:
    partly = replace(BASELINE, devices=BASELINE.devices[:1])
    found = said(session(BaselineLearned(partly), RAN))

    assert found[1] == (
        "idle: not known, the baseline of 2026-11-25 has none of GPU 0 A100; "
        "`nbcarbon baseline` measures idle power"
    )


def test_a_figure_that_misses_the_machine_says_so() -> None:
    found = said(session(HardwareLearned((BOARD,), ("this machine",)), RAN))

    assert found[-1] == (
        "embodied: this machine is not in it: %carbon hardware NAME says what it is"
    )
    assert found[0].startswith("life cycle: at least 6.72 gCO₂e = operational 0.78 gCO₂e + ")
    assert "embodied at least 5.95 gCO₂e (" in found[0]


def test_the_building_and_its_water() -> None:
    found = said(
        session(
            *KNOWN, SettingChanged("pue", "1.5"), SettingChanged("water_grid_l_per_kwh", "2"), RAN
        )
    )

    assert " + infrastructure 0.39 gCO₂e (PUE 1.5) + " in found[0]
    assert found[-1] == "water: 75 ml in power plants"


def test_a_share_of_a_machine() -> None:
    part = replace(LAPTOP, share_fraction=0.25)

    assert said(session(HardwareLearned((part,)), RAN))[2].startswith("embodied: 25 % of a laptop,")


def test_in_a_few_words() -> None:
    known, unknown, nothing = session(*KNOWN, RAN), session(RAN), session(*KNOWN)

    assert [plain(each) for each in briefly(known.lifecycle().total)] == [
        "67 % dynamic", "33 % idle", "embodied about 15.3 gCO₂e",
    ]  # fmt: skip
    assert briefly(unknown.lifecycle().total) == ["idle part not known"]
    assert briefly(nothing.lifecycle().total) == []
    assert lines(nothing.lifecycle()) == []


def test_on_a_card() -> None:
    def card(found: Session) -> list[str]:
        split = found.figures_of(1).lifecycle
        assert split is not None
        return [plain(each) for each in of_cell(split)]

    assert card(session(*KNOWN, RAN)) == ["idle 8.33 Wh of it", "embodied about 15.3 gCO₂e more"]
    assert card(session(RAN)) == ["idle part not known"]


def test_a_session_of_an_earlier_version_says_nothing_of_hardware() -> None:
    found: SessionLifecycle = session(RAN).lifecycle()

    assert [plain(each) for each in lines(found)] == [
        "life cycle: operational 0.78 gCO₂e; embodied not known",
        "idle: not known, `nbcarbon baseline` measures idle power",
    ]
