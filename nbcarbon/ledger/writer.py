"""Appends to one ledger, and never loses a record it can still hold: disk first, memory else."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nbcarbon.ledger.record import Record, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbcarbon.core.events import Event
    from nbcarbon.ports import Clock

PRIVATE_FILE: Final = 0o600
MOST_KEPT: Final = 100_000
"""Records held in memory while the disk refuses them; beyond this the oldest points are let go."""

_FLAGS: Final = (
    os.O_RDWR
    | os.O_CREAT
    | os.O_APPEND
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOFOLLOW", 0)
)


class LedgerWriter:
    """The single writer of a session's file.

    Where the file cannot be written, records wait in memory and `problem` says so; they go to disk as
    soon as it takes them.
    """

    def __init__(
        self,
        path: Path | None,
        clock: Clock,
        *,
        first_number: int = 0,
        problem: str = "",
        write: Callable[[int, bytes], int] = os.write,
    ) -> None:
        self._path = path
        self._clock = clock
        self._write = write
        self._number = first_number
        self._waiting: deque[bytes] = deque(maxlen=MOST_KEPT)
        self._reason = problem
        self._fd = -1
        self._locked = False
        if path is not None:
            self._open(path)

    def _open(self, path: Path) -> None:
        try:
            self._fd = os.open(path, _FLAGS, PRIVATE_FILE)
            self._locked = _lock(self._fd)
        except OSError as error:
            self._reason = error.strerror or str(error)

    @property
    def path(self) -> Path | None:
        return self._path

    @property
    def problem(self) -> str | None:
        """Why records are not on disk, as a sentence; None if all is well."""
        if not self._reason:
            return None
        return (
            f"Ledger cannot be written ({self._reason}): keeping records in memory; "
            "export now to keep them."
        )

    def append(self, event: Event, kernel_number: int | None = None) -> int:
        """Write one event at once. Returns its number. Raises nothing."""
        self._number += 1
        record = Record(self._number, event, kernel_number)
        data = encode(
            record,
            monotonic_s=self._clock.monotonic_s(),
            boottime_s=self._clock.boottime_s(),
            wall=self._clock.now().isoformat(timespec="milliseconds"),
        )
        self._waiting.append(data)
        self._drain()
        return self._number

    def _drain(self) -> None:
        """Everything that waits, oldest first, as far as the disk takes it."""
        if self._fd < 0:
            return
        while self._waiting:
            try:
                self._put(self._waiting[0])
            except OSError as error:
                self._reason = error.strerror or str(error)
                return
            self._waiting.popleft()
        self._reason = ""

    def _put(self, data: bytes) -> None:
        written = self._write(self._fd, data)
        if written == len(data):
            return
        # A full disk takes half a record first and says so only at the next write: take it back.
        with suppress(OSError):
            os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
        raise OSError(28, "No space left on device")

    def check(self) -> None:
        """See whether the file is still ours, and try again what could not be written. Once a second or so."""
        if self._path is None:
            return
        if self._fd >= 0 and not self._still_there():
            # Writes to a deleted file succeed into nothing, so what it held is gone with it.
            os.close(self._fd)
            self._fd = -1
            self._reason = "the file was deleted"
            return
        if self._fd >= 0 and not self._locked:
            self._locked = _lock(self._fd)  # somebody was just asking whether we are live
        self._drain()

    def _still_there(self) -> bool:
        try:
            return os.fstat(self._fd).st_nlink > 0
        except OSError:
            return False

    def sync(self) -> None:
        """Have the system put on the medium what was written. Waits for it."""
        if self._fd >= 0:
            with suppress(OSError):
                (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(self._fd)

    def close(self) -> None:
        self._drain()
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _lock(fd: int) -> bool:
    """Mark the session as live until this process ends, however it ends. Advisory, never waited for.

    Whether there is nothing more to try.
    """
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
