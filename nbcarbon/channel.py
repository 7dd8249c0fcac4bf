"""Messages between a kernel and its sampler: whole, in order, and never a reason to wait.

Two ends carry bytes: `PacketEnd` (Linux, one socket that keeps message borders) and `StreamEnd`
(elsewhere, two pipes with a length before each message). An `Outbox` on top keeps what was not yet
acknowledged, so that nothing is lost when the sampler is replaced; numbers make a repeat harmless.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST_PACKET: Final = 8000
_LENGTH: Final = struct.Struct("<I")
_LARGEST_MESSAGE: Final = 16_000_000
_WHOLE, _MORE, _LAST = b"0", b"+", b"."


class End(Protocol):
    """One end of a channel."""

    def send(self, message: bytes) -> bool:
        """Send without waiting. False: no room now, try again later.

        Raises OSError (often BrokenPipeError) where the other end is gone.
        """

    def receive(self, timeout_s: float) -> list[bytes] | None:
        """What has come, after waiting at most this long; None where the other end is gone."""

    def wake(self) -> None:
        """End a `receive` that is waiting in another thread."""

    def close(self) -> None: ...


class PacketEnd:
    """An end on a SOCK_SEQPACKET socket. Messages above 8 kB travel in parts."""

    def __init__(self, packets: socket.socket) -> None:
        packets.setblocking(False)
        self._socket = packets
        self._fd = packets.fileno()
        self._identity = _identity(self._fd)
        self._parts: list[bytes] = []
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)
        self._poll = select.poll()
        self._poll.register(self._fd, select.POLLIN)
        self._poll.register(self._wake_read, select.POLLIN)
        self._rest: deque[bytes] = deque()

    @staticmethod
    def pair() -> tuple[PacketEnd, socket.socket]:
        """Our end, and the other end's socket to hand to a process. OSError where there is none."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return PacketEnd(ours), theirs

    def send(self, message: bytes) -> bool:
        # The user's code may have closed every descriptor and opened its own under our number.
        if _identity(self._fd) != self._identity:
            raise BrokenPipeError("the channel's descriptor belongs to somebody else now")
        if self._rest and not self._flush():
            return False
        if len(message) < LARGEST_PACKET:
            return self._put(_WHOLE + message)
        size = LARGEST_PACKET - 1
        chunks = [message[at : at + size] for at in range(0, len(message), size)]
        self._rest.extend(_MORE + chunk for chunk in chunks[:-1])
        self._rest.append(_LAST + chunks[-1])
        self._flush()
        return True

    def _flush(self) -> bool:
        while self._rest:
            if not self._put(self._rest[0]):
                return False
            self._rest.popleft()
        return True

    def _put(self, packet: bytes) -> bool:
        try:
            self._socket.send(packet)
        except BlockingIOError:
            return False
        return True

    def receive(self, timeout_s: float) -> list[bytes] | None:
        if self._rest:
            self._flush()
            timeout_s = min(timeout_s, 0.01)
        ready = self._poll.poll(max(0.0, timeout_s) * 1e3)
        found: list[bytes] = []
        for fd, _ in ready:
            if fd == self._wake_read:
                with suppress(OSError):  # closed while we waited
                    os.read(fd, 4096)
                continue
            while True:
                try:
                    packet = self._socket.recv(LARGEST_PACKET + 1)
                except BlockingIOError:
                    break
                except OSError:
                    return found or None
                if not packet:
                    return found or None
                self._parts.append(packet[1:])
                if packet[:1] != _MORE:
                    found.append(b"".join(self._parts))
                    self._parts.clear()
        return found

    def wake(self) -> None:
        with suppress(OSError):  # full: it is being woken already; closed: nobody waits
            os.write(self._wake_write, b"!")

    def close(self) -> None:
        for fd in (self._wake_read, self._wake_write):
            _close(fd)
        if _identity(self._fd) == self._identity:
            self._socket.close()
        else:
            self._socket.detach()


