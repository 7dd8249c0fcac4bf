"""The file of a session, through whatever can happen to a file."""

from __future__ import annotations

import errno
import fcntl
import os
import random
import stat
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.events import Noticed, SessionStarted, Unknown
from nbcarbon.errors import LedgerError
from nbcarbon.ledger import store
from nbcarbon.ledger.opening import open_session
from nbcarbon.ledger.reader import LedgerReader, is_live, read_all
from nbcarbon.ledger.record import Record, decode, encode
from nbcarbon.ledger.writer import LedgerWriter
from nbcarbon.testing import FakeClock

if TYPE_CHECKING:
    from pathlib import Path

START = SessionStarted(
    "5e55abcd", datetime(2026, 1, 1, tzinfo=UTC), 1000.0, "host", "3.11", "0", "nb.ipynb", "boot"
)


def notices(count: int) -> list[Noticed]:
    return [Noticed(f"key {number}", "x" * (number % 50)) for number in range(count)]


def write(path: Path, count: int) -> list[Noticed]:
    writer = LedgerWriter(path, FakeClock())
    writer.append(START, 0)
    said = notices(count)
    for number, event in enumerate(said, start=1):
        writer.append(event, number)
    writer.close()
    return said


def line(event: object, number: int = 1, version: int = 0) -> bytes:
    record = Record(number, event, None, version)  # type: ignore[arg-type]
    return encode(record, monotonic_s=1.0, boottime_s=1.0, wall="2026-01-01T00:00:00Z")


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    said = write(tmp_path / "a.ledger", 20)

    assert read_all(tmp_path / "a.ledger") == ([START, *said], 0)


def test_a_file_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(tmp_path / "a.ledger", 1)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "a.ledger").stat().st_mode) == 0o600


def test_every_prefix_of_a_file_is_readable(tmp_path: Path) -> None:
    """A crash may cut anywhere: all records before the cut are there, and none is made up."""
    said = write(tmp_path / "a.ledger", 40)
    whole = (tmp_path / "a.ledger").read_bytes()
    ends = [at for at in range(1, len(whole)) if whole[at : at + 1] == b"\n"]
    ends.append(len(whole))
    cut = tmp_path / "cut.ledger"

    for length in range(len(whole) + 1):
        cut.write_bytes(whole[:length])
        events = LedgerReader(cut).read()
        assert events == [START, *said][: sum(end <= length for end in ends)]


def test_a_torn_record_does_not_swallow_the_next(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    said = write(path, 3)
    with open(path, "r+b") as file:
        file.truncate(path.stat().st_size - 5)
    writer = LedgerWriter(path, FakeClock(), first_number=3)
    writer.append(Noticed("after", "the crash"))
    writer.close()

    assert read_all(path) == ([START, *said[:2], Noticed("after", "the crash")], 1)


def test_mutations_lose_only_what_they_touch(tmp_path: Path) -> None:
    said = write(tmp_path / "a.ledger", 30)
    whole = (tmp_path / "a.ledger").read_bytes()
    rng = random.Random(1)
    path = tmp_path / "mutated.ledger"
    expected = [START, *said]
    for _ in range(1500):
        data = bytearray(whole)
        at = rng.randrange(len(data))
        kind = rng.randrange(5)
        if kind == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at : at + 60] = bytes(len(data[at : at + 60]))
        elif kind == 2:
            data[at:at] = data[: rng.randrange(200)]
        elif kind == 3:
            del data[at : at + rng.randrange(100)]
        else:
            data[at:at] = b"\r\n\x00\xff" * rng.randrange(5)
        path.write_bytes(data)
        reader = LedgerReader(path)
        events = reader.read()
        # What comes back was written, and most of it comes back.
        assert all(event in expected for event in events)
        assert len(set(map(repr, events))) >= len(expected) - 6


