"""A ledger of a month stays small, whatever happens while it is written anew."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.events import CellsKept, Folded, SessionEnded, from_json, to_json
from nbcarbon.core.session import Session
from nbcarbon.ledger import store
from nbcarbon.ledger.compaction import beside
from nbcarbon.ledger.opening import open_session
from nbcarbon.ledger.reader import LedgerReader, is_live, read_all
from nbcarbon.ledger.record import decode
from nbcarbon.ledger.writer import LedgerWriter
from nbcarbon.recorded import FollowedSession, read_session
from nbcarbon.testing import FakeClock
from tests.scale.sessions import Recorded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbcarbon.core.events import Event

TAIL_BYTES = 400_000
EVENTS = list(Recorded(cells=60).events())
"""A little more than what a file may hold in these tests before it is compacted."""


class Later:
    """Work that is done when the test says so."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []

    def __call__(self, work: Callable[[], None]) -> None:
        self.work.append(work)

    def do(self) -> None:
        while self.work:
            self.work.pop(0)()


def at_once(work: Callable[[], None]) -> None:
    work()


def written(
    path: Path, events: list[Event], start: Callable[[Callable[[], None]], None]
) -> LedgerWriter:
    writer = LedgerWriter(path, FakeClock(), start=start, smallest_tail_bytes=TAIL_BYTES)
    for number, event in enumerate(events):
        writer.append(event, number)
    return writer


def sums(session: Session) -> object:
    """What a session comes to, and its cells without their intervals, which packing rounds."""
    figures = session.figures()
    cells = [
        (each.run, [(part.device_id, part.energy_j) for part in each.devices])
        for each in session.cells.values()
    ]
    return replace(figures, cells=()), cells, session.unbooked()  # type: ignore[arg-type]


def test_a_file_that_grew_is_compacted_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    writer = written(path, EVENTS, at_once)
    before = path.stat().st_size
    writer.check()
    writer.check()

    assert before > TAIL_BYTES
    assert path.stat().st_size < before / 3
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert is_live(path)
    assert not beside(path).exists()
    events, damaged_count = read_all(path)
    assert damaged_count == 0
    assert sums(Session(events)) == sums(Session(EVENTS))
    reader = LedgerReader(path)
    reader.read()
    assert (reader.number, reader.kernel_number) == (len(EVENTS), len(EVENTS) - 1)
    writer.close()
    assert not is_live(path)


