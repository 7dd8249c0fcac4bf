"""The benches' own arithmetic, which a wrong table would rest on. Nothing is measured here."""

from __future__ import annotations

import socket
import struct
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bench.accuracy import Cell, error_percent
from tests.bench.cost import median_interval
from tests.bench.hardware import EIGHT, Hardware, perfect
from tests.bench.network import HERE, TYPE_A, _answer
from tests.bench.peers import FOLDER, OURS, PEERS
from tests.bench.tables import LIMIT, Line, Table, digits, said, spoken
from tests.stand_in.powercap import Profile

if TYPE_CHECKING:
    from pathlib import Path

PROFILE = Profile(((0.25, 40.0), (0.5, 0.0), (1.25, 120.0)))


def cell(found_j: float | str, true_j: float = 10.0) -> Cell:
    return Cell("rapl", OURS, 1.0, true_j, true_j, found_j)


def test_errors_are_summed_before_they_are_divided() -> None:
    assert error_percent([cell(11.0), cell(9.0), cell(80.0, 80.0)]) == pytest.approx(2.0)
    assert error_percent([cell(11.0), cell("Not Supported")]) == "Not Supported"
    assert error_percent([]) == "–"


@given(st.floats(0, 3), st.floats(0, 3))
def test_a_perfect_reader_knows_constant_power_exactly(one_s: float, two_s: float) -> None:
    start_s, end_s = sorted((one_s, two_s))

    found_j = perfect(lambda instant_s: 70.0 * instant_s, 0.1, 0.0, start_s, end_s)

    assert found_j == pytest.approx(70.0 * (end_s - start_s), abs=1e-6)


@given(st.floats(0, 3), st.floats(0, 3))
def test_a_perfect_reader_misses_no_more_than_a_step_within_a_refresh(
    one_s: float, two_s: float
) -> None:
    start_s, end_s = sorted((one_s, two_s))

    found_j = perfect(PROFILE.energy_j, 0.1, 0.03, start_s, end_s)

    # A step of 120 W in the middle of a refresh, at both ends.
    true_j = PROFILE.true_energy_j(start_s, end_s)
    assert found_j == pytest.approx(true_j, abs=2 * 120.0 * 0.1 / 4 + 1e-6)


def test_no_reader_sees_a_gpu_jump_where_its_power_is_told_anew(tmp_path: Path) -> None:
    hardware = Hardware(EIGHT, tmp_path)
    (_, before) = hardware._gpus[-1]
    hardware.move_gpus(0.1, 0.3)
    (since_s, after) = hardware._gpus[-1]

    for old, new in zip(before, after, strict=True):
        assert len(new.power) <= 256
        for late_s in (-0.02, 0.0, 0.05, 0.1):
            instant_s = since_s + late_s
            assert new.base_j + new.energy_j(instant_s) == pytest.approx(
                old.base_j + old.energy_j(instant_s)
            )
        assert new.energy_j(since_s + 5.0) - new.energy_j(since_s) != pytest.approx(
            old.energy_j(since_s + 5.0) - old.energy_j(since_s)
        )


def test_the_interval_of_a_median() -> None:
    found = median_interval([float(each) for each in range(1, 13)])

    # Of twelve values the third and the tenth: 96 % by the binomial distribution.
    assert (found.percent, found.low, found.high) == (6.5, 3.0, 10.0)
    few = median_interval([2.0, 1.0])
    assert (few.low, few.high) == (1.0, 2.0)


def test_the_best_peer_is_none_of_ours_and_no_limit() -> None:
    line = Line("a", "a thing", "s", {OURS: 1.0, "codecarbon": 3.0, "zeus": 2.0, LIMIT: 0.1})

    assert line.best_peer() == ("zeus", 2.0)
    assert Line("a", "a thing", "s", {OURS: 1.0, "zeus": "Not Supported"}).best_peer() is None


def test_what_a_peer_does_better_is_told_and_a_tie_is_not() -> None:
    values = {OURS: 1.0, "codecarbon": 0.95, "zeus": 0.5}
    table = Table("A table", "", [Line("a", "a `thing`", "s", values)])

    assert list(table.lost("zeus")) == ["a thing: 0.5 s against 1 s"]
    assert list(table.lost("codecarbon")) == []


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.0, "s", "0 s"), (0.0123, "s", "12 ms"), (1.234, "s", "1.2 s"), (123.4, "%", "123 %"),
        (0.0002, "%", "< 0.001 %"), (12345.6, "MB", "12 346 MB"), (0.5, "", "0.5"),
    ],
)  # fmt: skip
def test_two_digits_that_count(value: float, unit: str, text: str) -> None:
    assert spoken(value, unit) == text


def test_a_tools_own_words_are_fit_for_a_table() -> None:
    assert (
        said("OSError: no such file: '/home/a/b/c.py' | gone")
        == "OSError: no such file: '…' / gone"
    )


def test_a_negative_number_keeps_its_size() -> None:
    assert digits(-12.3) == "-12"


def test_the_name_server_knows_every_name() -> None:
    name = b"\x07example\x03org\x00"
    head = b"\x12\x34" + struct.pack("!HHHHH", 0x0100, 1, 0, 0, 0)

    answer = _answer(head + name + struct.pack("!HH", TYPE_A, 1))
    other = _answer(head + name + struct.pack("!HH", 28, 1))

    assert answer[:2] == b"\x12\x34"
    assert answer.endswith(socket.inet_aton(HERE))
    assert struct.unpack("!H", other[6:8]) == (0,)


def test_every_peer_has_its_file() -> None:
    for name in PEERS:
        assert (FOLDER / f"{name}.py").exists()
