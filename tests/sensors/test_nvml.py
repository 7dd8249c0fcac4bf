"""NVIDIA GPUs through the real binding and a stand-in driver: every fault by name, never a 0 J GPU."""

from __future__ import annotations

import _ctypes
import ctypes
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pynvml
import pytest

from nbcarbon.core.device import Kind, Provenance
from nbcarbon.core.energy import energy
from nbcarbon.core.trace import CounterReading, PowerReading, Trace, Window
from nbcarbon.errors import (
    SensorDenied,
    SensorError,
    SensorLost,
    SensorReadError,
    SensorUnsupported,
)
from nbcarbon.meter.clock import SystemClock
from nbcarbon.sensors.nvml import NOT_SUPPORTED, NvmlBackend
from tests.stand_in.nvml import LIBRARY, VARIABLE, FakeGpu, Process, StandIn

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from nbcarbon.ports import Discovery, Finding, Sensor

ONE = FakeGpu()
TWO = FakeGpu(uuid="GPU-22222222-0000-0000-0000-000000000000", power=((0.0, 60.0),))
THREE = FakeGpu(uuid="GPU-22333333-0000-0000-0000-000000000000")
SLICED = "power is not reported for MIG/vGPU slices; not counted."
UNUSABLE = "GPU: the NVIDIA driver cannot be used"
OURS, THEIRS = 101, 102
"""Two processes of the stand-in's machine."""


class Bench:
    """A stand-in driver, the back end over it, and all that it opened."""

    def __init__(self, driver: StandIn, root: Path, library: ctypes.CDLL) -> None:
        self.driver = driver
        self.environ: dict[str, str] = {}
        self.pci = root / "pci"
        self.proc = root / "proc"
        self.clock = SystemClock()
        self.backend = NvmlBackend(self.clock, self.environ, pci=self.pci, proc=self.proc)
        self._library = library
        self._ever = self._counted("standInInitialisedEver")

    def write(self, *gpus: FakeGpu, init_error: int = 0) -> None:
        self.driver.write(*gpus, init_error=init_error)

    def discover(self, *gpus: FakeGpu, init_error: int = 0) -> Discovery:
        self.write(*gpus, init_error=init_error)
        return self.backend.discover()

    def sensor(self, gpu: FakeGpu = ONE) -> Sensor:
        (sensor,) = self.discover(gpu).sensors
        return sensor

    def visible(self, value: str | None, *gpus: FakeGpu) -> list[str]:
        """The ids of what is found under CUDA_VISIBLE_DEVICES."""
        self.environ.pop("CUDA_VISIBLE_DEVICES", None)
        if value is not None:
            self.environ["CUDA_VISIBLE_DEVICES"] = value
        return [each.device.id for each in self.discover(*gpus).sensors]

    def add_pci(self, vendor: str = "0x10de", kind: str = "0x030200") -> None:
        folder = self.pci / "0000:01:00.0"
        folder.mkdir(parents=True)
        (folder / "vendor").write_text(f"{vendor}\n")
        (folder / "class").write_text(f"{kind}\n")

    def run(self, *pids: int) -> None:
        for pid in pids:
            (self.proc / str(pid)).mkdir(parents=True)

    def initialised(self) -> int:
        """How many sessions with the driver are open."""
        return self._counted("standInInitialised")

    def initialised_ever(self) -> int:
        return self._counted("standInInitialisedEver") - self._ever

    def _counted(self, name: str) -> int:
        return int(getattr(self._library, name)())


def forget_library() -> None:
    """Have the binding look for the driver's library anew, as in a fresh process."""
    binding: Any = pynvml
    loaded, binding.nvmlLib = binding.nvmlLib, None
    binding._nvmlGetFunctionPointer_cache.clear()
    if loaded is not None:
        _ctypes.dlclose(loaded._handle)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StandIn, ctypes.CDLL]]:
    """The stand-in, loaded under the name by which the binding asks for the driver's library."""
    driver = StandIn(tmp_path_factory.mktemp("nvml"))
    library = ctypes.CDLL(str(driver.folder / LIBRARY))
    forget_library()
    yield driver, library
    forget_library()
    _ctypes.dlclose(library._handle)


