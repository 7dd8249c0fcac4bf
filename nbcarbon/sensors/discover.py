"""Which of the sensors that were found count: each joule by one device, measured before modelled.

It looks at devices alone, never at which back end they came from, so a third party's sensor takes
its place by what it says of itself.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from nbcarbon.core.device import Kind, Provenance
from nbcarbon.core.energy import contained
from nbcarbon.core.humanize import percent
from nbcarbon.ports import Discovery

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nbcarbon.ports import Finding, Sensor, SensorBackend

CPU_KINDS = frozenset({Kind.CPU, Kind.SOC, Kind.MODULE, Kind.PLATFORM})
"""Kinds of device whose joules hold the CPU's."""

MEMORY_KINDS = frozenset({Kind.DRAM, Kind.MEMORY, Kind.SOC, Kind.MODULE, Kind.PLATFORM})
"""Kinds of device whose joules hold the memory's."""


def discover(
    backends: Sequence[SensorBackend], *, cpu_fallback: SensorBackend, memory: SensorBackend
) -> Discovery:
    """Every device once. The CPU is modelled only where none was found, the memory likewise.

    Of two devices with one id the first wins. Sensors that are not taken are closed. Raises
    nothing.
    """
    sensors: dict[str, Sensor] = {}
    findings: list[Finding] = []
    for backend in backends:
        found = backend.discover()
        _take(found.sensors, sensors)
        findings += found.findings
    if not _has(sensors.values(), CPU_KINDS):
        found = cpu_fallback.discover()
        _take(found.sensors, sensors)
        findings = [_with_estimate(each, found.sensors) for each in findings]
        findings += found.findings
    if not _has(sensors.values(), MEMORY_KINDS):
        found = memory.discover()
        ids = set(sensors)
        devices = {each.device.id: each.device for each in sensors.values()}
        for sensor in found.sensors:
            if contained(sensor.device, ids, devices):
                sensor.close()
            else:
                _take((sensor,), sensors)
        findings += found.findings
    return Discovery(tuple(sensors.values()), tuple(findings))


def _take(found: Iterable[Sensor], sensors: dict[str, Sensor]) -> None:
    for sensor in found:
        if sensor.device.id in sensors:
            sensor.close()
        else:
            sensors[sensor.device.id] = sensor


def _has(sensors: Iterable[Sensor], kinds: frozenset[Kind]) -> bool:
    return any(each.device.kind in kinds for each in sensors)


def _with_estimate(finding: Finding, instead: Sequence[Sensor]) -> Finding:
    """Say what is used in place of the CPU's counter, and how good it is."""
    models = [each.device for each in instead if each.device.provenance is Provenance.MODELLED]
    if finding.status == "ok" or not finding.text.startswith("CPU power:") or not models:
        return finding
    error = percent(models[0].error_fraction)
    return replace(finding, text=f"{finding.text} Using an estimate (±{error}).")
