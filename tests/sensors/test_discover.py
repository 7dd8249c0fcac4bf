"""Each joule by one device: measured before modelled, the first of two with one name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.device import Kind, Provenance
from nbcarbon.core.energy import DeviceEnergy, total
from nbcarbon.core.power_model import CpuPower
from nbcarbon.ports import Discovery, Finding
from nbcarbon.sensors.discover import discover
from nbcarbon.sensors.memory import MemoryBackend
from nbcarbon.sensors.modelled import DEVICE_ID, ModelledCpuBackend
from nbcarbon.sensors.rapl import RaplBackend
from nbcarbon.testing import FakeClock, ScriptedBackend, ScriptedSensor, cpu_device
from tests.stand_in.linux import FakeLinux
from tests.stand_in.powercap import FakePowercap

if TYPE_CHECKING:
    from pathlib import Path

CLOCK = FakeClock()
SERVER = CpuPower("Server", 0.2, 1.2, 8, 0.5, True, "a test", "server model")
DESKTOP = CpuPower("Desktop", 1.0, 9.0, 8, 0.5, False, "a test", "TDP model")


def sensor(id: str, kind: Kind, **changes: object) -> ScriptedSensor:
    return ScriptedSensor(CLOCK, cpu_device(id=id, kind=kind, **changes))


def modelled(**changes: object) -> ScriptedSensor:
    return sensor("cpu", Kind.CPU, provenance=Provenance.MODELLED, error_fraction=0.5, **changes)


def compose(
    *found: ScriptedSensor,
    findings: tuple[Finding, ...] = (),
    cpu: ScriptedSensor | None = None,
    memory: ScriptedSensor | None = None,
) -> Discovery:
    return discover(
        [ScriptedBackend(found, findings)],
        cpu_fallback=ScriptedBackend((cpu or modelled(),)),
        memory=ScriptedBackend((memory or sensor("memory", Kind.MEMORY),)),
    )


def ids(discovery: Discovery) -> list[str]:
    return [each.device.id for each in discovery.sensors]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], ["cpu", "memory"]),
        ([("cpu:0", Kind.CPU)], ["cpu:0", "memory"]),
        ([("cpu:0", Kind.CPU), ("cpu:1", Kind.CPU)], ["cpu:0", "cpu:1", "memory"]),
        ([("cpu:0", Kind.CPU), ("dram:0", Kind.DRAM)], ["cpu:0", "dram:0"]),
        ([("psys", Kind.PLATFORM)], ["psys"]),
        ([("soc", Kind.SOC)], ["soc"]),
        ([("gpu:0", Kind.GPU)], ["gpu:0", "cpu", "memory"]),
    ],
)
def test_cpu_and_memory_once_each(found: list[tuple[str, Kind]], expected: list[str]) -> None:
    assert ids(compose(*(sensor(*each) for each in found))) == expected


def test_of_two_with_one_name_the_first_wins_and_the_other_is_closed() -> None:
    first, second = sensor("cpu:0", Kind.CPU), sensor("cpu:0", Kind.CPU)
    discovery = compose(first, second)

    assert discovery.sensors[0] is first
    assert second.closed
    assert not first.closed


def test_memory_within_a_whole_server_is_left_out() -> None:
    memory = sensor("memory", Kind.MEMORY, within="cpu")

    assert ids(compose(memory=memory)) == ["cpu"]
    assert memory.closed


def test_memory_counts_beside_a_package_until_a_server_model_takes_its_place() -> None:
    memory = sensor("memory", Kind.MEMORY, within="cpu")
    discovery = compose(sensor("cpu:0", Kind.CPU), memory=memory)
    assert ids(discovery) == ["cpu:0", "memory"]

    devices = {each.device.id: each.device for each in (*discovery.sensors, modelled())}
    beside = [DeviceEnergy(each, 10.0, 9.0, 11.0, 1.0) for each in ("cpu:0", "memory")]
    instead = [DeviceEnergy(each, 10.0, 9.0, 11.0, 1.0) for each in ("cpu", "memory")]
    assert total(beside, devices).energy_j == 20.0
    assert total(instead, devices).energy_j == 10.0


def test_what_failed_says_how_good_the_estimate_is() -> None:
    denied = Finding("rapl", "denied", "CPU power: not readable.", "Ask.", notify=True)
    other = Finding("nvml", "absent", "GPU: none.")
    changed, same = compose(findings=(denied, other)).findings

    assert changed.text == "CPU power: not readable. Using an estimate (±50\u00a0%)."
    assert (changed.hint, changed.notify, changed.status) == ("Ask.", True, "denied")
    assert same == other


def test_nothing_is_estimated_where_nothing_can_be() -> None:
    denied = Finding("rapl", "denied", "CPU power: not readable.")
    broken = Finding("modelled", "broken", "CPU power: not even CPU time.")
    discovery = discover(
        [ScriptedBackend((), (denied,))],
        cpu_fallback=ScriptedBackend((), (broken,)),
        memory=ScriptedBackend(()),
    )

    assert discovery == Discovery((), (denied, broken))


@pytest.mark.parametrize(
    ("cpu", "tree", "expected"),
    [
        (SERVER, FakePowercap.virtual_machine, ["cpu"]),
        (DESKTOP, FakePowercap.virtual_machine, ["cpu", "memory"]),
        (SERVER, FakePowercap.epyc, ["cpu:0", "memory"]),
        (SERVER, FakePowercap.xeon, ["cpu:0", "dram:0", "cpu:1", "dram:1"]),
        (DESKTOP, FakePowercap.laptop, ["cpu:0", "memory"]),
        (SERVER, FakePowercap.mirrored_dies, ["cpu:0-die-0", "memory"]),
    ],
)
def test_real_machines(tmp_path: Path, cpu: CpuPower, tree: object, expected: list[str]) -> None:
    tree(tmp_path / "powercap")  # type: ignore[operator]
    linux = FakeLinux(tmp_path)
    discovery = discover(
        [RaplBackend(tmp_path / "powercap", CLOCK)],
        cpu_fallback=ModelledCpuBackend(cpu, CLOCK, proc=linux.proc),
        memory=MemoryBackend(
            CLOCK, within=DEVICE_ID if cpu.whole_server else None, proc=linux.proc
        ),
    )
    found = ids(discovery)
    for each in discovery.sensors:
        each.close()

    assert found == expected
