"""Numbers as JSON can hold them: a reader must never meet NaN."""

from __future__ import annotations

from math import isfinite


def finite(value: float | None) -> float | None:
    """The value, or None where it is not a number that JSON can hold."""
    return value if value is not None and isfinite(value) else None
