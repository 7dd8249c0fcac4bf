"""Reads a ledger, live or long dead: everything that is readable, and a count of what is not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nbcarbon.core.events import Folded, SessionStarted
from nbcarbon.errors import LedgerError
from nbcarbon.ledger.record import LONGEST, VERSION, decode

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from nbcarbon.core.events import Event

CHUNK_BYTES: Final = 128_000
"""How much of a file is in memory at a time."""

HEAD_BYTES: Final = 64
"""The beginning of a file tells whether it is still the same: a compacted one begins anew, in its place."""


class LedgerReader:
    """The events of one file. `read` again gives what came since.

    Where the file was compacted meanwhile, everything comes again, in fewer events: `began_anew` says so.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._begin()
        self.began_anew = False

    def _begin(self) -> None:
        self.damaged_count = 0
        self.number = 0
        self.kernel_number = 0
        self._offset = 0
        self._head = b""
        self._rest = b""

    def read(self) -> list[Event]:
        """Events since the last call, those of damaged records left out and counted.

        Raises LedgerError where the file cannot be read or was written by a later version.
        """
        return list(self.events())

    def events(self) -> Iterator[Event]:
        """The same, one by one: for a file that is not to be in memory as a whole."""
        try:
            with open(self.path, "rb") as file:
                head = file.read(HEAD_BYTES)
                self.began_anew = not head.startswith(self._head)
                if self.began_anew:
                    self._begin()
                self._head = head
                file.seek(self._offset)
                while data := file.read(CHUNK_BYTES):
                    self._offset += len(data)
                    yield from self._split(data)
        except OSError as error:
            raise LedgerError(
                f"{self.path} cannot be read ({error.strerror or error}).",
                hint="`nbcarbon history` lists the sessions there are.",
            ) from error
        # The last line has no end yet: it is whole if its checksum says so, else still to come.
        event = self._take(self._rest, whole=False) if self._rest else None
        if event is not None:
            self._rest = b""
            yield event

    def _split(self, data: bytes) -> Iterator[Event]:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            if line and (event := self._take(line)) is not None:
                yield event
        if len(self._rest) > LONGEST:
            self._rest = self._rest[
                : LONGEST + 1
            ]  # no record of ours, however much of it is to come

    def _take(self, line: bytes, *, whole: bool = True) -> Event | None:
        record = decode(line)
        if record is None:
            self.damaged_count += whole
            return None
        if record.version > VERSION:
            raise LedgerError(
                f"{self.path} was written by a later nbcarbon.",
                hint="Read it with that version: pip install --upgrade nbcarbon",
            )
        self.number = max(self.number, record.number)
        if record.kernel_number is not None:
            self.kernel_number = max(self.kernel_number, record.kernel_number)
        if isinstance(record.event, Folded):
            self.damaged_count += record.event.damaged_count
        return record.event

    @property
    def torn(self) -> bool:
        """Whether the file ends in the middle of a record."""
        return bool(self._rest)


def read_all(path: Path) -> tuple[list[Event], int]:
    """Every readable event of a session, and how many records were damaged.

    Raises LedgerError where the file cannot be read, or holds no session.
    """
    reader = LedgerReader(path)
    events = reader.read()
    if not any(isinstance(event, SessionStarted) for event in events):
        raise LedgerError(
            f"{path} is not a session of nbcarbon.",
            hint="`nbcarbon history` lists the sessions there are.",
        )
    return events, reader.damaged_count + reader.torn


def is_live(path: Path) -> bool:
    """Whether a sampler is writing to this file now, as far as the system can tell."""
    try:
        import fcntl
    except ImportError:  # Windows
        return False
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False
