"""Appends to one ledger, and never loses a record it can still hold: disk first, memory else."""

from __future__ import annotations

import os
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from nbcarbon.core.events import Sampled
from nbcarbon.ledger.compaction import FLAGS, PRIVATE_FILE, Compaction, beside
from nbcarbon.ledger.record import Record, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbcarbon.core.events import Event
    from nbcarbon.ports import Clock

MOST_WAITING_BYTES: Final = 16_000_000
"""Held in memory while the disk refuses it; beyond this points are let go, then the oldest."""

SMALLEST_TAIL_BYTES: Final = 4_000_000
LARGEST_TAIL_FRACTION: Final = 1 / 8
"""How much may have been appended to a compacted file, at least and as a part of it, when it is compacted
anew: so a file is at most an eighth and four megabytes larger than it need be."""


def _on_a_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="nbcarbon-compaction", daemon=True).start()


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
        start: Callable[[Callable[[], None]], None] = _on_a_thread,
        smallest_tail_bytes: int = SMALLEST_TAIL_BYTES,
    ) -> None:
        self._path = path
        self._clock = clock
        self._write = write
        self._number = first_number
        self._start = start
        self._smallest_tail_bytes = smallest_tail_bytes
        self._compaction: Compaction | None = None
        self._compacted_bytes = 0
        self._waiting: deque[tuple[bytes, bool]] = deque()
        self._waiting_bytes = 0
        self._reason = problem
        self._fd = -1
        self._locked = False
        if path is not None:
            self._open(path)

    def _open(self, path: Path) -> None:
        try:
            self._fd = os.open(path, FLAGS, PRIVATE_FILE)
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
        if self._fd < 0:
            return self._number  # the kernel has it, and there will be no file for it any more
        record = Record(self._number, event, kernel_number)
        data = encode(
            record,
            monotonic_s=self._clock.monotonic_s(),
            boottime_s=self._clock.boottime_s(),
            wall=self._clock.now().isoformat(timespec="milliseconds"),
        )
        self._waiting.append((data, isinstance(event, Sampled)))
        self._waiting_bytes += len(data)
        self._drain()
        if self._waiting_bytes > MOST_WAITING_BYTES:
            self._let_go()
        return self._number

    def _let_go(self) -> None:
        """Points first: joules that were booked are in other records."""
        self._waiting = deque(each for each in self._waiting if not each[1])
        self._waiting_bytes = sum(len(data) for data, _ in self._waiting)
        while self._waiting_bytes > MOST_WAITING_BYTES / 2:
            self._waiting_bytes -= len(self._waiting.popleft()[0])

    def _drain(self) -> None:
        """Everything that waits, oldest first, as far as the disk takes it."""
        if self._fd < 0:
            return
        while self._waiting:
            try:
                self._put(self._waiting[0][0])
            except OSError as error:
                self._reason = error.strerror or str(error)
                return
            self._waiting_bytes -= len(self._waiting.popleft()[0])
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
            self._leave_no_copy()
            return
        if self._fd >= 0 and not self._locked:
            self._locked = _lock(self._fd)  # somebody was just asking whether we are live
        self._drain()
        if self._fd >= 0 and not self._waiting:
            self._keep_small(self._path)

    def _keep_small(self, path: Path) -> None:
        """Have the file compacted where much was appended, and take up the copy once it is there."""
        compaction = self._compaction
        if compaction is None:
            size = os.fstat(self._fd).st_size
            allowed = max(self._smallest_tail_bytes, self._compacted_bytes * LARGEST_TAIL_FRACTION)
            if size - self._compacted_bytes > allowed:
                self._compaction = Compaction(path, size, self._number, self._clock, self._write)
                self._start(self._compaction.run)
        elif compaction.finished.is_set():
            self._compaction = None
            self._compacted_bytes = compaction.until  # where it failed: not again for a while
            self._take_up(compaction)

    def _take_up(self, compaction: Compaction) -> None:
        if compaction.fd < 0:
            return
        locked = _lock(compaction.fd)
        size = compaction.size
        try:
            compaction.take_the_place_of(self._fd)
        except OSError:
            compaction.discard()
            return
        os.close(self._fd)
        self._fd, self._locked, self._compacted_bytes = compaction.fd, locked, size

    def _leave_no_copy(self) -> None:
        """A copy that is not taken up loses its name; the thread that writes it ends with the process."""
        if self._compaction is not None and self._path is not None:
            with suppress(OSError):
                beside(self._path).unlink(missing_ok=True)

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
        self._leave_no_copy()
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
