"""The watchdog: a sampler that dies is replaced, one that keeps dying is given up, none is waited for."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from nbcarbon.channel import Outbox, PacketEnd, encode
from nbcarbon.meter import link as module
from nbcarbon.meter.clock import SystemClock
from nbcarbon.meter.link import Link

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator


class Handle:
    """A sampler that is only the far end of a channel."""

    def __init__(self) -> None:
        self.end, self.far = PacketEnd.pair()
        self.killed = False

    def say(self, body: dict[str, Any]) -> None:
        self.far.send(b"0" + encode(body))

    def die(self) -> None:
        self.far.close()

    def wait(self, timeout_s: float) -> bool:
        return self.far.fileno() < 0

    def kill(self) -> None:
        self.killed = True
        self.far.close()


@dataclass
class Bench:
    handles: list[Handle] = field(default_factory=list)
    received: list[dict[str, Any]] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    broken: bool = False
    told: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.outbox = Outbox()
        self.link = Link(
            start=self.start,
            outbox=self.outbox,
            hello=lambda acknowledged: [encode({"n": 0, "e": {"acknowledged": acknowledged}})],
            received=self.received.append,
            acknowledged=self.told.set,
            failed=self.reasons.append,
            clock=SystemClock(),
        )

    def start(self) -> Handle:
        if self.broken:
            raise OSError(11, "Resource temporarily unavailable")
        self.handles.append(Handle())
        return self.handles[-1]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(module, "BACK_OFF_S", (0.0, 0.0))
    made = Bench()
    yield made
    made.link.close(wait_s=0.2)


def soon(done: Any, timeout_s: float = 3.0) -> bool:
    deadline_s = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.002)
    return True


def heard(far: socket.socket) -> list[bytes]:
    far.settimeout(2.0)
    found = [far.recv(9000)]
    far.settimeout(0.05)
    try:
        while True:
            found.append(far.recv(9000))
    except TimeoutError:
        return found


def test_what_comes_is_handed_on_and_what_is_acknowledged_is_let_go(bench: Bench) -> None:
    bench.link.open()
    number = bench.outbox.post({"type": "x"})
    bench.handles[0].say({"r": 1, "e": {"type": "y"}})
    bench.handles[0].say({"a": number})
    assert bench.told.wait(3.0)
    assert bench.received == [{"r": 1, "e": {"type": "y"}}]
    assert bench.outbox.waiting_count == 0
    assert bench.link.ready.is_set()
    assert bench.link.stalled_s() is None


def test_a_dead_sampler_is_replaced_and_told_everything_again(bench: Bench) -> None:
    bench.link.open()
    first = bench.outbox.post({"type": "kept"})
    bench.handles[0].say({"a": first})
    assert bench.told.wait(3.0)
    bench.outbox.post({"type": "lost"})
    bench.handles[0].die()
    assert soon(lambda: len(bench.handles) == 2)
    said = b"".join(heard(bench.handles[1].far))
    assert b'"acknowledged":1' in said
    assert b'"lost"' in said
    assert b'"kept"' not in said


def test_one_that_keeps_dying_is_given_up_with_a_reason(bench: Bench) -> None:
    bench.link.open()
    for count in range(1, module.MOST_RESTARTS + 1):
        assert soon(lambda count=count: len(bench.handles) == count)  # type: ignore[misc]
        bench.handles[-1].die()
    assert soon(lambda: bool(bench.reasons))
    assert bench.reasons == ["paused: the sampler keeps failing"]
    assert len(bench.handles) == module.MOST_RESTARTS


def test_one_that_cannot_be_started_again_is_given_up(bench: Bench) -> None:
    bench.link.open()
    bench.broken = True
    bench.handles[0].die()
    assert soon(lambda: bool(bench.reasons))
    assert bench.reasons[0].startswith("paused: no sampler can be started")


def test_none_at_all_is_the_callers_to_handle(bench: Bench) -> None:
    bench.broken = True
    with pytest.raises(OSError, match="temporarily"):
        bench.link.open()


def test_garbage_from_a_dying_sampler_is_passed_over(bench: Bench) -> None:
    bench.link.open()
    bench.handles[0].far.send(b"0{half a mess")
    bench.handles[0].say({"r": 1, "e": {"type": "y"}})
    assert soon(lambda: len(bench.received) == 1)


def test_a_sampler_that_does_not_end_is_killed_at_the_end(bench: Bench) -> None:
    bench.link.open()
    began_s = time.monotonic()
    bench.link.close(wait_s=0.1)
    assert bench.handles[0].killed
    assert time.monotonic() - began_s < 1.5
    bench.link.close(wait_s=0.1)


def test_silence_while_something_waits_is_a_stall(bench: Bench) -> None:
    bench.link.open()
    bench.outbox.post({"type": "x"})
    bench.link._heard_s -= 10.0
    stalled_s = bench.link.stalled_s()
    assert stalled_s is not None
    assert stalled_s > 9
