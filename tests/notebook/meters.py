"""A meter that holds the session it is given, for whoever only looks at one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nbcarbon.core.session import Session

Seen = TypeVar("Seen")


class HeldMeter:
    def __init__(self, session: Session) -> None:
        self.session = session
        self.measuring = True
        self.problem = ""
        self.listeners: list[Callable[[dict[str, Any]], None]] = []

    def look(self, view: Callable[[Session], Seen]) -> Seen:
        return view(self.session)

    def subscribe(self, listener: Callable[[dict[str, Any]], None]) -> None:
        self.listeners.append(listener)

    def unsubscribe(self, listener: Callable[[dict[str, Any]], None]) -> None:
        self.listeners = [each for each in self.listeners if each != listener]


class Heard:
    """A sink that keeps what it is sent. `broken` makes it fail so many times."""

    def __init__(self, broken: int = 0) -> None:
        self.messages: list[dict[str, Any]] = []
        self.buffers: list[Sequence[bytes]] = []
        self.broken = broken

    def send(self, message: dict[str, Any], buffers: Sequence[bytes] = ()) -> None:
        if self.broken:
            self.broken -= 1
            raise OSError("gone")
        self.messages.append(message)
        self.buffers.append(buffers)

    @property
    def types(self) -> list[str]:
        return [each["type"] for each in self.messages]
