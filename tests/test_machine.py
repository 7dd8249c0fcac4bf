"""What is kept of a machine: private, whole, of this machine alone, never trusted."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nbcarbon import machine
from nbcarbon.errors import CalibrationError
from nbcarbon.machine import Kept, machine_key
from nbcarbon.settings import Settings
from tests.core.test_baseline import FOUND
from tests.core.test_calibration import IDENTITY

if TYPE_CHECKING:
    from pathlib import Path

OTHER = replace(IDENTITY, offset_w=3.0, devices=("cpu:0", "gpu:0"))


def test_calibrations_are_kept_by_devices_the_newest_first(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "state", "here")
    assert kept.calibrations() == []
    path = kept.keep_calibration(IDENTITY)
    kept.keep_calibration(OTHER)
    newer = replace(IDENTITY, offset_w=5.0)
    kept.keep_calibration(newer)

    assert kept.calibrations() == [newer, OTHER]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert "here" in path.read_text()


def test_a_shared_home_holds_many_machines(tmp_path: Path) -> None:
    here, there = Kept(tmp_path / "s", "here"), Kept(tmp_path / "s", "there")
    here.keep_calibration(IDENTITY)
    there.keep_calibration(OTHER)
    here.keep_baseline(FOUND)
    assert (here.calibrations(), there.calibrations()) == ([IDENTITY], [OTHER])
    assert (here.baseline(), there.baseline()) == (FOUND, None)

    assert here.forget_calibrations() == 1
    assert (here.calibrations(), there.calibrations()) == ([], [OTHER])
    assert here.forget_calibrations() == 0


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"schema_version": 1}', '{"schema_version": 2, "entries": []}',
     '{"schema_version": 1, "entries": 3}', '{"schema_version": 1, "entries": [1]}', "\ufeff\x00",
     '{"schema_version": 1, "entries": [{"machine": "here"}]}',
     '{"schema_version": 1, "entries": [{"machine": "here", "calibration": {"slope": NaN}, "baseline": 1}]}',
     '{"schema_version": 1, "entries": [{"machine": "here", "calibration": {"slope": 1}, "baseline": {}}]}',
     "[" * 100_000],
)  # fmt: skip
def test_what_cannot_be_read_is_a_sentence_and_is_replaced(tmp_path: Path, text: str) -> None:
    kept = Kept(tmp_path, "here")
    tmp_path.chmod(0o700)
    for name, read in (
        (machine.CALIBRATIONS, kept.calibrations),
        (machine.BASELINES, kept.baseline),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(CalibrationError, match=r"damaged|another version") as caught:
            read()
        assert caught.value.hint
    kept.keep_calibration(IDENTITY)
    kept.keep_baseline(FOUND)
    if "machine" not in text:
        assert kept.calibrations() == [IDENTITY]
        assert kept.baseline() == FOUND


def test_a_folder_in_the_files_place(tmp_path: Path) -> None:
    (tmp_path / machine.CALIBRATIONS).mkdir()
    with pytest.raises(CalibrationError, match="cannot be read"):
        Kept(tmp_path, "here").calibrations()


def test_a_session_begins_whatever_is_in_the_file(tmp_path: Path) -> None:
    chosen = Settings(state_dir=str(tmp_path))
    assert machine.calibrations(chosen, {}) == []
    tmp_path.chmod(0o700)
    machine.kept(chosen, {}).keep_calibration(IDENTITY)
    assert machine.calibrations(chosen, {}) == [IDENTITY]
    assert machine.calibrations(replace(chosen, replay="trace.csv"), {}) == []
    (tmp_path / machine.CALIBRATIONS).write_text("{")
    assert machine.calibrations(chosen, {}) == []
    assert machine.calibrations(Settings(state_dir="x" * 5000), {}) == []


def test_a_machine_is_known_by_a_hash_of_its_id(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("")
    (tmp_path / "odd").write_bytes(b"\xff")
    (tmp_path / "id").write_text("0123456789abcdef0123456789abcdef\n")
    files = [str(tmp_path / each) for each in ("none", "odd", "empty", "id")]
    key = machine_key(files)
    assert len(key) == 32
    assert key != machine_key(files[:2]) == machine_key([])
    assert "0123" not in key
    assert machine_key() == machine_key()


def test_files_stay_small(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "s", "here")
    for number in range(70):
        path = kept.keep_calibration(replace(IDENTITY, devices=(f"gpu:{number}",)))
    body = json.loads(path.read_text())
    assert body["schema"] == "nbcarbon.calibration"
    assert len(body["entries"]) == machine.MOST_COUNT
    assert kept.calibrations()[0].devices == ("gpu:69",)