@pytest.fixture
def bench(
    home: Path,
    tmp_path: Path,
    loaded: tuple[StandIn, ctypes.CDLL],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    driver, library = loaded
    monkeypatch.setenv(VARIABLE, str(driver.control))
    bench = Bench(driver, tmp_path, library)
    yield bench
    bench.write(init_error=9)
    bench.backend.discover()
    assert bench.initialised() == 0


def only(discovery: Discovery) -> Finding:
    """The one finding of a discovery without sensors."""
    assert discovery.sensors == ()
    (finding,) = discovery.findings
    return finding


# What a GPU is


def test_a_gpu_with_a_counter_counts_joules(bench: Bench) -> None:
    discovery = bench.discover(ONE)

    (sensor,) = discovery.sensors
    device = sensor.device
    assert discovery.findings == ()
    assert device.id == "gpu:GPU-11111111-0000-0000-0000-000000000000"
    assert device.name == "GPU 0 NVIDIA Stand-in 80GB"
    assert (device.kind, device.provenance) == (Kind.GPU, Provenance.MEASURED)
    assert (device.method, device.error_fraction) == ("NVML energy counter", 0.05)
    assert device.max_power_w == pytest.approx(450.0)
    assert device.resolution_s == 0.1
    assert isinstance(sensor.read(), CounterReading)


@pytest.mark.parametrize("code", [3, 13], ids=["GPU too old", "driver too old"])
def test_a_gpu_without_a_counter_is_sampled_and_says_so(bench: Bench, code: int) -> None:
    discovery = bench.discover(replace(ONE, energy_error=code, power=((0.0, 123.5),)))

    (sensor,) = discovery.sensors
    (finding,) = discovery.findings
    reading = sensor.read()
    assert isinstance(reading, PowerReading)
    assert reading.power_w == pytest.approx(123.5)
    assert (sensor.device.method, sensor.device.error_fraction) == ("NVML power samples", 0.05)
    assert finding.notify
    assert finding.text == (
        "GPU 0: no energy counter; integrating power samples (error larger for short cells)."
    )


@pytest.mark.parametrize("gpu", [replace(ONE, limit_error=3), replace(ONE, limit_w=0.0)])
def test_a_gpu_that_tells_no_limit_may_draw_2_kw(bench: Bench, gpu: FakeGpu) -> None:
    assert bench.sensor(gpu).device.max_power_w == 2000.0


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<img src=x onerror=alert(1)>", "GPU 0 <img src=x onerror=alert(1)>"),
        ("H\udcff100\x1b[31m", "GPU 0 H\ufffd100[31m"),
        ("", "GPU 0"),
    ],
)
def test_a_name_may_be_anything(bench: Bench, name: str, shown: str) -> None:
    # What it may do in HTML is for the sink to see to.
    assert bench.sensor(replace(ONE, name=name)).device.name == shown


# Figures


def test_joules_between_two_readings_are_the_true_ones(bench: Bench) -> None:
    refresh_s = 0.02
    started_s = time.monotonic()
    steps = ((0.0, 80.0), (0.03, 250.0), (0.06, 120.0))
    sensor = bench.sensor(replace(ONE, power=steps, start_s=started_s, refresh_ms=20.0))

    first = sensor.read()
    time.sleep(0.08)
    last = sensor.read()

    assert isinstance(first, CounterReading)
    assert isinstance(last, CounterReading)
    true_j = bench.driver.true_energy_j(0, first.instant_s, last.instant_s)
    # Either end may be one refresh old, and a busy machine may stamp it a little late.
    assert last.energy_j - first.energy_j == pytest.approx(true_j, abs=250.0 * (refresh_s + 0.005))
    assert true_j > 250.0 * 0.03


def test_the_counter_stands_still_between_refreshes(bench: Bench) -> None:
    sensor = bench.sensor(replace(ONE, refresh_ms=3_600_000.0, base_j=7.0))

    assert len({sensor.read().energy_j for _ in range(3)}) == 1  # type: ignore[union-attr]


