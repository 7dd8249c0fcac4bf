"""Where an interval comes from, in lines, biggest part first."""

from __future__ import annotations

from dataclasses import replace

from nbcarbon.core.attribution import Rule
from nbcarbon.core.explain import explain, reasons
from nbcarbon.core.humanize import plain
from nbcarbon.core.intensity import Confidence
from nbcarbon.core.uncertainty import AVERAGING, MODEL, REFRESH, SENSOR, STEPS, UNSEEN, ErrorPart
from tests import samples


def reasoned(part: object, *parts: tuple[str, float]) -> object:
    return replace(part, parts=tuple(ErrorPart(*each) for each in parts))  # type: ignore[type-var]


def facts() -> object:
    return samples.report(
        "train",
        12.3,
        reasoned(
            samples.part(samples.CPU, 0.1, 0.09, 0.11, own=0.5), (SENSOR, 18.0), (REFRESH, 2.0)
        ),
        reasoned(samples.part(samples.GPU, 0.2, 0.1, 0.3), (STEPS, 300.0), (SENSOR, 36.0)),
        reasoned(samples.part(samples.DRAM, 0.01, 0.009, 0.011), (SENSOR, 900.0)),
        reasoned(samples.part(samples.MEMORY, 0.05, 0.04, 0.06), (MODEL, 90.0), (UNSEEN, 1.0)),
    )


def test_reasons_of_all_counted_devices_biggest_first() -> None:
    found = reasons(facts(), samples.DEVICES)  # type: ignore[arg-type]
    assert [each.half_width_j for each in found] == [300.0, 90.0, 36.0, 18.0, 2.0, 1.0]
    assert found[0].device == "GPU 0 A100"


def test_a_share_has_its_share_of_the_reasons() -> None:
    found = reasons(facts(), samples.DEVICES, rule=Rule.SHARE)  # type: ignore[arg-type]
    assert [each.half_width_j for each in found if each.device == "CPU package 0"] == [9.0, 1.0]


def test_a_run_is_explained_in_lines() -> None:
    report = facts()
    lines = explain(samples.priced(report), report, samples.DEVICES)  # type: ignore[arg-type]
    assert [plain(line) for line in lines] == [
        "energy 0.35 Wh, 95 % within 0.25 Wh to 0.45 Wh",
        "  ± 83.3 mWh  GPU 0 A100: power that changed between two readings",
        "  ± 25 mWh  memory 64 GB: it is modelled (W per GB, ± 30 %)",
        "  ± 10 mWh  GPU 0 A100: accuracy of its sensor (energy counter, ± 5 %)",
        "  ± 5 mWh  CPU package 0: accuracy of its sensor (RAPL, ± 5 %)",
        "  ± 0.56 mWh  CPU package 0: when its counter was last updated, at both ends",
        "  ± 0.28 mWh  memory 64 GB: time that nobody observed (upwards only)",
        *[plain(line) for line in lines[7:]],
    ]
    assert [plain(line) for line in lines[8:]] == [
        "  ± 29 %  energy: as above",
        "  ± 12 %  grid: 27.4 to 35.1 g/kWh (Electricity Maps, 2025)",
        "  zone: France, likely (time zone)",
        "in none of this: power supply, fans, board and disks",
    ]


def test_what_a_plus_minus_cannot_say() -> None:
    average = replace(samples.GPU, power_window_s=1.0)
    devices = {**samples.DEVICES, average.id: average}
    report = samples.report(
        "blink",
        0.1,
        reasoned(
            samples.part(average, 0.2, 0.0, 0.3, below=True), (AVERAGING, 9.0), ("of later", 1.0)
        ),
        samples.part(samples.CPU, 0.0, 0.0, 0.0, coverage=0.0),
    )
    lines = [plain(line) for line in explain(samples.priced(report), report, devices)]
    assert "  ± 2.5 mWh  GPU 0 A100: its sensor shows the mean of the last 1 s" in lines
    assert "  ± 0.28 mWh  GPU 0 A100: of later" in lines
    assert "  GPU 0 A100: the run is shorter than its sensor can tell, so its low end is 0" in lines
    assert "  CPU package 0: nothing was read, so nothing of it is counted" in lines


def test_an_old_ledger_has_no_reasons_and_nothing_used_needs_none() -> None:
    old = samples.report("old", 1.0, samples.part(samples.CPU, 0.1, 0.09, 0.11))
    lines = explain(samples.priced(old), old, samples.DEVICES)
    assert "  where it comes from was not recorded" in lines
    none = samples.report("none", 1.0, samples.part(samples.CPU, 0.0, 0.0, 0.0))
    free = replace(samples.FRENCH, g_per_kwh=0.0, low_g_per_kwh=0.0, high_g_per_kwh=0.0)
    text = "\n".join(explain(samples.priced(none, intensity=free), none, samples.DEVICES))
    assert "not recorded" not in text
    assert "as above" not in text
    chosen = replace(samples.FRANCE, confidence=Confidence.SET)
    text = "\n".join(explain(samples.priced(old, zone=chosen), old, samples.DEVICES))
    assert "zone: France, set by you\n" in text
