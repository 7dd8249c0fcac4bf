"""`nbcarbon history`: ledgers on disk, one after the other, overlapping ones counted once."""

from __future__ import annotations

import json
import os
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import html5lib
import pytest

from nbcarbon.__main__ import main
from nbcarbon.core.across import Sweep, Table
from nbcarbon.core.cell import CellReport, CellRun, Outcome, Role
from nbcarbon.core.compact import compacted
from nbcarbon.core.energy import DeviceEnergy
from nbcarbon.core.events import (
    BetweenMeasured,
    CellClosed,
    CellOpened,
    CellsNoted,
    DevicePoint,
    DevicesFound,
    Edge,
    Event,
    IntensityLearned,
    Sampled,
    SamplerStarted,
    SessionEnded,
    SettingChanged,
)
from nbcarbon.core.session import Session
from nbcarbon.core.units import J_PER_WH
from nbcarbon.errors import SettingError
from nbcarbon.history import day_of, moment, read, read_past
from nbcarbon.ledger import store
from nbcarbon.ledger.writer import LedgerWriter
from nbcarbon.testing import FakeClock
from tests.payloads import PAYLOADS
from tests.samples import CPU, FRANCE, FRENCH, MEMORY, STARTED, UNKNOWN, WORLD

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcarbon.core.device import Device

DEVICES = (CPU, replace(MEMORY, within=None))
POWER_W = {CPU.id: (20.0, 120.0), MEMORY.id: (5.0, 5.0)}
"""At rest and at work. The machine is at work in these seconds of its clock:"""
WORK = [(100.0, 160.0), (1000.0, 1030.0), (90_000.0, 90_600.0)]
BOOTED = datetime(2026, 3, 1, 11, 58, 20, tzinfo=UTC)
"""When the machine's clock stood at 0: `STARTED`, at 100 s of it, was at 12:00."""


def machine_j(device: Device, start_s: float, end_s: float) -> float:
    rest_w, work_w = POWER_W[device.id]
    worked_s = sum(max(0.0, min(end_s, b) - max(start_s, a)) for a, b in WORK)
    return rest_w * (end_s - start_s - worked_s) + work_w * worked_s


def used(start_s: float, end_s: float, devices: Sequence[Device]) -> tuple[DeviceEnergy, ...]:
    found = []
    for each in devices:
        energy_j = machine_j(each, start_s, end_s)
        found.append(DeviceEnergy(each.id, energy_j, energy_j * 0.9, energy_j * 1.1, 1.0, False, 0.5))  # fmt: skip
    return tuple(found)


def recorded(
    start_s: float,
    end_s: float,
    cells: Iterable[tuple[float, float]] = (),
    *,
    devices: Sequence[Device] = DEVICES,
    step_s: float = 10.0,
    notebook: str = "a.ipynb",
    boot: str = "boot",
    settings: Sequence[SettingChanged] = (),
    zone: IntensityLearned = IntensityLearned(FRANCE, FRENCH),  # noqa: B008
    number: int = 0,
) -> list[Event]:
    """A session that watched the machine from one second of its clock to another."""
    started = STARTED._replace(
        id=f"{number:016x}", started_at=BOOTED + timedelta(seconds=start_s), start_s=start_s,
        notebook=notebook, boot_id=boot,
    )  # fmt: skip
    events: list[Event] = [
        started,
        SamplerStarted(1),
        DevicesFound(tuple(devices)),
        zone,
        *settings,
    ]

    def points(from_s: float, to_s: float) -> None:
        at_s = from_s
        while at_s < to_s:
            at_s = min(to_s, at_s + step_s)
            events.append(
                Sampled(
                    at_s,
                    tuple(
                        DevicePoint(each.id, machine_j(each, start_s, at_s), at_s - start_s)
                        for each in devices
                    ),
                )
            )

    events.append(Sampled(start_s, tuple(DevicePoint(each.id, 0.0, 0.0) for each in devices)))
    now_s = start_s
    for index, (opens_s, closes_s) in enumerate(cells, 1):
        if opens_s > now_s:
            points(now_s, opens_s)
            events.append(BetweenMeasured(now_s, opens_s, used(now_s, opens_s, devices)))
        run = CellRun(
            f"k{index}", index, f"cell {index}", Role.CELL, BOOTED + timedelta(seconds=opens_s), opens_s
        )  # fmt: skip
        events.append(CellOpened(run, Edge(opens_s, 0.0, 1)))
        points(opens_s, closes_s)
        events.append(
            CellClosed(CellReport(run, closes_s, Outcome.OK, used(opens_s, closes_s, devices)))
        )
        now_s = closes_s
    if end_s > now_s:
        points(now_s, end_s)
        events.append(BetweenMeasured(now_s, end_s, used(now_s, end_s, devices)))
    return [*events, SessionEnded(end_s)]