def test_a_reading_is_stamped_when_the_driver_has_answered(bench: Bench) -> None:
    sensor = bench.sensor()
    bench.write(replace(ONE, latency_ms=20.0))

    asked_s = time.monotonic()
    reading = sensor.read()

    assert asked_s + 0.02 <= reading.instant_s <= time.monotonic()


def test_a_counter_that_begins_again_is_a_gap_and_no_energy(bench: Bench) -> None:
    sensor = bench.sensor(replace(ONE, base_j=1e6))
    trace = Trace(sensor.device)
    trace.add(sensor.read())
    first_s = time.monotonic()
    bench.write(replace(ONE, base_j=1e6, reset_s=first_s))
    for _ in range(3):
        trace.add(sensor.read())

    used_j = energy(trace, Window(0.0, time.monotonic())).energy_j

    assert used_j is not None
    assert 0.0 <= used_j <= sensor.device.max_power_w * (time.monotonic() - first_s)
    assert trace.refused_count >= 1


@pytest.mark.parametrize("garbage_mj", [2**64 - 1, 0])
def test_a_senseless_counter_is_a_gap_and_no_energy(bench: Bench, garbage_mj: int) -> None:
    steady = replace(ONE, power=((0.0, 0.0),), base_j=500.0)
    sensor = bench.sensor(steady)
    trace = Trace(sensor.device)
    trace.add(sensor.read())
    bench.write(replace(steady, energy_mj=garbage_mj))
    trace.add(sensor.read())
    bench.write(steady)
    trace.add(sensor.read())

    assert trace.refused_count == 1
    assert energy(trace, Window(0.0, time.monotonic())).energy_j == pytest.approx(0.0)


def test_four_megawatts_are_a_gap(bench: Bench) -> None:
    sampled = replace(ONE, energy_error=3)
    sensor = bench.sensor(sampled)
    bench.write(replace(sampled, power_mw=4_000_000_000))

    with pytest.raises(SensorReadError, match=r"GPU 0: it reports 4000000 W") as raised:
        sensor.read()
    assert raised.value.hint


# No driver


