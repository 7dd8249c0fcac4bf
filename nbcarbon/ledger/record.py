"""One record of a ledger: a checksum, a space, one JSON object in ASCII, with its line end before it.

The line end comes first so that a record torn by a crash never swallows the one after it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from nbcarbon.core.events import CellsKept, Folded, from_json, to_json

if TYPE_CHECKING:
    from nbcarbon.core.events import Event

VERSION: Final = 2
"""The latest version of a record that is understood. Only a compacted ledger has records of version 2."""

LONGEST: Final = 16_000_000
_CHECKSUM: Final = 8


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its number in this file and, where the kernel sent it, its number there."""

    number: int
    event: Event
    kernel_number: int | None = None
    version: int = 0

    def __post_init__(self) -> None:
        if not self.version:  # the first one that knows such events: leaving them out loses joules
            packed = isinstance(self.event, (CellsKept, Folded))
            object.__setattr__(self, "version", 2 if packed else 1)


def encode(record: Record, *, monotonic_s: float, boottime_s: float, wall: str) -> bytes:
    """A record's bytes. The three clocks let a reader see suspends and steps of the wall clock."""
    body: dict[str, Any] = {
        "v": record.version,
        "n": record.number,
        "m": round(monotonic_s, 6),
        "b": round(boottime_s, 6),
        "w": wall,
        "e": to_json(record.event),
    }
    if record.kernel_number is not None:
        body["k"] = record.kernel_number
    text = json.dumps(body, separators=(",", ":"), allow_nan=False).encode("ascii")
    return b"\n%08x %b" % (crc32(text), text)


def decode(line: bytes) -> Record | None:
    """The record in a line, None where the line is damaged."""
    if not is_whole(line):
        return None
    try:
        body = json.loads(line[_CHECKSUM + 1 :])
        kernel_number = body.get("k")
        return Record(
            int(body["n"]),
            from_json(body["e"]),
            None if kernel_number is None else int(kernel_number),
            int(body["v"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def is_whole(line: bytes) -> bool:
    """Whether a line is a record as it was written, by its checksum."""
    if len(line) > LONGEST or line[_CHECKSUM : _CHECKSUM + 1] != b" ":
        return False
    try:
        return int(line[:_CHECKSUM], 16) == crc32(memoryview(line)[_CHECKSUM + 1 :])
    except ValueError:
        return False