@pytest.fixture
def keep(home: Path) -> Any:
    """Write a session's ledger where sessions are kept."""
    folder = home / ".local" / "state" / "nbcarbon" / "sessions"
    folder.mkdir(parents=True)

    def write(events: list[Event]) -> Path:
        started = events[0]
        path = store.session_path(folder, started.started_at, started.id)  # type: ignore[union-attr]
        writer = LedgerWriter(path, FakeClock())
        for event in events:
            writer.append(event)
        writer.close()
        return path

    return write


def rows(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["history", "--json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def energies(found: dict[str, Any]) -> dict[str, float]:
    return {each["key"]: each["energy_j"] for each in found["rows"]}


def union_j(start_s: float, end_s: float) -> float:
    return sum(machine_j(each, start_s, end_s) for each in DEVICES)


def test_two_kernels_of_one_machine_are_the_machine(
    keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """One waits from 100 s to 200 s, the other works in a cell from 110 s to 150 s."""
    waits = recorded(100.0, 200.0, notebook="waits.ipynb", number=1)
    works = recorded(105.0, 160.0, [(110.0, 150.0)], notebook="works.ipynb", number=2)
    keep(waits)
    keep(works)
    found = rows(capsys, "--by", "notebook")
    each_j = energies(found)

    assert found["total"]["energy_j"] == pytest.approx(union_j(100.0, 200.0))
    cell_j = union_j(110.0, 150.0)
    shared_j = union_j(105.0, 110.0) + union_j(150.0, 160.0)
    assert each_j["works.ipynb"] == pytest.approx(cell_j + shared_j / 2)
    assert each_j["waits.ipynb"] == pytest.approx(union_j(100.0, 200.0) - cell_j - shared_j / 2)
    own = {each["key"]: each["own"]["energy_j"] for each in found["rows"]}
    assert own["waits.ipynb"] == pytest.approx(union_j(100.0, 200.0))
    assert found["total"]["low_j"] < found["total"]["energy_j"] < found["total"]["high_j"]


def test_a_session_alone_is_what_it_says_of_itself(
    keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    events = recorded(100.0, 700.0, [(103.0, 150.0), (151.0, 152.5)])
    keep(events)
    figures = Session(events).figures()
    (row,) = rows(capsys)["rows"]

    assert row["energy_j"] == pytest.approx(figures.energy.energy_j)
    assert row["high_j"] == pytest.approx(figures.energy.high_j)
    assert row["emissions_g"] == pytest.approx(figures.emissions.emissions_g)
    assert row["low_g"] == pytest.approx(figures.emissions.low_g, rel=1e-3)
    assert (row["sessions"], row["cells"]) == (1, 2)


def test_what_another_machine_or_boot_measured_is_its_own(
    keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(recorded(100.0, 200.0, number=1))
    keep(recorded(100.0, 200.0, number=2, boot="another"))
    found = rows(capsys)

    assert found["total"]["energy_j"] == pytest.approx(2 * union_j(100.0, 200.0))


def test_where_no_boot_is_told_the_clocks_are_compared(
    keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(recorded(100.0, 200.0, number=1, boot=""))
    keep(recorded(150.0, 250.0, number=2, boot=""))

    assert rows(capsys)["total"]["energy_j"] == pytest.approx(union_j(100.0, 250.0))


def test_a_share_beside_a_whole_machine(keep: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Half of the work is the first one's: it keeps that, and the other gets what is left."""
    share = [SettingChanged("attribution", "share")]
    keep(recorded(100.0, 160.0, [(100.0, 160.0)], number=1, settings=share, notebook="share"))
    keep(recorded(100.0, 160.0, [(100.0, 160.0)], number=2, notebook="whole"))
    each_j = energies(rows(capsys, "--by", "notebook"))

    assert each_j["share"] == pytest.approx(union_j(100.0, 160.0) / 2)
    assert each_j["whole"] == pytest.approx(union_j(100.0, 160.0) / 2)


def test_by_day_in_the_days_of_this_place(keep: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """A session of 27 hours, in steps of ten minutes: midnight is where the wall clock has it."""
    keep(recorded(100.0, 97_300.0, [(90_000.0, 90_600.0)], step_s=600.0))
    each_j = energies(rows(capsys, "--by", "day"))
    first, after_s = day_of((BOOTED + timedelta(seconds=100)).timestamp())
    midnight_s = after_s - BOOTED.timestamp()

    assert first in each_j
    assert each_j[first] == pytest.approx(union_j(100.0, midnight_s), rel=0.01)
    assert sum(each_j.values()) == pytest.approx(union_j(100.0, 97_300.0))


def test_since_leaves_out_what_was_before(keep: Any) -> None:
    keep(recorded(100.0, 500.0, number=1))
    keep(recorded(600.0, 1000.0, number=2))
    since = BOOTED + timedelta(seconds=800)
    found = read(os.environ, since=since)

    assert found.tables[0].whole.sum.energy.energy_j == pytest.approx(union_j(800.0, 1000.0))
    assert [row.key for row in found.tables[0].rows()] == [f"{2:016x}"]


def test_by_tag_with_all_else_together(keep: Any, capsys: pytest.CaptureFixture[str]) -> None:
    cells = [(110.0, 120.0), (130.0, 150.0), (160.0, 165.0)]
    tagged = recorded(100.0, 200.0, cells, number=1)
    tagged.insert(5, CellsNoted("tag", "training", 1, 2))
    keep(tagged)
    keep(recorded(300.0, 320.0, [(300.0, 310.0)], number=2))
    found = rows(capsys, "--by", "tag")
    training_j = union_j(110.0, 120.0) + union_j(130.0, 150.0)
    rest_j = union_j(100.0, 200.0) - training_j + union_j(300.0, 320.0)

    assert energies(found) == {"training": pytest.approx(training_j), "": pytest.approx(rest_j)}
    assert {each["key"]: each["cells"] for each in found["rows"]} == {"training": 2, "": 2}
    assert main(["history", "--by", "tag"]) == 0
    assert "untagged" in capsys.readouterr().out


def test_by_zone_unknown_ones_together(keep: Any, capsys: pytest.CaptureFixture[str]) -> None:
    keep(recorded(100.0, 200.0, number=1))
    keep(recorded(200.0, 300.0, number=2, zone=IntensityLearned(UNKNOWN, WORLD)))
    assert set(energies(rows(capsys, "--by", "zone"))) == {"France", ""}
    assert main(["history", "--by", "zone"]) == 0
    text = capsys.readouterr().out
    assert "zone unknown" in text
    assert "2 sessions" in text


def test_a_compacted_ledger_and_one_whose_kernel_died(
    keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(compacted(recorded(100.0, 200.0, [(110.0, 150.0)], number=1)))
    keep(recorded(120.0, 190.0, [(130.0, 140.0)], number=2)[:-1])
    found = rows(capsys)

    assert found["total"]["energy_j"] == pytest.approx(union_j(100.0, 200.0), rel=0.01)
    assert [each["cells"] for each in found["rows"]] == [1, 1]


def test_a_ledger_that_cannot_be_read_is_named(
    keep: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    path = keep(recorded(100.0, 200.0, number=1))
    broken = path.with_name(f"20260301T120000Z-{2:016x}.ledger")
    broken.write_bytes(b"nothing of ours")
    assert [each["session"] for each in rows(capsys)["unread"]] == [broken.stem]
    assert main(["history"]) == 0
    assert f"{2:016x}  {broken} is not a session" in capsys.readouterr().out.replace("\n", " ")


def test_lines_in_order_with_what_is_counted(keep: Any, capsys: pytest.CaptureFixture[str]) -> None:
    keep(recorded(300.0, 400.0, number=3, boot="aaa"))
    keep(recorded(100.0, 200.0, number=1))
    keep(recorded(100.0, 200.0, [(100.0, 200.0)], number=2))
    assert main(["history"]) == 0
    first, second, third, total, remark = capsys.readouterr().out.splitlines()

    assert [line.split()[0][-1] for line in (first, second, third)] == ["1", "2", "3"]
    assert "of it 0 Wh counted" in first
    assert "1 cell " in second
    assert "counted" not in second + third + total
    assert total.startswith("total")
    assert remark == "What several sessions measured at the same time is counted once."


def test_nothing_recorded_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history"]) == 0
    assert "No session has been recorded in" in capsys.readouterr().out
    assert main(["history", "--since", "2w"]) == 0
    assert " since 20" in capsys.readouterr().out
    assert rows(capsys)["rows"] == []
    assert main(["history", "--since", "yesterday"]) == 2
    assert "Write 30d, 12h, 2w or YYYY-MM-DD." in capsys.readouterr().err


NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("30d", NOW - timedelta(days=30)),
        ("12h", NOW - timedelta(hours=12)),
        ("2w", NOW - timedelta(days=14)),
        ("2026-03-01", datetime(2026, 3, 1).astimezone()),
        ("2026-03-01T12:00:00+00:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
    ],
)
def test_times(text: str, found: datetime) -> None:
    assert moment(text, NOW) == found


@pytest.mark.parametrize("text", ["", "d", "-3d", "3y", "999999w", "soon", "2026-13-01"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(SettingError, match="is no time"):
        moment(text, NOW)


# The page ----------------------------------------------------------------------------------------


def page(path: Path) -> Any:
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(path.read_bytes())


def test_the_page_stands_alone(keep: Any, tmp_path: Path) -> None:
    keep(recorded(100.0, 97_300.0, [(90_000.0, 90_600.0)], step_s=600.0))
    keep(recorded(98_000.0, 98_100.0, number=2, notebook="b.ipynb"))
    path = tmp_path / "page.html"
    assert main(["history", "--html", str(path)]) == 0
    tree = page(path)
    text = path.read_text("utf-8")

    assert not tree.findall(".//script")
    assert not [each for each in tree.iter() if {"src", "href", "srcset"} & set(each.attrib)]
    assert "url(" not in text
    policy = tree.find(".//meta[@http-equiv='Content-Security-Policy']").attrib["content"]
    assert policy.startswith("default-src 'none'")
    lead = "".join(tree.find(".//p[@class='lead']").itertext()).replace("\u00a0", " ")
    assert "2 sessions on this machine used" in lead
    assert f"{union_j(100.0, 97_300.0) / J_PER_WH:.0f}"[:2] in lead
    titles = [each.text for each in tree.findall(".//h2")]
    assert titles == ["By notebook", "By day", "By grid zone", "How this was counted"]
    assert len([each for each in tree.iter() if str(each.tag).endswith("rect")]) == 2


def test_a_page_is_not_overwritten(
    keep: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(recorded(100.0, 200.0))
    path = tmp_path / "page.html"
    path.write_text("mine")
    assert main(["history", "--html", str(path)]) == 2
    assert path.read_text() == "mine"
    assert main(["history", "--html", str(path), "--force"]) == 0
    assert "mine" not in path.read_text("utf-8")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_notebooks_name_is_never_markup(
    keep: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], payload: str
) -> None:
    keep(recorded(100.0, 200.0, notebook=payload))
    path = tmp_path / "page.html"
    assert main(["history", "--html", str(path)]) == 0
    assert not page(path).findall(".//script")
    assert not [each for each in page(path).iter() if {"onerror", "href", "src"} & set(each.attrib)]
    capsys.readouterr()
    assert main(["history", "--by", "notebook"]) == 0
    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == 1
    assert "\x1b" not in printed


def test_an_empty_page_says_so(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    assert main(["history", "--html", str(path)]) == 0
    assert "No session has been recorded." in "".join(page(path).itertext())


# Memory ------------------------------------------------------------------------------------------


def test_one_ledger_at_a_time_is_in_memory(keep: Any) -> None:
    """Sixteen, each beside the one before, take less than three times what four do: a ledger is most of it."""
    count = 16
    for number in range(count):
        begin_s = 200.0 + 400.0 * number
        cells = [(begin_s + 2.0 * each, begin_s + 2.0 * each + 1.0) for each in range(50)]
        keep(recorded(begin_s, begin_s + 500.0, cells, number=number))

    def peak_bytes(paths: list[Path]) -> int:
        tracemalloc.start()
        sweep, table = Sweep(day_of), Table("")
        for path in paths:
            for each in sweep.take(read_past(path)):
                table.add(each)
        for each in sweep.finish():
            table.add(each)
        assert table.whole.session_count == len(paths)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    paths = store.sessions(Path(os.environ["HOME"]) / ".local" / "state" / "nbcarbon" / "sessions")
    peak_bytes(paths)  # what is made once, whatever comes
    assert peak_bytes(paths) < 3 * peak_bytes(paths[:4])
