"""Writes a ledger anew beside the old one, and smaller: finished cells packed, the rest folded.

A kill at any moment leaves the old file or the new one, each whole. The copy is made on a thread of its
own; only the writer, who knows what came meanwhile, puts it in the old one's place.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nbcarbon.core.events import CellsKept
from nbcarbon.ledger.reader import CHUNK_BYTES
from nbcarbon.ledger.record import Record, decode, encode, is_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import BinaryIO

    from nbcarbon.core.events import Event
    from nbcarbon.ports import Clock

PRIVATE_FILE: Final = 0o600
FLAGS: Final = (
    os.O_RDWR
    | os.O_CREAT
    | os.O_APPEND
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)

_PACKED: Final = f'"e":{{"type":"{CellsKept.__name__}"'.encode("ascii")
_PACKED_WITHIN: Final = 200
"""A record of packed cells has this so near to its beginning. It is copied as it is: it may be long ago."""


def beside(path: Path) -> Path:
    """Where the copy of a ledger is written. A sampler that was killed may leave one."""
    return path.with_name(f".{path.name}.new")


class Compaction:
    """One compacted copy of the first `until` bytes of a ledger, which end with the record `number`.

    `fd` is -1 unless it is whole.
    """

    def __init__(
        self,
        path: Path,
        until: int,
        number: int,
        clock: Clock,
        write: Callable[[int, bytes], int] = os.write,
    ) -> None:
        self.until = until
        self.size = 0
        self.fd = -1
        self.finished = threading.Event()
        self._path = path
        self._clock = clock
        self._write = write
        self._number = number
        self._kernel_number: int | None = None

    def run(self) -> None:
        """Write the copy, and wait until it is on the medium. Raises nothing."""
        fd = -1
        try:
            beside(self._path).unlink(missing_ok=True)
            fd = os.open(beside(self._path), FLAGS | os.O_EXCL, PRIVATE_FILE)
            with open(self._path, "rb") as file:
                for data in self._anew(file):
                    self.put(fd, data)
            os.fsync(fd)
            self.fd = fd
        except Exception:  # noqa: BLE001 (a ledger that cannot be made smaller stays as it is)
            self._discard(fd)
        finally:
            self.finished.set()

    def _anew(self, file: BinaryIO) -> Iterator[bytes]:
        """The records of the copy, in pieces."""
        from nbcarbon.core.compact import Compactor

        compactor = Compactor()
        for line in _lines(file, self.until):
            if _PACKED in line[:_PACKED_WITHIN] and is_whole(line):
                yield b"\n" + line
                continue
            record = decode(line)
            if record is None:
                compactor.damaged_count += 1
                continue
            if record.kernel_number is not None:
                self._kernel_number = max(self._kernel_number or 0, record.kernel_number)
            if not compactor.take(record.event):
                yield self._record(record.event)
        for event in compactor.events():
            yield self._record(event)

    def _record(self, event: Event) -> bytes:
        # The first one has another number in each copy: a follower sees by it that the file is a new one.
        return encode(
            Record(self._number, event, self._kernel_number),
            monotonic_s=self._clock.monotonic_s(),
            boottime_s=self._clock.boottime_s(),
            wall=self._clock.now().isoformat(timespec="milliseconds"),
        )

    def put(self, fd: int, data: bytes) -> None:
        while data:
            written = self._write(fd, data)
            self.size += written
            data = data[written:]

    def take_the_place_of(self, fd: int) -> None:
        """Put the copy in the place of the ledger that is open as `fd`. Raises OSError."""
        at = self.until
        while data := os.pread(fd, CHUNK_BYTES, at):
            self.put(self.fd, data)  # what came meanwhile
            at += len(data)
        os.fsync(self.fd)
        beside(self._path).replace(self._path)
        with suppress(OSError):
            folder = os.open(self._path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def discard(self) -> None:
        """Leave no copy behind."""
        self._discard(self.fd)
        self.fd = -1

    def _discard(self, fd: int) -> None:
        with suppress(OSError):
            beside(self._path).unlink(missing_ok=True)
        if fd >= 0:
            os.close(fd)


def _lines(file: BinaryIO, until: int) -> Iterator[bytes]:
    rest = b""
    while until and (data := file.read(min(CHUNK_BYTES, until))):
        until -= len(data)
        *lines, rest = (rest + data).split(b"\n")
        yield from filter(None, lines)
    if rest:
        yield rest
