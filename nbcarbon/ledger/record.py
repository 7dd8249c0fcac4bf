"""One record of a ledger: a checksum, a space, one JSON object in ASCII, with its line end before it.

The line end comes first so that a record torn by a crash never swallows the one after it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from nbcarbon.core.events import from_json, to_json

if TYPE_CHECKING:
    from nbcarbon.core.events import Event

VERSION: Final = 1
LONGEST: Final = 16_000_000


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its number in this file and, where the kernel sent it, its number there."""

    number: int
    event: Event
    kernel_number: int | None = None
    version: int = VERSION


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
    checksum, _, text = line.partition(b" ")
    if len(checksum) != 8 or len(line) > LONGEST:
        return None
    try:
        if int(checksum, 16) != crc32(text):
            return None
        body = json.loads(text)
        kernel_number = body.get("k")
        return Record(
            int(body["n"]),
            from_json(body["e"]),
            None if kernel_number is None else int(kernel_number),
            int(body["v"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