def test_no_library_and_no_gpu_is_not_worth_a_word(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_library(monkeypatch)

    finding = only(bench.backend.discover())

    assert (finding.status, finding.notify) == ("absent", False)
    assert finding.text == "GPU: no NVIDIA GPU found."


def test_no_library_though_there_is_a_gpu(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    lose_library(monkeypatch)
    bench.add_pci()

    finding = only(bench.backend.discover())

    assert finding.text == "GPU: no NVIDIA driver library found — no GPU energy is counted."
    assert finding.notify
    assert finding.hint


@pytest.mark.parametrize(("vendor", "kind"), [("0x8086", "0x030000"), ("0x10de", "0x040300")])
def test_another_makers_gpu_and_nvidias_sound_are_no_nvidia_gpu(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, vendor: str, kind: str
) -> None:
    lose_library(monkeypatch)
    bench.add_pci(vendor, kind)

    assert only(bench.backend.discover()).status == "absent"


def test_no_binding_though_there_is_a_gpu(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)

    assert only(bench.backend.discover()).status == "absent"
    bench.add_pci()
    finding = only(bench.backend.discover())
    assert finding.text == "GPU: no nvidia-ml-py — no GPU energy is counted."
    assert "pip install nvidia-ml-py" in finding.hint


def lose_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the library from the binding's own loader."""

    def not_there(name: str) -> None:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr(pynvml, "nvmlLib", None)
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    monkeypatch.setattr(pynvml, "CDLL", not_there)


@pytest.mark.parametrize(
    ("code", "status", "text"),
    [
        (18, "broken", "GPU: driver and library versions differ (reboot after a driver update)."),
        (9, "broken", "GPU: driver not loaded — no GPU energy is counted."),
        (4, "denied", "GPU: the NVIDIA driver refuses this user — no GPU energy is counted."),
        (
            999,
            "broken",
            f"{UNUSABLE} (NVML 999, Unknown Error) — no GPU energy is counted.",
        ),
        (
            77,
            "broken",
            f"{UNUSABLE} (NVML 77, Stand-in error 77) — no GPU energy is counted.",
        ),
    ],
)
def test_a_driver_that_does_not_start_says_why(
    bench: Bench, code: int, status: str, text: str
) -> None:
    bench.add_pci()

    finding = only(bench.discover(ONE, init_error=code))

    assert (finding.status, finding.text) == (status, text)
    assert finding.hint
    assert finding.notify


def test_a_driver_that_is_not_loaded_where_there_is_no_gpu_is_not_worth_a_word(
    bench: Bench,
) -> None:
    finding = only(bench.discover(ONE, init_error=9))

    assert (finding.status, finding.notify) == ("absent", False)


def test_a_driver_that_starts_and_lists_nothing_says_why(bench: Bench) -> None:
    bench.driver.write(ONE, count_error=999)

    finding = only(bench.backend.discover())

    assert finding.text == f"{UNUSABLE} (NVML 999, Unknown Error) — no GPU energy is counted."
    assert bench.initialised() == 0


def test_a_driver_without_gpus_is_not_worth_a_word(bench: Bench) -> None:
    finding = only(bench.discover())

    assert (finding.status, finding.text, finding.notify) == (
        "absent",
        "GPU: no NVIDIA GPU found.",
        False,
    )
    assert bench.initialised() == 0


# Slices


@pytest.mark.parametrize(
    "gpu",
    [replace(ONE, mig=True), replace(ONE, energy_error=3, power_error=3)],
    ids=["MIG", "vGPU"],
)
def test_a_slice_is_not_counted_and_says_so(bench: Bench, gpu: FakeGpu) -> None:
    finding = only(bench.discover(gpu))

    assert (finding.status, finding.text) == ("unsupported", f"GPU 0: {SLICED}")
    assert finding.notify


def test_a_gpu_that_could_be_sliced_and_is_not_counts(bench: Bench) -> None:
    assert bench.discover(replace(ONE, mig=False)).sensors


def test_visible_slices_name_their_gpu_once(bench: Bench) -> None:
    bench.environ["CUDA_VISIBLE_DEVICES"] = "MIG-5,MIG-5"

    assert (
        only(bench.discover(ONE, replace(TWO, mig=True, slice="MIG-5"))).text == f"GPU 1: {SLICED}"
    )


def test_a_slice_of_no_known_gpu_is_not_counted(bench: Bench) -> None:
    bench.environ["CUDA_VISIBLE_DEVICES"] = "MIG-5"

    assert only(bench.discover(ONE)).text == f"GPU: {SLICED}"


# Which are visible


@pytest.mark.parametrize(
    ("value", "indices"),
    [
        (None, [0, 1, 2]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("0", [0]),
        ("2, 0", [2, 0]),
        ("0,3,1", [0]),
        ("0,-1,1", [0]),
        ("1x,2", [1, 2]),
        ("1,1", []),
        (ONE.uuid, [0]),
        ("GPU-1", [0]),
        ("GPU-223,GPU-1", [2, 0]),
        ("GPU-1,GPU-22,2", [0]),
        ("GPU-9,0", []),
        ("99999999999999999999", []),
    ],
)
def test_only_visible_gpus_are_found(bench: Bench, value: str | None, indices: list[int]) -> None:
    gpus = (ONE, TWO, THREE)

    assert bench.visible(value, *gpus) == [f"gpu:{gpus[index].uuid}" for index in indices]


def test_hidden_gpus_are_not_worth_a_notice(bench: Bench) -> None:
    bench.environ["CUDA_VISIBLE_DEVICES"] = "-1"

    finding = only(bench.discover(ONE))

    assert (finding.status, finding.notify) == ("absent", False)
    assert finding.text == "GPU: hidden by CUDA_VISIBLE_DEVICES=-1."


def test_indices_may_mean_others_where_gpus_differ(bench: Bench) -> None:
    bench.environ["CUDA_VISIBLE_DEVICES"] = "1"
    unlike = replace(TWO, name="NVIDIA Stand-in mini")

    (finding,) = bench.discover(ONE, unlike).findings
    assert finding.notify
    assert "CUDA_DEVICE_ORDER=PCI_BUS_ID" in finding.hint

    bench.environ["CUDA_DEVICE_ORDER"] = "PCI_BUS_ID"
    assert bench.discover(ONE, unlike).findings == ()

    del bench.environ["CUDA_DEVICE_ORDER"]
    assert bench.discover(ONE, TWO).findings == ()


def test_a_gpu_is_known_by_its_uuid_whatever_its_index(bench: Bench) -> None:
    assert len(bench.discover(ONE, TWO).sensors) == 2

    first, second = bench.discover(TWO, ONE).sensors

    assert (first.device.id, second.device.id) == (f"gpu:{TWO.uuid}", f"gpu:{ONE.uuid}")
    assert second.read().energy_j == pytest.approx(80.0 * time.monotonic(), rel=0.01)  # type: ignore[union-attr]


# One fails


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        (
            {"handle_error": 15},
            "lost",
            "GPU 0: lost (NVML 15). Energy after that is not counted.",
        ),
        (
            {"energy_error": 16},
            "lost",
            "GPU 0: lost (NVML 16). Energy after that is not counted.",
        ),
        (
            {"energy_error": 4},
            "denied",
            "GPU 0: the driver refuses this user (NVML 4). It is not counted.",
        ),
    ],
)
def test_a_gpu_that_fails_hides_no_other(
    bench: Bench, change: Mapping[str, Any], status: str, text: str
) -> None:
    discovery = bench.discover(replace(ONE, **change), TWO)

    (sensor,) = discovery.sensors
    (finding,) = discovery.findings
    assert sensor.device.id == f"gpu:{TWO.uuid}"
    assert sensor.read()
    assert (finding.status, finding.text) == (status, text)
    assert finding.notify
    assert finding.hint


def test_a_gpu_without_a_uuid_does_not_end_the_list_of_the_visible(bench: Bench) -> None:
    bench.environ["CUDA_VISIBLE_DEVICES"] = f"{ONE.uuid},{TWO.uuid}"

    discovery = bench.discover(replace(ONE, handle_error=15), TWO)

    assert [each.device.id for each in discovery.sensors] == [f"gpu:{TWO.uuid}"]
    assert [each.status for each in discovery.findings] == ["lost"]


def test_a_reading_that_fails_at_first_is_a_gap_with_a_word(bench: Bench) -> None:
    discovery = bench.discover(replace(ONE, energy_error=10))
    (sensor,) = discovery.sensors
    (finding,) = discovery.findings
    bench.write(ONE)

    assert finding.text == "GPU 0: its energy cannot be read (NVML 10, Timeout)."
    assert finding.notify
    assert isinstance(sensor.read(), CounterReading)


@pytest.mark.parametrize("word", ["energy_error", "power_error"])
@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        (15, SensorLost, "GPU 0: lost (NVML 15). Energy after that is not counted."),
        (16, SensorLost, "GPU 0: lost (NVML 16). Energy after that is not counted."),
        (9, SensorLost, "GPU 0: lost (NVML 9). Energy after that is not counted."),
        (4, SensorDenied, "GPU 0: the driver refuses this user (NVML 4). It is not counted."),
        (3, SensorUnsupported, f"GPU 0: {SLICED}"),
        (10, SensorReadError, "GPU 0: its energy cannot be read (NVML 10, Timeout)."),
        (999, SensorReadError, "GPU 0: its energy cannot be read (NVML 999, Unknown Error)."),
    ],
)
def test_a_failed_reading_says_what_it_means(
    bench: Bench, word: str, code: int, kind: type[SensorError], text: str
) -> None:
    gpu = ONE if word == "energy_error" else replace(ONE, energy_error=3)
    sensor = bench.sensor(gpu)
    bench.write(replace(gpu, **{word: code}))

    with pytest.raises(SensorError) as raised:
        sensor.read()

    assert type(raised.value) is kind
    assert raised.value.message == text
    assert raised.value.hint or kind is SensorUnsupported