class StreamEnd:
    """An end on two byte streams, for systems without SOCK_SEQPACKET.

    Pipes there cannot always be made non-blocking, so a thread on each side does the waiting.
    """

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._read_fd, self._write_fd = read_fd, write_fd
        self._changed = threading.Condition()
        self._incoming: deque[bytes] = deque()
        self._outgoing: deque[bytes] = deque()
        self._ended = False
        self._broken = False
        self._closed = False
        self._woken = False
        for work in (self._read_all, self._write_all):
            threading.Thread(target=work, name="nbcarbon-stream", daemon=True).start()

    def send(self, message: bytes) -> bool:
        with self._changed:
            if self._broken or self._closed:
                raise BrokenPipeError("the other end of the channel is gone")
            if len(self._outgoing) > 1000:
                return False
            self._outgoing.append(_LENGTH.pack(len(message)) + message)
            self._changed.notify_all()
        return True

    def receive(self, timeout_s: float) -> list[bytes] | None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._incoming or self._ended or self._woken, max(0.0, timeout_s)
            )
            self._woken = False
            if self._ended and not self._incoming:
                return None
            found = list(self._incoming)
            self._incoming.clear()
            return found

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _read_all(self) -> None:
        try:
            while True:
                (length,) = _LENGTH.unpack(self._read_exactly(_LENGTH.size))
                if length > _LARGEST_MESSAGE:
                    break
                message = self._read_exactly(length)
                with self._changed:
                    self._incoming.append(message)
                    self._changed.notify_all()
        except (OSError, EOFError):
            pass  # the other end is gone, which is what `_ended` says
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        _close(self._read_fd)

    def _read_exactly(self, length: int) -> bytes:
        whole = b""
        while len(whole) < length:
            part = os.read(self._read_fd, length - len(whole))
            if not part:
                raise EOFError
            whole += part
        return whole

    def _write_all(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._outgoing or self._closed)
                    if not self._outgoing:
                        break
                    message = self._outgoing.popleft()
                while message:
                    message = message[os.write(self._write_fd, message) :]
        except OSError:
            with self._changed:
                self._broken = True
        _close(self._write_fd)


class Outbox:
    """Numbered messages that are kept until the other side says it has recorded them.

    `post` never waits and never fails: what cannot be sent now is sent later, and to the next end
    after a `renew`. Past `limit` the oldest are given up, and `lost_count` says how many.
    """

    def __init__(self, *, limit: int = 10_000) -> None:
        self._lock = threading.Lock()
        self._end: End | None = None
        self._sent: deque[tuple[int, bytes]] = deque()
        self._unsent: deque[tuple[int, bytes]] = deque()
        self._limit = limit
        self.posted_count = 0
        self.lost_count = 0

    def post(self, body: dict[str, Any]) -> int:
        """Number a message, keep it, send it if there is room. Returns its number."""
        with self._lock:
            self.posted_count += 1
            self._unsent.append((self.posted_count, encode({"n": self.posted_count, "e": body})))
            if self.waiting_count > self._limit:
                (self._sent or self._unsent).popleft()
                self.lost_count += 1
            self._push()
            return self.posted_count

    def acknowledge(self, number: int) -> None:
        """Forget everything up to this number."""
        with self._lock:
            for kept in (self._sent, self._unsent):
                while kept and kept[0][0] <= number:
                    kept.popleft()
            self._push()

    def renew(self, end: End | None, *, first: Iterable[bytes] = ()) -> None:
        """Go on with a new end: `first`, then everything unacknowledged once more."""
        with self._lock:
            self._end = end
            self._unsent.extendleft(reversed(self._sent))
            self._sent.clear()
            try:
                if end is not None:
                    for message in first:
                        end.send(message)
            except OSError:
                self._end = None
            self._push()

    @property
    def waiting_count(self) -> int:
        """How many messages are not acknowledged yet."""
        return len(self._sent) + len(self._unsent)

    def _push(self) -> None:
        try:
            while self._unsent and self._end is not None and self._end.send(self._unsent[0][1]):
                self._sent.append(self._unsent.popleft())
        except OSError:
            self._end = None  # the watchdog will bring a new one

    def after_fork(self) -> None:
        """In a forked child: never touch the parent's channel, nor a lock nobody will release."""
        self._lock = threading.Lock()
        self._end = None
        self._sent.clear()
        self._unsent.clear()


def encode(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode("ascii")


def decode(message: bytes) -> dict[str, Any]:
    """A message as a dict. Raises ValueError where it is not one."""
    value = json.loads(message)
    if not isinstance(value, dict):
        raise ValueError("a message must be a JSON object")
    return value


def _identity(fd: int) -> tuple[int, int] | None:
    try:
        status = os.fstat(fd)
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def _close(fd: int) -> None:
    with suppress(OSError):  # closed by the user's code, or twice by ours: gone is what we want
        os.close(fd)
