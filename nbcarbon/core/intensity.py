"""How many grams of CO2e a kilowatt-hour of a zone's electricity stands for, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Basis(StrEnum):
    AVERAGE = "average"
    MARGINAL = "marginal"


class Scope(StrEnum):
    """Lifecycle counts building plants and bringing fuel; direct only what leaves the stack.

    The two differ by 20 to 30 times where a grid is hydro or nuclear. Never compare across them.
    """

    LIFECYCLE = "lifecycle"
    DIRECT = "direct"


class Accounting(StrEnum):
    CONSUMPTION = "consumption"
    GENERATION = "generation"


class Confidence(StrEnum):
    """How sure we are of the zone: `set` by the user, or found with this much certainty."""

    SET = "set"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Zone:
    """A grid area. `id` is None where it is unknown: a country is never guessed."""

    id: str | None
    name: str
    how: str
    confidence: Confidence
    alternates: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Intensity:
    """Carbon intensity with the ends of its 95 % interval, and everything needed to check it."""

    g_per_kwh: float
    low_g_per_kwh: float
    high_g_per_kwh: float
    basis: Basis
    scope: Scope
    accounting: Accounting
    source: str
    year: int
    fallback: bool = False
