"""Lannelongue, Grealey and Inouye, Green Algorithms: Quantifying the Carbon Footprint of Computation,
Advanced Science 8 (2021), equation 2, written down here once more and compared with ours.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.emissions import operational
from nbcarbon.core.scenario import USUAL_CPU, USUAL_GPU, Part, energy, load_of, memory, times
from nbcarbon.core.units import S_PER_H
from nbcarbon.deciding.place import of_your_own

POWERS = st.floats(0.5, 1500)
COUNTS = st.integers(0, 10_000)
USES = st.floats(0.01, 1.0)


@given(
    st.floats(0.01, 10_000), COUNTS, POWERS, USES, COUNTS, POWERS, USES, st.floats(0, 100_000),
    st.floats(1, 3), st.integers(1, 1000), st.floats(0.1, 1200),
)  # fmt: skip
def test_their_formula(
    hours: float, cores: int, core_w: float, core_use: float, gpus: int, gpu_w: float,
    gpu_use: float, memory_gb: float, pue: float, repeats: int, g_per_kwh: float,
) -> None:  # fmt: skip
    drawn_w = cores * core_w * core_use + gpus * gpu_w * gpu_use + memory_gb * 0.3725
    theirs_g = hours * drawn_w * pue * repeats * 0.001 * g_per_kwh

    parts = [
        Part("CPU", "cores", cores, *(core_w,) * 3, load_of(core_use, USUAL_CPU), ""),
        Part("GPU", "gpus", gpus, *(gpu_w,) * 3, load_of(gpu_use, USUAL_GPU), ""),
        memory(memory_gb),
    ]
    used = times(energy(parts, hours * S_PER_H), repeats)
    ours = operational(used, pue=pue, intensity=of_your_own(g_per_kwh))

    assert ours.emissions_g == pytest.approx(theirs_g, rel=1e-9, abs=1e-12)
    assert ours.low_g <= ours.emissions_g <= ours.high_g
