"""Reads what a wall meter or a BMC recorded: a CSV file with times and watts, from anybody's hand.

The file is not trusted: its size is limited, and whatever it holds is readings or one sentence that
names the line and what to do.
"""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

from nbcarbon.core.calibration import MeterReading
from nbcarbon.core.units import S_PER_MS, S_PER_NS, S_PER_US, W_PER_KW
from nbcarbon.errors import CalibrationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LARGEST_BYTES: Final = 64_000_000
MOST_COUNT: Final = 1_000_000
LARGEST_W: Final = 1e6
HEADER_LINES: Final = 30
LONGEST_LINE: Final = 100_000
"""Meters put a few lines about themselves before the header."""

_TIMES: Final = (
    "timestamp", "datetime", "time", "date time", "date/time", "instant", "utc", "local time",
    "epoch", "unix", "unix time", "created at", "last changed", "zeit", "zeitstempel", "date",
)  # fmt: skip
_POWERS: Final = (
    "power", "watts", "watt", "w", "active power", "real power", "total power", "apower",
    "act power", "total act power", "power draw", "instantaneous power reading", "p", "leistung",
    "wirkleistung", "puissance",
)  # fmt: skip
_KILO: Final = "kw"
_UNIT: Final = re.compile(r"[(\[]\s*([^)\]]*?)\s*[)\]]")
_EARLIEST_S: Final = 1e8
_LATEST_S: Final = 4e9
"""1973 to 2096: a larger number is of a finer unit than seconds, a smaller one is no date."""


class MeterFile(NamedTuple):
    """`local_time` is set where the file's times named no time zone; `skipped_count` rows had no watts."""

    readings: tuple[MeterReading, ...]
    local_time: bool = False
    skipped_count: int = 0


class _Columns(NamedTuple):
    """Where in a row the time is (a date and a time of day may stand apart), and the watts.

    `utc` says that the header calls times without a zone UTC.
    """

    times: tuple[int, ...]
    power: int
    factor: float
    utc: bool


def read_meter_file(path: Path) -> MeterFile:
    """The readings in a file. Raises CalibrationError, naming line and remedy."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CalibrationError(
            f"{path} cannot be read ({reason}).", hint="Name the meter's CSV file."
        ) from error
    if len(data) > LARGEST_BYTES:
        raise CalibrationError(
            f"{path} is larger than {LARGEST_BYTES // 1_000_000} MB.",
            hint="Keep the hours that sessions were recorded in.",
        )
    return parse_meter_file(data, path.name)


def parse_meter_file(data: bytes, name: str) -> MeterFile:
    """The readings in a file's bytes. Raises CalibrationError, naming line and remedy."""
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    text = data.decode("utf-16" if utf16 else "utf-8-sig", "replace")
    whole = text.endswith("\n")
    lines = text.splitlines()
    columns, header, delimiter = _find_header(lines, name)
    parser = _Parser(name, columns)
    for number, line in enumerate(lines[header + 1 :], header + 2):
        # The csv module has a limit as well, which anybody may have changed for the whole process.
        if len(line) > LONGEST_LINE:
            parser.refuse(number, f"is no CSV ({len(line)} characters)", "Export it again.")
    rows = csv.reader(io.StringIO("\n".join(lines[header + 1 :])), delimiter=delimiter)
    while True:
        try:
            row = next(rows)
        except StopIteration:
            break
        except csv.Error as error:
            parser.refuse(header + 1 + rows.line_num, f"is no CSV ({error})", "Export it again.")
        number = header + 1 + rows.line_num
        if any(each.strip() for each in row):
            # A file still being written ends in half a line.
            parser.take(row, number, torn=number >= len(lines) and not whole)
    if not parser.readings:
        raise CalibrationError(f"{name} holds no readings.", hint="Record something first.")
    return MeterFile(tuple(parser.readings), parser.local_time, parser.skipped_count)


def _find_header(lines: Sequence[str], name: str) -> tuple[_Columns, int, str]:
    """The columns, the header's place, and what parts its columns."""
    for place, line in enumerate(lines[:HEADER_LINES]):
        for delimiter in (";", "\t", ","):
            try:
                names = next(csv.reader([line], delimiter=delimiter), [])
            except csv.Error:
                continue
            columns = _columns(names, name, place + 1)
            if columns is not None:
                return columns, place, delimiter
    raise CalibrationError(
        f"{name} has no header with a column of times and one of watts.",
        hint="Name them, such as: timestamp,power_w",
    )


