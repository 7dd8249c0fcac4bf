"""Reads a ledger, live or long dead: everything that is readable, and a count of what is not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from nbcarbon.core.events import SessionStarted
from nbcarbon.errors import LedgerError
from nbcarbon.ledger.record import VERSION, decode

if TYPE_CHECKING:
    from pathlib import Path

    from nbcarbon.core.events import Event

LARGEST: Final = 1_000_000_000


class LedgerReader:
    """The events of one file. `read` again gives what came since."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.damaged_count = 0
        self.number = 0
        self.kernel_number = 0
        self._offset = 0
        self._rest = b""

    def read(self) -> list[Event]:
        """Events since the last call, those of damaged records left out and counted.

        Raises LedgerError where the file cannot be read or was written by a later version.
        """
        try:
            with open(self.path, "rb") as file:
                file.seek(self._offset)
                data = file.read(LARGEST)
        except OSError as error:
            raise LedgerError(
                f"{self.path} cannot be read ({error.strerror or error}).",
                hint="`nbcarbon history` lists the sessions there are.",
            ) from error
        self._offset += len(data)
        *lines, last = (self._rest + data).split(b"\n")
        # The last line has no end yet: it is whole if its checksum says so, else still to come.
        found = [event for line in lines if line and (event := self._take(line)) is not None]
        event = self._take(last, whole=False) if last else None
        if event is None:
            self._rest = last
        else:
            self._rest = b""
            found.append(event)
        return found

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
        return record.event


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
    torn = 1 if reader._rest else 0
    return events, reader.damaged_count + torn


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