def test_it_is_compacted_again_and_again_and_what_is_packed_is_copied(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    writer = LedgerWriter(path, FakeClock(), start=at_once, smallest_tail_bytes=TAIL_BYTES)
    events = list(Recorded(cells=250).events())
    inodes = set()
    for event in events:
        writer.append(event)
        if writer._number % 20 == 0:
            writer.check()
            inodes.add(path.stat().st_ino)
    writer.close()

    assert len(inodes) >= 2
    found, _ = read_all(path)
    assert sum(isinstance(each, Folded) for each in found) == 1
    assert sums(Session(found)) == sums(Session(events))


def test_what_comes_meanwhile_is_in_the_new_file_too(tmp_path: Path) -> None:
    path, later = tmp_path / "a.ledger", Later()
    writer = written(path, EVENTS, later)
    writer.check()
    writer.append(SessionEnded(1.0))
    writer.check()  # not there yet
    later.do()
    writer.append(SessionEnded(2.0))
    writer.check()
    writer.append(SessionEnded(3.0))

    assert read_all(path)[0][-3:] == [SessionEnded(each) for each in (1.0, 2.0, 3.0)]
    writer.close()


def test_who_follows_the_file_begins_anew(tmp_path: Path) -> None:
    path, later = tmp_path / "a.ledger", Later()
    writer = written(path, EVENTS, later)
    followed = FollowedSession(path)
    before = followed.update()
    writer.check()
    later.do()
    writer.check()
    after = followed.update()

    assert after is not before
    assert sums(after) == sums(before)
    writer.append(SessionEnded(1.0))
    assert followed.update().ended == SessionEnded(1.0)
    assert followed.session is after
    path.unlink()
    assert followed.update() is after
    writer.close()


def test_who_reads_while_it_is_replaced_reads_the_old_one_whole(tmp_path: Path) -> None:
    path, later = tmp_path / "a.ledger", Later()
    writer = written(path, EVENTS, later)
    reading = LedgerReader(path).events()
    first = next(reading)
    writer.check()
    later.do()
    writer.check()

    assert len([first, *reading]) == len(EVENTS)
    writer.close()


def test_old_versions_refuse_a_compacted_file_and_read_any_other(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    writer = written(path, EVENTS, at_once)
    plain = {decode(line).version for line in path.read_bytes().split(b"\n") if line}  # type: ignore[union-attr]
    writer.check()
    writer.check()
    writer.close()
    records = [decode(line) for line in path.read_bytes().split(b"\n") if line]

    assert plain == {1}
    assert {type(each.event) for each in records if each and each.version == 2} == {
        CellsKept, Folded,
    }  # fmt: skip


def test_a_second_sampler_gets_what_it_needs_and_no_cells_of_long_ago(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    writer = written(path, EVENTS, at_once)
    writer.check()
    writer.check()
    writer.close()
    second, past = open_session(
        EVENTS[0], folders=[], path=path, clock=FakeClock(), keep_days=400  # type: ignore[arg-type]
    )  # fmt: skip

    assert not any(isinstance(each, CellsKept) for each in past.events)
    assert past.kernel_number == len(EVENTS) - 1
    assert second.append(SessionEnded(1.0)) == len(EVENTS) + 1
    second.close()


# Whatever can happen


class Killed(BaseException):
    """What a kill looks like from within."""


class Disk:
    """Writes through, but for the n-th call from now on."""

    def __init__(self) -> None:
        self.calls = self.at = 0
        self.fault: BaseException | None = None

    def write(self, fd: int, data: bytes) -> int:
        self.calls += 1
        if self.fault is not None and self.calls == self.at:
            os.write(fd, data[: len(data) // 2])
            raise self.fault
        return os.write(fd, data)

    def fail(self, at: int, fault: BaseException) -> None:
        self.calls, self.at, self.fault = 0, at, fault


def count_of_writes(path: Path, disk: Disk) -> int:
    writer = LedgerWriter(
        path, FakeClock(), write=disk.write, start=at_once, smallest_tail_bytes=TAIL_BYTES
    )
    for event in EVENTS:
        writer.append(event)
    disk.calls = 0
    writer.check()
    writer.check()
    writer.close()
    return disk.calls


def test_a_kill_at_any_write_leaves_one_of_the_two_whole(tmp_path: Path) -> None:
    expected = sums(Session(EVENTS))
    whole = tmp_path / "whole.ledger"
    count = count_of_writes(whole, Disk())
    assert sums(Session(read_all(whole)[0])) == expected
    plain = tmp_path / "plain.ledger"
    written(plain, EVENTS, Later()).close()
    rng = random.Random(1)

    for at in sorted({1, 2, count - 1, count, *rng.sample(range(1, count + 1), 6)}):
        path, disk = tmp_path / f"{at}.ledger", Disk()
        path.write_bytes(plain.read_bytes())
        writer = LedgerWriter(
            path, FakeClock(), write=disk.write, start=at_once, smallest_tail_bytes=TAIL_BYTES
        )
        disk.fail(at, Killed())
        with pytest.raises(Killed):
            writer.check()
        assert beside(path).exists()
        assert path.read_bytes() == plain.read_bytes()
        # The next sampler finds what the first one left, and makes good.
        os.close(writer._fd)
        again = LedgerWriter(path, FakeClock(), start=at_once, smallest_tail_bytes=TAIL_BYTES)
        again.check()
        again.check()
        assert path.read_bytes() != plain.read_bytes()
        assert sums(Session(read_all(path)[0])) == expected
        assert not beside(path).exists()
        again.close()


@pytest.mark.parametrize("at", [1, 2, 5])
def test_a_disk_that_has_no_room_for_the_copy_keeps_the_ledger(tmp_path: Path, at: int) -> None:
    path, disk = tmp_path / "a.ledger", Disk()
    writer = LedgerWriter(
        path, FakeClock(), write=disk.write, start=at_once, smallest_tail_bytes=TAIL_BYTES
    )
    for event in EVENTS:
        writer.append(event)
    before = path.read_bytes()
    disk.fail(at, OSError(errno.ENOSPC, "No space left on device"))
    writer.check()
    disk.fault = None
    writer.check()
    writer.check()

    assert path.read_bytes() == before
    assert not beside(path).exists()
    assert writer.problem is None  # the ledger itself is well
    writer.append(SessionEnded(1.0))
    assert read_all(path)[0] == [*EVENTS, SessionEnded(1.0)]
    writer.close()


def test_a_disk_that_fills_up_at_the_last_moment_keeps_the_ledger(tmp_path: Path) -> None:
    path, disk, later = tmp_path / "a.ledger", Disk(), Later()
    writer = LedgerWriter(
        path, FakeClock(), write=disk.write, start=later, smallest_tail_bytes=TAIL_BYTES
    )
    for event in EVENTS:
        writer.append(event)
    writer.check()
    later.do()
    writer.append(SessionEnded(1.0))
    disk.fail(1, OSError(errno.ENOSPC, "No space left on device"))
    writer.check()
    disk.fault = None

    assert not beside(path).exists()
    assert is_live(path)
    writer.append(SessionEnded(2.0))
    assert read_all(path)[0][-2:] == [SessionEnded(1.0), SessionEnded(2.0)]
    writer.close()


def test_damage_is_still_counted_after_it_was_left_out(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    writer = written(path, EVENTS, at_once)
    with open(path, "r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\0" * 60)
    writer.check()
    writer.check()
    writer.close()

    assert read_all(path)[1] >= 1
    assert "left out" in read_session(path).notices["damaged"]


def test_the_end_comes_before_the_copy_is_there(tmp_path: Path) -> None:
    path, later = tmp_path / "a.ledger", Later()
    writer = written(path, EVENTS, later)
    writer.check()
    beside(path).write_bytes(b"half")
    writer.close()

    assert not beside(path).exists()
    assert read_all(path)[0] == EVENTS


def test_a_session_that_is_deleted_takes_its_half_copy_along(tmp_path: Path) -> None:
    path = tmp_path / "20260101T000000Z-aa.ledger"
    written(path, EVENTS[:3], Later()).close()
    beside(path).write_bytes(b"half")

    assert store.sessions(tmp_path) == [path]
    assert store.delete(path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_for_days_does_not_fill_the_memory(tmp_path: Path) -> None:
    """Points are let go first: what was booked is in other records."""

    def refuses(fd: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    writer = LedgerWriter(tmp_path / "a.ledger", FakeClock(), write=refuses)
    for _ in range(60):
        for event in EVENTS:
            writer.append(event)
    assert writer._waiting_bytes < 16_000_000
    assert sum(len(data) for data, _ in writer._waiting) == writer._waiting_bytes
    assert not writer._waiting[0][1]
    writer._write = os.write
    writer.check()
    assert writer.problem is None
    assert writer._waiting_bytes == 0
    writer.close()


WRITER = """
import json, sys, time
from pathlib import Path
from nbcarbon.core.events import from_json
from nbcarbon.ledger.writer import LedgerWriter
from nbcarbon.meter.clock import SystemClock
writer = LedgerWriter(Path(sys.argv[1]), SystemClock(), smallest_tail_bytes=400_000)
events = [from_json(each) for each in json.loads(Path(sys.argv[2]).read_text())]
print("ready", flush=True)
for number, event in enumerate(events):
    writer.append(event, number)
    if number % 50 == 49:
        writer.check()
        print(number, flush=True)
        time.sleep(0.02)
"""


@pytest.mark.process
def test_kills_lose_nothing_that_was_told(tmp_path: Path) -> None:
    """With its own thread, its own renames: whatever was acknowledged is in the file that is there."""
    events = list(Recorded(cells=400).events())
    source = tmp_path / "events.json"
    source.write_text(json.dumps([to_json(each) for each in events]))
    rng = random.Random(2)
    for attempt in range(4):
        path = tmp_path / f"{attempt}.ledger"
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(source)], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.6 * rng.random())
            process.send_signal(signal.SIGKILL)
            told = [0, *map(int, process.stdout.read().split())][-1]
        found = Session(read_all(path)[0])
        expected = Session(events[: told + 1])
        assert len(found.cells) >= len(expected.cells)
        assert found.figures().machine_j >= expected.figures().machine_j
        assert from_json(to_json(events[0])) == found.started
