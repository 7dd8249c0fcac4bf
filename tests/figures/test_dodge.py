"""Dodge et al., Measuring the Carbon Intensity of AI in Cloud Instances, FAccT 2022, arXiv 2206.05229: Table 2
(GPUs, hours, measured kWh) and the emissions of two of its jobs in their cleanest and dirtiest regions.
"""

from __future__ import annotations

from statistics import mean, stdev

import pytest

from nbcarbon.core.scenario import USUAL_GPU
from tests.figures.priced import gpu_kwh, kg, tonnes

JOBS = {  # GPU, how many, hours, kWh measured
    "BERT fine-tuning": ("V100 SXM2", 4, 6, 3.1),
    "BERT language model": ("V100 SXM2", 8, 36, 37.3),
    "6B transformer, an eighth of it": ("A100 SXM4 40GB", 256, 192, 13_812.4),
    "DenseNet 121": ("P40", 1, 0.3, 0.02),
    "DenseNet 169": ("P40", 1, 0.3, 0.03),
    "DenseNet 201": ("P40", 1, 0.4, 0.04),
    "ViT tiny": ("V100 SXM2", 1, 19, 1.7),
    "ViT small": ("V100 SXM2", 1, 19, 2.2),
    "ViT base": ("V100 SXM2", 1, 21, 4.7),
    "ViT large": ("V100 SXM2", 4, 90, 93.3),
    "ViT huge": ("V100 SXM2", 4, 216, 237.6),
}


def measured_fractions() -> list[float]:
    """Of each job, the part of the rated power that its GPUs drew."""
    return [
        measured_kwh / gpu_kwh(name, count=count, hours=hours)
        for name, count, hours, measured_kwh in JOBS.values()
    ]


def test_jobs_draw_half_of_the_rated_power_on_average_and_none_all_of_it() -> None:
    found = measured_fractions()

    assert mean(found) == pytest.approx(USUAL_GPU.mean_fraction, abs=0.005)
    assert USUAL_GPU.low_fraction < min(found) < max(found) < 1


def test_the_range_of_a_twelfth_job_is_from_idle_to_full_load() -> None:
    found = measured_fractions()
    student = 2.228  # 95 %, ten degrees of freedom
    half_width = student * stdev(found) * (1 + 1 / len(found)) ** 0.5

    assert mean(found) - half_width < USUAL_GPU.low_fraction
    assert mean(found) + half_width > USUAL_GPU.high_fraction


def test_its_jobs_in_the_cleanest_and_the_dirtiest_region() -> None:
    assert kg(37.3, 200) == pytest.approx(7.46, abs=0.005)  # about 7 kg
    assert kg(37.3, 755) == pytest.approx(28.2, abs=0.05)  # about 26 kg
    assert tonnes(103_593, 200) == pytest.approx(21, abs=0.5)
    assert tonnes(103_593, 755) == pytest.approx(78, abs=0.5)