def test_records_of_later_versions(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    path.write_bytes(line(START) + line(Unknown("Flown", {"to": "the moon"}), 2))
    assert read_all(path)[0][1] == Unknown("Flown", {"to": "the moon"})

    path.write_bytes(line(START) + line(START, 2, version=3))
    with pytest.raises(LedgerError, match="later nbcarbon"):
        read_all(path)


@pytest.mark.parametrize("text", [b"", b"\n\n\n", b"hello", b"00000000 {}", b"\xff" * 1000])
def test_what_is_no_session_is_said_in_a_sentence(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.ledger").write_bytes(text)
    with pytest.raises(LedgerError, match="not a session"):
        read_all(tmp_path / "a.ledger")
    with pytest.raises(LedgerError, match="cannot be read"):
        read_all(tmp_path / "missing.ledger")


def test_a_checksum_alone_is_not_enough() -> None:
    from zlib import crc32

    for text in (b"[]", b"1", b'{"v":1,"n":1}', b'{"v":1,"n":1,"e":[]}', b'{"v":"x","n":1,"e":{}}'):
        assert decode(b"%08x %b" % (crc32(text), text)) is None


def test_a_follower_reads_what_came_since(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    writer = LedgerWriter(path, FakeClock())
    reader = LedgerReader(path)
    writer.append(START, 7)
    assert reader.read() == [START]
    assert reader.read() == []
    writer.append(Noticed("a", "b"), 9)
    assert reader.read() == [Noticed("a", "b")]
    assert (reader.number, reader.kernel_number) == (2, 9)
    writer.close()


def test_a_record_in_two_halves_is_read_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    data = line(START) + line(Noticed("a", "b"), 2)
    path.write_bytes(data[:-20])
    reader = LedgerReader(path)
    assert reader.read() == [START]
    path.write_bytes(data)
    assert reader.read() == [Noticed("a", "b")]
    assert reader.damaged_count == 0


# Disks that refuse


class Disk:
    """Writes through to a real file, but as the n-th call is told."""

    def __init__(self, faults: dict[int, int | str]) -> None:
        self.faults = faults
        self.calls = 0

    def write(self, fd: int, data: bytes) -> int:
        self.calls += 1
        fault = self.faults.get(self.calls)
        if fault == "short":
            return os.write(fd, data[: len(data) // 2])
        if isinstance(fault, int):
            raise OSError(fault, os.strerror(fault))
        return os.write(fd, data)


@pytest.mark.parametrize(
    "fault", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, "short"]
)
@pytest.mark.parametrize("at", range(1, 8))
def test_no_fault_loses_a_record(tmp_path: Path, fault: int | str, at: int) -> None:
    path = tmp_path / "a.ledger"
    writer = LedgerWriter(path, FakeClock(), write=Disk({at: fault}).write)
    writer.append(START)
    problems = []
    for event in notices(6):
        problems.append(writer.problem)
        writer.append(event)
    writer.check()

    assert writer.problem is None
    assert (at == 7) or any(
        problem and "keeping records in memory" in problem for problem in problems
    )
    assert read_all(path) == ([START, *notices(6)], 0)
    writer.close()


def test_a_full_disk_is_said_and_survived(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    disk = Disk(dict.fromkeys(range(2, 50), errno.ENOSPC))
    writer = LedgerWriter(path, FakeClock(), write=disk.write)
    writer.append(START)
    for event in notices(10):
        writer.append(event)
    assert writer.problem is not None
    assert "No space left" in writer.problem
    disk.faults.clear()
    writer.check()
    assert read_all(path) == ([START, *notices(10)], 0)
    writer.close()


def test_a_deleted_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.ledger"
    writer = LedgerWriter(path, FakeClock())
    writer.append(START)
    path.unlink()
    writer.check()

    assert writer.problem is not None
    assert "deleted" in writer.problem
    writer.append(Noticed("a", "b"))
    writer.close()


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("mine")
    (tmp_path / "a.ledger").symlink_to(target)
    writer = LedgerWriter(tmp_path / "a.ledger", FakeClock())
    writer.append(START)

    assert writer.problem is not None
    assert target.read_text() == "mine"


# Where sessions are


def test_a_session_is_opened_in_the_first_folder_that_can_be_written_to(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    clock = FakeClock()
    writer, past = open_session(
        START,
        folders=[blocked / "below", tmp_path / "runtime"],
        path=None,
        clock=clock,
        keep_days=400,
    )
    writer.append(START)
    writer.close()

    assert [path.parent.name for path in store.sessions(tmp_path / "runtime")] == ["runtime"]
    assert "This session is kept in" in dict(past.notices)["ledger"]


def test_with_no_folder_at_all_records_stay_in_memory(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    writer, _ = open_session(
        START, folders=[blocked / "below"], path=None, clock=FakeClock(), keep_days=400
    )
    assert writer.append(START) == 1
    assert writer.problem is not None
    assert "export now" in writer.problem


def test_a_folder_others_may_write_to_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "open"
    folder.mkdir(0o700)
    folder.chmod(0o777)
    writer, _ = open_session(START, folders=[folder], path=None, clock=FakeClock(), keep_days=400)
    assert writer.problem is not None
    assert "may be written to by others" in writer.problem


def test_a_folder_below_one_that_others_may_write_to_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "nbcarbon"
    state.mkdir()
    state.chmod(0o770)
    writer, _ = open_session(
        START, folders=[state / "sessions"], path=None, clock=FakeClock(), keep_days=400
    )
    assert writer.problem is not None
    assert "may be written to by others" in writer.problem


def test_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        writer, _ = open_session(
            START, folders=[tmp_path / "a" / "b"], path=None, clock=FakeClock(), keep_days=400
        )
    finally:
        os.umask(before)
    writer.close()

    assert [
        stat.S_IMODE(each.stat().st_mode) for each in (tmp_path / "a", tmp_path / "a" / "b")
    ] == [
        0o700,
        0o700,
    ]


def test_a_second_sampler_goes_on_where_the_first_stopped(tmp_path: Path) -> None:
    def open_again() -> tuple[LedgerWriter, object]:
        return open_session(START, folders=[tmp_path], path=None, clock=FakeClock(), keep_days=400)

    first, _ = open_again()
    first.append(START, 0)
    first.append(Noticed("a", "b"), 5)
    first.close()
    second, past = open_again()
    second.append(Noticed("c", "d"), 6)
    second.close()

    assert past.events == (START, Noticed("a", "b"))  # type: ignore[attr-defined]
    assert past.kernel_number == 5  # type: ignore[attr-defined]
    assert len(store.sessions(tmp_path)) == 1
    assert read_all(store.sessions(tmp_path)[0])[0][-1] == Noticed("c", "d")


def test_another_live_session_is_said(tmp_path: Path) -> None:
    other = store.session_path(tmp_path, START.started_at, "01")
    live = LedgerWriter(other, FakeClock())
    live.append(START)
    writer, past = open_session(
        START, folders=[tmp_path], path=None, clock=FakeClock(), keep_days=400
    )

    assert "1 other nbcarbon session measures" in dict(past.notices)["others"]
    assert is_live(other)
    live.close()
    assert not is_live(other)
    writer.close()


def test_a_session_is_live_even_if_somebody_asked_as_it_began(tmp_path: Path) -> None:
    path = tmp_path / "20260101T000000Z-aa.ledger"
    path.touch()
    with open(path, "rb") as asking:
        fcntl.flock(asking, fcntl.LOCK_SH)
        writer = LedgerWriter(path, FakeClock())
    assert not is_live(path)
    writer.check()
    assert is_live(path)
    writer.close()


def test_old_sessions_are_pruned_and_live_ones_never(tmp_path: Path) -> None:
    clock = FakeClock()
    old = [clock.now() - timedelta(days=days) for days in (500, 450, 399)]
    paths = [store.session_path(tmp_path, when, f"{n:x}") for n, when in enumerate(old)]
    for path in paths:
        write(path, 1)
    live = LedgerWriter(paths[1], FakeClock())
    store.prune(tmp_path, now=clock.now(), keep_days=400)

    assert store.sessions(tmp_path) == paths[1:]
    live.close()


def test_a_session_is_found_by_what_a_person_types(tmp_path: Path) -> None:
    when = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    first = store.session_path(tmp_path, when, "aa11")
    second = store.session_path(tmp_path, when + timedelta(hours=1), "bb22")
    with pytest.raises(LedgerError, match="No session has been recorded yet"):
        store.find(tmp_path, "latest")
    for path in (first, second):
        write(path, 1)

    assert store.find(tmp_path, "latest") == second
    assert store.find(tmp_path, "aa11") == first
    assert store.find(tmp_path, str(first)) == first
    assert store.began_at(first) == when
    with pytest.raises(LedgerError, match="2 sessions match"):
        store.find(tmp_path, "2026")
    with pytest.raises(LedgerError, match="No session match"):
        store.find(tmp_path, "zzz")


def test_only_sessions_are_sessions(tmp_path: Path) -> None:
    (tmp_path / "notes.ledger").write_text("mine")
    (tmp_path / "20260101T000000Z-aa.txt").write_text("mine")
    assert store.sessions(tmp_path) == []
    assert store.sessions(tmp_path / "missing") == []


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/a"}, "/home/a/.local/state/nbcarbon"),
        ({"HOME": "/home/a", "XDG_STATE_HOME": "/state"}, "/state/nbcarbon"),
        ({"HOME": "/home/a", "XDG_STATE_HOME": "relative"}, "/home/a/.local/state/nbcarbon"),
    ],
)
def test_where_state_belongs(environ: dict[str, str], expected: str) -> None:
    assert str(store.state_folder(environ)) == expected
    assert str(store.state_folder(environ, "/chosen")) == "/chosen"
