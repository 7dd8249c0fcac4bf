"""Messages arrive whole and in order, nobody waits, and what was not acknowledged comes again."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

import pytest

from nbcarbon.channel import LARGEST_PACKET, End, Outbox, PacketEnd, StreamEnd, decode, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def packets() -> tuple[End, End]:
    ours, theirs = PacketEnd.pair()
    return ours, PacketEnd(theirs)


def streams() -> tuple[End, End]:
    first_read, first_write = os.pipe()
    second_read, second_write = os.pipe()
    return StreamEnd(first_read, second_write), StreamEnd(second_read, first_write)


@pytest.fixture(params=[packets, streams])
def ends(request: pytest.FixtureRequest) -> Iterator[tuple[End, End]]:
    build: Callable[[], tuple[End, End]] = request.param
    ours, theirs = build()
    yield ours, theirs
    ours.close()
    theirs.close()


def receive(end: End, count: int) -> list[bytes]:
    found: list[bytes] = []
    while len(found) < count:
        more = end.receive(5.0)
        assert more, "the other end is gone, or nothing came"
        found += more
    return found


@pytest.mark.parametrize("size", [0, 1, LARGEST_PACKET - 1, LARGEST_PACKET, 100_000])
def test_a_message_arrives_whole(ends: tuple[End, End], size: int) -> None:
    ours, theirs = ends
    message = os.urandom(size)

    assert ours.send(message)
    assert ours.send(b"next")
    assert receive(theirs, 2) == [message, b"next"]


def test_nothing_to_receive_returns_in_time(ends: tuple[End, End]) -> None:
    assert ends[0].receive(0.01) == []


def test_a_waiting_end_can_be_woken(ends: tuple[End, End]) -> None:
    ends[0].wake()

    assert ends[0].receive(30.0) == []


def test_a_closed_end_is_noticed(ends: tuple[End, End]) -> None:
    ours, theirs = ends
    theirs.close()

    assert ours.receive(5.0) is None


def test_a_full_channel_never_waits() -> None:
    ours, theirs = packets()
    sent = 0
    while ours.send(b"x" * 4000):
        sent += 1
        assert sent < 100_000
    assert len(receive(theirs, sent)) == sent
    assert ours.send(b"again")
    ours.close()
    theirs.close()


def test_a_stolen_descriptor_is_never_written_to() -> None:
    ours, theirs = packets()
    fd = ours._fd  # type: ignore[attr-defined]
    stolen, other = socket.socketpair()
    os.dup2(stolen.fileno(), fd)

    with pytest.raises(BrokenPipeError):
        ours.send(b"secret")
    other.setblocking(False)
    with pytest.raises(BlockingIOError):
        other.recv(10)
    ours.close()  # lets go of the number without closing what is somebody else's now
    os.fstat(fd)
    os.close(fd)
    for each in (stolen, other):
        each.close()
    theirs.close()


class ScriptedEnd:
    """An end with room for a given number of messages, which then breaks or fills up."""

    def __init__(self, room: int = 1000, *, broken: bool = False) -> None:
        self.sent: list[bytes] = []
        self.room = room
        self.broken = broken

    def send(self, message: bytes) -> bool:
        if self.broken:
            raise BrokenPipeError
        if len(self.sent) >= self.room:
            return False
        self.sent.append(message)
        return True

    def numbers(self) -> list[int]:
        return [decode(message)["n"] for message in self.sent]

    def receive(self, timeout_s: float) -> list[bytes] | None:
        return []

    def wake(self) -> None: ...
    def close(self) -> None: ...


def test_unacknowledged_messages_are_sent_again_in_order() -> None:
    outbox, first, second = Outbox(), ScriptedEnd(), ScriptedEnd()
    outbox.renew(first)
    for _ in range(4):
        outbox.post({})
    outbox.acknowledge(2)
    outbox.renew(second, first=[encode({"n": 0})])
    outbox.post({})

    assert first.numbers() == [1, 2, 3, 4]
    assert second.numbers() == [0, 3, 4, 5]


def test_a_full_end_gets_the_rest_later() -> None:
    outbox, end = Outbox(), ScriptedEnd(room=1)
    outbox.renew(end)
    outbox.post({})
    outbox.post({})
    assert end.numbers() == [1]
    end.room = 10
    outbox.acknowledge(1)
    assert end.numbers() == [1, 2]


def test_posting_without_or_with_a_broken_end_loses_nothing() -> None:
    outbox = Outbox()
    outbox.post({})
    outbox.renew(ScriptedEnd(broken=True), first=[b"hello"])
    outbox.post({})
    end = ScriptedEnd()
    outbox.renew(end)

    assert end.numbers() == [1, 2]
    assert outbox.waiting_count == 2


def test_memory_is_bounded_and_the_loss_is_counted() -> None:
    outbox = Outbox(limit=3)
    for _ in range(5):
        outbox.post({})

    assert outbox.waiting_count == 3
    assert outbox.lost_count == 2


def test_a_forked_child_forgets_everything() -> None:
    outbox, end = Outbox(), ScriptedEnd()
    outbox.renew(end)
    outbox.post({})
    outbox.after_fork()
    outbox.post({})

    assert end.numbers() == [1]


@pytest.mark.parametrize("message", [b"", b"[]", b"\xff", b"{"])
def test_what_is_no_message_is_refused(message: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (json's own words differ for each)
        decode(message)


def test_numbers_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"x": float("nan")})
