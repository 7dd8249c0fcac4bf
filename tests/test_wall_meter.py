"""A meter's file from anybody's hand: readings, or one sentence with line and remedy."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon import wall_meter
from nbcarbon.errors import CalibrationError
from nbcarbon.wall_meter import parse_meter_file, read_meter_file

if TYPE_CHECKING:
    from pathlib import Path

TEN = datetime(2026, 11, 25, 10, tzinfo=UTC)
EPOCH = int(TEN.timestamp())


@pytest.mark.parametrize(
    "text",
    [
        "timestamp,power_w\n2026-11-25T10:00:00Z,231.5\n",
        "Time;Power (W)\n2026-11-25T11:00:00+01:00;231,5\n",
        "time,watts\n2026-11-25 10:00:00 UTC,231.5\n",
        f"epoch,W\n{EPOCH},231.5\n",
        f"timestamp_ms,power\n{EPOCH}000,231.5\n",
        f'unix time,Active Power [W]\n{EPOCH}.0,"231,5"\n',
        f"t,time_s,apparent power (VA),active_power_w,power factor\n1,{EPOCH},300,231.5,0.8\n",
        "\ufeffZeitstempel\tLeistung [W]\n2026-11-25T10:00:00Z\t231,5\n",
        "date,time (utc),kW\n2026-11-25,10:00:00,0.2315\n",
        "time UTC,power_kw\n2026-11-25T10:00:00,0.2315\n".replace("time UTC", "Time (UTC)"),
        "# Meter X-100\n# serial 7\n\nDateTime,Voltage (V),Power (W)\n2026-11-25T10:00:00Z,230,231.5\n",
        "time,power\r\n2026-11-25T10:00:00Z,231.5\r\n\r\n",
        "time,power\n2026-11-25T10:00:00Z,231.5\n2026-11-25T10:00:",
        "time,power\n2026-11-25T10:00:00Z,231.5\n2026-11-25T10:00:01Z,2x",
        "time,power\n2026-11-25T10:00:00Z,231.5\n2026-",
    ],
)  # fmt: skip
def test_readings_in_many_hands(text: str) -> None:
    found = parse_meter_file(text.encode("utf-8"), "meter.csv")
    assert [(each.instant, each.power_w) for each in found.readings] == [
        (TEN, pytest.approx(231.5))
    ]
    assert not found.local_time


def test_utf_16_and_times_without_a_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "time,power\n2026-11-25T10:00:00,5\n"
    found = parse_meter_file(text.encode("utf-16"), "meter.csv")
    assert found.local_time
    assert found.readings[0].instant == datetime(2026, 11, 25, 10).astimezone()


def test_what_is_missing_is_a_hole() -> None:
    text = "time,power\n2026-11-25T10:00:00Z,1\n2026-11-25T10:00:01Z,\n2026-11-25T10:00:02Z,NaN\n"
    found = parse_meter_file(text.encode(), "meter.csv")
    assert len(found.readings) == 1
    assert found.skipped_count == 2


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("2026-11-25T10:00:00Z,5\n", "", "no header"),
        ("", "", "no header"),
        ("t" * 200_000 + "\n", "", "no header"),
        ("time,power\n", "", "holds no readings"),
        ("time,power\n25/11/2026 10:00,5\n", "line 2", "is no time"),
        ("time,power\n12.5,5\n", "line 2", "is no time"),
        ("time,power\n20261125,5\n", "line 2", "is no time"),
        ("time,power\n9999-12-31T23:59:59,5\n1,2\n", "line ", "is no time"),
        (f"time,power\n{EPOCH},5\n{EPOCH},five\n", "line 3", "'five' is no power"),
        (f"time,power\n{EPOCH},1_000\n", "line 2", "is no power"),
        (f'time,power\n{EPOCH},"1,000.5"\n', "line 2", "is no power"),
        (f"time,power\n{EPOCH},inf\n", "line 2", "is no machine's power"),
        (f"time,power\n{EPOCH},1e9\n", "line 2", "is no machine's power"),
        (f"time,power\n{EPOCH},5\n\n{EPOCH},-3\n", "line 4", "less than nothing"),
        (
            f"time,power\n{EPOCH},5\n{EPOCH - 1},5\n",
            "line 3",
            "earlier than that of the line before",
        ),
        (f"time,power\n{EPOCH}\n", "line 2", "too few columns"),
        ("time,power (W),Power (W)\n", "line 1", "2 columns could be the watts"),
        (f"time,power\n{EPOCH},{'5' * 200_000}\n", "line ", "is no CSV"),
    ],
)
def test_what_will_not_do_names_line_and_remedy(text: str, line: str, said: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        parse_meter_file(text.encode(), "meter.csv")
    assert said in caught.value.message
    assert line in caught.value.message
    assert caught.value.hint
    assert len(str(caught.value)) < 300


def test_columns_of_one_name_are_told_by_rank() -> None:
    text = f"timestamp,time,power,p,date\n{EPOCH},x,5,7,y\n"
    # `date` with `time` go together, so the stamp beside them is not asked.
    with pytest.raises(CalibrationError, match="'y' is no time"):
        parse_meter_file(text.encode(), "m.csv")
    text = f"timestamp,power,p\n{EPOCH},5,7\n"
    assert parse_meter_file(text.encode(), "m.csv").readings[0].power_w == 5


def test_a_file_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CalibrationError, match="cannot be read"):
        read_meter_file(tmp_path / "none.csv")
    with pytest.raises(CalibrationError, match="cannot be read"):
        read_meter_file(tmp_path)
    good = tmp_path / "meter.csv"
    good.write_text(f"time,power\n{EPOCH},5\n{EPOCH},6\n")
    assert len(read_meter_file(good).readings) == 2
    monkeypatch.setattr(wall_meter, "MOST_COUNT", 1)
    with pytest.raises(CalibrationError, match="more than 1 readings"):
        read_meter_file(good)
    monkeypatch.setattr(wall_meter, "LARGEST_BYTES", 10)
    with pytest.raises(CalibrationError, match="larger than"):
        read_meter_file(good)


@given(st.binary(max_size=300))
def test_any_bytes_are_readings_or_a_sentence(data: bytes) -> None:
    _readings_or_a_sentence(data)


_CELLS = st.sampled_from([
    "2026-11-25T10:00:00Z", "2026-11-25 10:00", str(EPOCH), f"{EPOCH}000", "231,5", "231.5", "nan", "-1",
    "inf", "", '"', "1e308", "9" * 400, "\0", "0001-01-01T00:00:00", "9999-12-31T23:59:59-14:00", "²", "٣",
])  # fmt: skip


@given(
    st.sampled_from(["time,power", "time;power", "date,time,W", '"time",power (kW)']),
    st.lists(st.lists(_CELLS | st.text(max_size=5), max_size=4), max_size=6),
    st.sampled_from([",", ";"]),
)
def test_any_rows_are_readings_or_a_sentence(
    header: str, rows: list[list[str]], delimiter: str
) -> None:
    text = "\n".join([header, *(delimiter.join(row) for row in rows)])
    _readings_or_a_sentence(text.encode("utf-8", "replace"))


def _readings_or_a_sentence(data: bytes) -> None:
    readings, said = (), "…"
    try:
        readings = parse_meter_file(data, "meter.csv").readings
    except CalibrationError as error:
        said = str(error) if error.hint else ""
    assert said
    assert "\n" not in said
    for each in readings:
        assert 0 <= each.power_w <= wall_meter.LARGEST_W
        assert each.instant.tzinfo is not None
        each.instant.timestamp()
