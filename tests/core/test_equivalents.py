from __future__ import annotations

import pytest

from nbcarbon.core.equivalents import PHONE_CHARGE_J, equivalent


@pytest.mark.parametrize(
    ("charges", "words"),
    [
        (0.0, ""),
        (0.001, "about 6.8 s of a 10 W lamp"),
        (0.02, "about 2 min 20 s of a 10 W lamp"),
        (0.06, "about a twentieth of a phone charge"),
        (0.1, "about a tenth of a phone charge"),
        (0.33, "about a third of a phone charge"),
        (0.65, "about two thirds of a phone charge"),
        (0.8, "about three quarters of a phone charge"),
        (1.0, "about one phone charge"),
        (2.34, "about 2.3 phone charges"),
        (1234.0, "about 1 200 phone charges"),
    ],
)
def test_energy_in_words(charges: float, words: str) -> None:
    assert (
        equivalent(charges * PHONE_CHARGE_J).replace("\u00a0", " ").replace("\u202f", " ") == words
    )
