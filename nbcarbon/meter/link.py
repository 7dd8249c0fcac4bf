"""Keeps a sampler there: listens to it, notices when it is gone, starts another, sends again.

One daemon thread, asleep nearly always. Nothing joins it: a kernel must be able to exit at any
moment, whatever state the sampler is in.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final, Protocol

from nbcarbon.channel import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from nbcarbon.channel import End, Outbox
    from nbcarbon.ports import Clock

BACK_OFF_S: Final = (0.25, 1.0, 5.0, 30.0)
MOST_RESTARTS: Final = 5
RESTART_SPAN_S: Final = 600.0
STALLED_S: Final = 3.0


class SamplerHandle(Protocol):
    """A sampler somebody started: a process, or the thread that stands in for one."""

    @property
    def end(self) -> End: ...
    def wait(self, timeout_s: float) -> bool: ...
    def kill(self) -> None: ...


class Link:
    """The kernel's connection to whichever sampler is serving the session now."""

    def __init__(
        self,
        *,
        start: Callable[[], SamplerHandle],
        outbox: Outbox,
        hello: Callable[[int], Iterable[bytes]],
        received: Callable[[dict[str, Any]], None],
        acknowledged: Callable[[], None],
        failed: Callable[[str], None],
        clock: Clock,
    ) -> None:
        self._start = start
        self._outbox = outbox
        self._hello = hello
        self._received = received
        self._told = acknowledged
        self._failed = failed
        self._clock = clock
        self._handle: SamplerHandle | None = None
        self._starts_s: deque[float] = deque(maxlen=MOST_RESTARTS)
        self._closing = threading.Event()
        self._heard_s = clock.monotonic_s()
        self._acknowledged = 0
        self.ready = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="nbcarbon-link", daemon=True)

    def open(self) -> None:
        """Start the first sampler and listen. Raises OSError where no sampler can be started."""
        self._connect()
        self._thread.start()

    @property
    def handle(self) -> SamplerHandle | None:
        return self._handle

    def stalled_s(self) -> float | None:
        """Seconds without a sign of life although one is due, None if all is well."""
        silent_s = self._clock.monotonic_s() - self._heard_s
        return silent_s if self._outbox.waiting_count and silent_s > STALLED_S else None

    def _connect(self) -> None:
        handle = self._start()
        self._handle = handle
        self._starts_s.append(self._clock.monotonic_s())
        self._outbox.renew(handle.end, first=self._hello(self._acknowledged))

    def _listen(self) -> None:
        while not self._closing.is_set():
            handle = self._handle
            if handle is None:
                if not self._restart():
                    return
                continue
            messages = handle.end.receive(60.0)
            if messages is None:
                self._lose()
                continue
            for message in messages:
                self._take(message)

    def _take(self, message: bytes) -> None:
        try:
            body = decode(message)
        except ValueError:
            return  # half a message of a dying sampler
        self._heard_s = self._clock.monotonic_s()
        if "a" in body:
            self._acknowledged = int(body["a"])
            self._outbox.acknowledge(self._acknowledged)
            self.ready.set()
            self._told()
        else:
            self._received(body)

    def _lose(self) -> None:
        handle, self._handle = self._handle, None
        self._outbox.renew(None)
        if handle is not None and not self._closing.is_set():
            handle.end.close()
            handle.wait(0.2)

    def _restart(self) -> bool:
        """Start another sampler after a pause. False: given up, or closing."""
        now_s = self._clock.monotonic_s()
        recent = [each for each in self._starts_s if now_s - each < RESTART_SPAN_S]
        if len(recent) >= MOST_RESTARTS:
            self._failed("paused: the sampler keeps failing")
            return False
        if self._closing.wait(BACK_OFF_S[min(max(len(recent) - 1, 0), len(BACK_OFF_S) - 1)]):
            return False
        try:
            self._connect()
        except OSError as error:
            self._starts_s.append(now_s)
            if len(recent) + 1 >= MOST_RESTARTS:
                self._failed(f"paused: no sampler can be started ({error.strerror})")
                return False
        return True

    def close(self, *, wait_s: float) -> None:
        """End the session's sampler. Waits at most `wait_s`, then it is killed or left to die."""
        self._closing.set()
        handle, self._handle = self._handle, None
        if handle is None:
            return
        ended = handle.wait(wait_s) if wait_s > 0 else False
        handle.end.wake()
        if self._thread.is_alive() and wait_s > 0:
            self._thread.join(0.5)
        if not self._thread.is_alive():
            handle.end.close()  # else it is still reading: the descriptors go with the process
        if wait_s > 0 and not ended and not handle.wait(0.3):
            handle.kill()