def test_nothing_is_printed(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    sensor = bench.sensor()
    for code in (3, 4, 15, 16, 999):
        bench.write(replace(ONE, energy_error=code))
        with pytest.raises(SensorError):
            sensor.read()
    bench.discover(ONE, init_error=18)

    assert capfd.readouterr() == ("", "")


# Lost, back, closed


def test_a_gpu_that_comes_back_goes_on_under_its_id(bench: Bench) -> None:
    first = bench.sensor()
    before = first.read()
    bench.write(replace(ONE, energy_error=15))
    with pytest.raises(SensorLost):
        first.read()
    first.close()

    assert only(bench.backend.discover()).status == "lost"
    again = bench.sensor()
    after = again.read()

    assert again.device == first.device
    assert bench.initialised_ever() == 3
    assert isinstance(before, CounterReading)
    assert isinstance(after, CounterReading)
    assert after.energy_j > before.energy_j


def test_a_gpu_that_vanished_is_lost(bench: Bench) -> None:
    sensor = bench.sensor()
    bench.write(TWO)

    with pytest.raises(SensorLost, match=r"NVML 15"):
        sensor.read()


def test_a_new_discovery_begins_anew_with_the_driver(bench: Bench) -> None:
    old = bench.sensor()
    new = bench.sensor()

    assert bench.initialised() == 1
    assert bench.initialised_ever() == 2
    with pytest.raises(SensorLost):
        old.read()
    assert old.own_fraction([OURS]) is None
    old.close()
    assert new.read()


def test_the_last_to_close_ends_the_session(bench: Bench) -> None:
    one, two = bench.discover(ONE, TWO).sensors
    one.close()
    one.close()
    assert two.read()
    assert bench.initialised() == 1

    two.close()
    two.close()

    assert bench.initialised() == 0
    with pytest.raises(SensorLost):
        two.read()


def test_another_thread_never_waits_for_the_driver_to_end(bench: Bench) -> None:
    sensor = bench.sensor()
    closing = threading.Thread(target=sensor.close)
    closing.start()
    closing.join()

    assert bench.initialised() == 1  # the next discovery ends it
    with pytest.raises(SensorLost):
        sensor.read()
    assert bench.discover(ONE).sensors
    assert bench.initialised() == 1


# Whose work it is


@pytest.mark.parametrize(
    ("processes", "visible", "fraction"),
    [
        ([Process(OURS, 30), Process(THEIRS, 10)], [], 0.75),
        ([Process(OURS, 30), Process(OURS, 10)], [], 1.0),
        ([Process(THEIRS, 50)], [THEIRS], 0.0),
        ([Process(THEIRS, 50)], [], None),
        ([Process(OURS, 0), Process(THEIRS, 0)], [THEIRS], None),
        ([Process(OURS, 0)], [], 1.0),
        ([Process(OURS, 40), Process(THEIRS)], [THEIRS], 1.0),
        ([Process(OURS, 40), Process(0, 50), Process(THEIRS, 5000)], [], 1.0),
        ([Process(OURS)], [], 1.0),
        ([Process(OURS), Process(THEIRS)], [THEIRS], None),
        ([Process(THEIRS)], [THEIRS], 0.0),
        ([Process(THEIRS)], [], None),
        ([], [], None),
    ],
)
def test_our_part_of_the_work(
    bench: Bench, processes: list[Process], visible: list[int], fraction: float | None
) -> None:
    sensor = bench.sensor()
    bench.run(*visible)
    bench.write(replace(ONE, processes=tuple(processes)))

    assert sensor.own_fraction([OURS]) == fraction


def test_a_sample_counts_once(bench: Bench) -> None:
    stamp_us = time.time_ns() // 1000 + 10_000_000
    sensor = bench.sensor()
    bench.write(
        replace(ONE, processes=(Process(OURS, 90, stamp_us), Process(THEIRS, 30, stamp_us)))
    )
    assert sensor.own_fraction([OURS]) == 0.75

    assert sensor.own_fraction([OURS]) is None


def test_work_before_the_session_is_not_asked_for(bench: Bench) -> None:
    sensor = bench.sensor()
    bench.write(replace(ONE, processes=(Process(OURS, 90, 1), Process(THEIRS, 30, 1))))

    assert sensor.own_fraction([OURS]) is None


@pytest.mark.parametrize(
    ("change", "fraction"),
    [
        ({"samples_error": 3}, 1.0),
        ({"samples_error": 3, "processes_error": 3}, None),
        ({"samples_error": 15, "processes_error": 15}, None),
    ],
)
def test_our_part_where_the_driver_does_not_tell(
    bench: Bench, change: Mapping[str, Any], fraction: float | None
) -> None:
    sensor = bench.sensor()
    bench.write(replace(ONE, processes=(Process(OURS, 30),), **change))

    assert sensor.own_fraction([OURS]) == fraction


# The stand-in itself


def test_a_process_of_its_own_sees_the_same_counter(bench: Bench) -> None:
    code = """if True:
        import pynvml
        pynvml.nvmlInit()
        gpu = pynvml.nvmlDeviceGetHandleByIndex(0)
        print(pynvml.nvmlDeviceGetTotalEnergyConsumption(gpu))
    """
    hour_ms = 3_600_000.0
    sensor = bench.sensor(replace(ONE, base_j=1000.0, refresh_ms=hour_ms))
    here = sensor.read()

    there = subprocess.run(
        [sys.executable, "-I", "-c", code],
        env={**os.environ, **bench.driver.environment()},
        capture_output=True,
        text=True,
        check=True,
    )

    assert isinstance(here, CounterReading)
    assert int(there.stdout) == pytest.approx(here.energy_j * 1000.0)


def test_a_machine_without_a_compiler_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(RuntimeError, match=r"tests/system_packages\.sh"):
        StandIn(tmp_path / "driver")


def test_true_energy_is_the_area_under_the_steps() -> None:
    gpu = FakeGpu(power=((0.0, 80.0), (5.0, 250.0), (6.0, 0.0)), start_s=100.0)

    assert gpu.energy_j(99.0) == 0.0
    assert gpu.energy_j(104.0) == 320.0
    assert gpu.energy_j(105.5) == 400.0 + 125.0
    assert gpu.energy_j(1000.0) == 650.0


@pytest.mark.parametrize(
    ("gpu", "window_s", "error_fraction", "said"),
    [
        (replace(ONE, capability=(6, 1)), 0.0, 0.05, ""),
        (replace(ONE, capability=(8, 0)), 0.025, 0.1, "25 of every 100 ms"),
        (replace(ONE, capability=(8, 6)), 1.0, 0.05, "the mean of the last second"),
        (replace(ONE, capability=(9, 0), instant_error=0), 0.025, 0.1, "25 of every 100 ms"),
    ],
    ids=["Pascal", "GA100", "Ampere", "Hopper with instantaneous power"],
)
def test_a_power_sensor_that_averages_says_so(
    bench: Bench, gpu: FakeGpu, window_s: float, error_fraction: float, said: str
) -> None:
    discovery = bench.discover(replace(gpu, energy_error=NOT_SUPPORTED))
    (sensor,), (finding,) = discovery.sensors, discovery.findings
    assert sensor.device.power_window_s == window_s
    assert sensor.device.error_fraction == error_fraction
    assert said in finding.text
    reading = sensor.read()
    assert isinstance(reading, PowerReading)
    assert reading.power_w == pytest.approx(80.0)


def test_power_is_read_without_its_averaging_where_the_driver_offers_that(bench: Bench) -> None:
    now_s = bench.clock.monotonic_s()
    stepping = FakeGpu(
        power=((0.0, 50.0), (10.0, 250.0)),
        start_s=now_s - 10.1,
        power_window_ms=1000.0,
        capability=(9, 0),
        energy_error=NOT_SUPPORTED,
    )
    averaged = bench.sensor(stepping).read()
    assert isinstance(averaged, PowerReading)
    assert averaged.power_w < 240.0
    instant = bench.sensor(replace(stepping, instant_error=0)).read()
    assert isinstance(instant, PowerReading)
    assert instant.power_w == pytest.approx(250.0)


def test_a_gpu_that_does_not_tell_its_generation_is_taken_at_its_word(bench: Bench) -> None:
    gpu = replace(ONE, energy_error=NOT_SUPPORTED, capability=(0, 0), power_window_ms=1000.0)
    assert bench.sensor(gpu).device.power_window_s == 0.0