def _columns(names: Sequence[str], file: str, number: int) -> _Columns | None:
    plain = [_plain(each) for each in names]
    times = _times([each for each, _ in plain])
    ranked = [
        (_POWERS.index(each), place, unit)
        for place, (each, unit) in enumerate(plain)
        if each in _POWERS and unit in ("", "w", "watt", "watts", _KILO) and place not in times
    ]
    if not times or not ranked:
        return None
    best = min(ranked)
    alike = [names[place] for rank, place, _ in ranked if rank == best[0]]
    if len(alike) > 1:
        raise CalibrationError(
            f"{file}, line {number}: {len(alike)} columns could be the watts "
            f"({', '.join(repr(each[:40]) for each in alike[:4])}).",
            hint="Keep the one of the whole machine.",
        )
    utc = any("utc" in names[each].casefold() for each in times)
    return _Columns(times, best[1], W_PER_KW if best[2] == _KILO else 1.0, utc)


def _plain(name: str) -> tuple[str, str]:
    """A column's name and unit: `Power (W)` and `power_w` are `power` in `w`."""
    text = name.strip().strip("\ufeff").casefold()
    unit = _UNIT.search(text)
    text = _UNIT.sub(" ", text)
    words = re.split(r"[\s_\-.]+", text.strip())
    if words == [_KILO]:
        return "power", _KILO
    if unit is None and len(words) > 1 and words[-1] in ("w", _KILO, "watts", "s", "ms"):
        return " ".join(words[:-1]), words[-1]
    return " ".join(words), unit[1] if unit else ""


def _times(names: Sequence[str]) -> tuple[int, ...]:
    if "date" in names and "time" in names:
        return (names.index("date"), names.index("time"))
    for wanted in _TIMES:
        if wanted in names:
            return (names.index(wanted),)
    return ()


class _Parser:
    """One row after the other."""

    def __init__(self, name: str, columns: _Columns) -> None:
        self.readings: list[MeterReading] = []
        self.local_time = False
        self.skipped_count = 0
        self._name = name
        self._columns = columns

    def refuse(self, number: int, what: str, hint: str) -> NoReturn:
        raise CalibrationError(f"{self._name}, line {number}: {what}.", hint=hint)

    def take(self, row: Sequence[str], number: int, *, torn: bool) -> None:
        """Take in one row of the file, given its line's number."""
        if max(*self._columns.times, self._columns.power) >= len(row):
            if not torn:
                self.refuse(number, "has too few columns", "Export it again.")
            return
        try:
            instant = self._instant(" ".join(row[each].strip() for each in self._columns.times))
        except (ValueError, OverflowError, OSError):
            if torn:
                return
            self.refuse(
                number,
                f"{row[self._columns.times[0]][:40]!r} is no time",
                "Write times as 2026-11-25T10:00:00Z, or in seconds since 1970.",
            )
        text = row[self._columns.power].strip()
        if text.casefold() in ("", "nan", "null", "none", "na", "n/a", "unavailable", "unknown"):
            self.skipped_count += 1
            return
        try:
            power_w = self._number(text) * self._columns.factor
        except ValueError:
            if torn:
                return
            self.refuse(number, f"{text[:40]!r} is no power", "Write watts as 231.5 or 231,5.")
        if not isfinite(power_w) or power_w > LARGEST_W:
            self.refuse(
                number, f"{text[:40]} W is no machine's power", "Is it the column of watts?"
            )
        if power_w < 0:
            self.refuse(
                number,
                f"{text[:40]} W is less than nothing",
                "Is the meter wired the other way round?",
            )
        if self.readings and instant < self.readings[-1].instant:
            hint = (
                "Sort the file by time, or record with a time zone (summer time ends once a year)."
            )
            self.refuse(number, "its time is earlier than that of the line before", hint)
        if len(self.readings) >= MOST_COUNT:
            self.refuse(
                number, f"more than {MOST_COUNT} readings", "Keep those of recorded sessions."
            )
        self.readings.append(MeterReading(instant, power_w))

    def _instant(self, text: str) -> datetime:
        """An aware instant; without a time zone, one of this machine's."""
        try:
            stamp = self._number(text)
        except ValueError:
            found = datetime.fromisoformat(text.removesuffix(" UTC") + "Z" * text.endswith(" UTC"))
            if found.tzinfo is None and self._columns.utc:
                found = found.replace(tzinfo=UTC)
            if found.tzinfo is None:
                found, self.local_time = found.astimezone(), True
            if not _EARLIEST_S < found.timestamp() < _LATEST_S:
                raise ValueError(text) from None
            return found
        for unit_s in (1.0, S_PER_MS, S_PER_US, S_PER_NS):
            if _EARLIEST_S < stamp * unit_s < _LATEST_S:
                return datetime.fromtimestamp(stamp * unit_s, UTC)
        raise ValueError(text)

    def _number(self, text: str) -> float:
        """A number with a decimal point, or with a comma."""
        if text.count(",") == 1 and "." not in text:
            text = text.replace(",", ".")
        if "_" in text:
            raise ValueError(text)
        return float(text)
