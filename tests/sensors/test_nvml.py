"""NVIDIA GPUs through the real binding, with a stand-in for the driver's library below it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.device import Kind, Provenance
from nbcarbon.core.trace import CounterReading, PowerReading
from nbcarbon.errors import SensorDenied, SensorLost, SensorReadError, SensorUnsupported
from nbcarbon.meter.clock import SystemClock
from nbcarbon.sensors import nvml
from nbcarbon.sensors.nvml import NvmlBackend, visible_indices
from tests.stand_in.nvml import Gpu, StandIn, build

if TYPE_CHECKING:
    from pathlib import Path

    from nbcarbon.ports import Discovery, Finding

A, B = "GPU-aaaa0000-0000-0000-0000-000000000000", "GPU-bbbb0000-0000-0000-0000-000000000000"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nvml")
    build(folder)
    return folder


@pytest.fixture
def driver(library: Path, monkeypatch: pytest.MonkeyPatch) -> StandIn:
    stand_in = StandIn(library)
    monkeypatch.setenv("NBCARBON_STAND_IN_NVML", str(stand_in.control))
    stand_in.load_here()
    stand_in.write()
    return stand_in


def discover(environ: dict[str, str] | None = None, *, pci: Path | None = None) -> Discovery:
    backend = NvmlBackend(SystemClock(), environ or {}, pci=pci or nvml.PCI_FOLDER)
    return backend.discover()


def only(discovery: Discovery) -> Finding:
    assert discovery.sensors == ()
    (finding,) = discovery.findings
    return finding


def test_an_energy_counter_is_read_in_joules(driver: StandIn) -> None:
    gpu = Gpu(A, "NVIDIA H100 80GB HBM3", ((0.0, 300.0),), {"limit_mw": 700_000})
    driver.write(gpu)
    (sensor,) = discover().sensors
    before = sensor.read()
    time.sleep(0.05)
    after = sensor.read()
    sensor.close()

    assert isinstance(before, CounterReading)
    assert isinstance(after, CounterReading)
    true_j = gpu.true_energy_j(before.instant_s - driver.start_s, after.instant_s - driver.start_s)
    assert after.energy_j - before.energy_j == pytest.approx(true_j, rel=0.02, abs=0.02)
    device = sensor.device
    assert (device.id, device.kind) == (f"gpu:{A}", Kind.GPU)
    assert device.name == "GPU 0 NVIDIA H100 80GB HBM3"
    assert device.provenance is Provenance.MEASURED
    assert device.max_power_w == 1050.0


def test_without_a_counter_power_is_sampled_and_said(driver: StandIn) -> None:
    driver.write(Gpu(A, power=((0.0, 123.0),), options={"energy_error": 3}))
    discovery = discover()
    (sensor,) = discovery.sensors
    reading = sensor.read()

    assert isinstance(reading, PowerReading)
    assert reading.power_w == 123.0
    assert sensor.device.method == "NVML power samples"
    assert [each.text for each in discovery.findings] == [
        "GPU 0: no energy counter; integrating power samples (error larger for short cells)."
    ]
    assert discovery.findings[0].notify


def test_a_garbage_power_is_a_gap(driver: StandIn) -> None:
    options = {"energy_error": 3, "limit_mw": 300_000, "power_mw": 4e9}
    driver.write(Gpu(A, options=options))
    (sensor,) = discover().sensors
    with pytest.raises(SensorReadError, match="no possible power"):
        sensor.read()


SLICED = "GPU 0: power is not reported for MIG/vGPU slices; not counted."


@pytest.mark.parametrize(
    ("options", "status", "text"),
    [
        ({"energy_error": 3, "power_error": 3}, "unsupported", SLICED),
        ({"mig": 1}, "unsupported", SLICED),
        ({"handle_error": 15}, "lost", "GPU 0: lost (NVML 15). Energy after that is not counted."),
        ({"energy_error": 16}, "lost", "GPU 0: needs a reset (NVML 16)."),
        ({"energy_error": 4}, "denied", "GPU 0: the driver denies reading it (NVML 4)."),
        ({"handle_error": 4}, "denied", "GPU 0: the driver denies reading it (NVML 4)."),
        ({"energy_error": 999}, "broken", "GPU 0: it could not be read (NVML 999)."),
    ],
)
def test_a_gpu_that_cannot_be_read_is_a_sentence_and_hides_no_other(
    driver: StandIn, options: dict[str, float], status: str, text: str
) -> None:
    driver.write(Gpu(A, options=options), Gpu(B))
    discovery = discover()

    assert [sensor.device.id for sensor in discovery.sensors] == [f"gpu:{B}"]
    (finding,) = discovery.findings
    assert (finding.status, finding.notify) == (status, True)
    assert finding.text.startswith(text)


@pytest.mark.parametrize(
    ("code", "status", "text"),
    [
        (18, "broken", "GPU: driver and library versions differ."),
        (9, "broken", "GPU: driver not loaded."),
        (4, "denied", "GPU: the driver may not be asked by this user."),
        (999, "broken", "GPU: the driver does not answer (NVML 999)."),
    ],
)
def test_a_driver_that_does_not_start_is_a_sentence(
    driver: StandIn, tmp_path: Path, code: int, status: str, text: str
) -> None:
    driver.write(init=code)
    card = tmp_path / "0000:01:00.0"
    card.mkdir()
    (card / "vendor").write_text("0x10de\n")
    finding = only(discover(pci=tmp_path))
    assert (finding.status, finding.text) == (status, text)
    assert finding.notify
    assert finding.hint


def test_no_gpu_at_all_is_not_worth_a_word(driver: StandIn, tmp_path: Path) -> None:
    assert not only(discover()).notify
    driver.write(init=9)
    finding = only(discover(pci=tmp_path))
    assert (finding.status, finding.notify) == ("absent", False)


@pytest.mark.parametrize(("card", "notify"), [(True, True), (False, False)])
def test_a_missing_library_is_said_where_there_is_a_card(
    tmp_path: Path, card: bool, notify: bool
) -> None:
    """In a process of its own: this one has the stand-in loaded."""
    if card:
        (tmp_path / "gpu").mkdir()
        (tmp_path / "gpu" / "vendor").write_text("0x10de\n")
    code = (
        "import sys; from pathlib import Path\n"
        "from nbcarbon.sensors.nvml import NvmlBackend\n"
        "from nbcarbon.meter.clock import SystemClock\n"
        "(f,) = NvmlBackend(SystemClock(), {}, pci=Path(sys.argv[1])).discover().findings\n"
        "print(f.notify, f.text)"
    )
    environ = {key: value for key, value in os.environ.items() if key != "LD_LIBRARY_PATH"}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], env=environ, capture_output=True, text=True
    )
    if "driver lists none" in done.stdout or "could not" in done.stdout:
        pytest.fail("this machine has a driver: the test needs one without")
    text = "no NVIDIA driver library found" if card else "no NVIDIA GPU found"
    assert done.stdout.startswith(f"{notify} GPU: {text}"), done.stderr


@pytest.mark.parametrize(
    ("code", "kind"),
    [(15, SensorLost), (16, SensorLost), (4, SensorDenied), (3, SensorUnsupported),
     (10, SensorReadError), (999, SensorReadError)],
)  # fmt: skip
def test_each_error_of_a_reading_is_what_it_is(
    driver: StandIn, code: int, kind: type[Exception]
) -> None:
    driver.write(Gpu(A))
    (sensor,) = discover().sensors
    driver.write(Gpu(A, options={"energy_error": code}))
    with pytest.raises(kind, match=f"GPU 0: .*NVML {code}"):
        sensor.read()
    driver.write(Gpu(A))
    assert isinstance(sensor.read(), CounterReading)


def test_a_lost_gpu_is_found_again_by_its_uuid(driver: StandIn) -> None:
    driver.write(Gpu(A), Gpu(B))
    backend = NvmlBackend(SystemClock(), {})
    sensors = {each.device.id: each for each in backend.discover().sensors}
    driver.write(Gpu(B), Gpu(A, options={"handle_error": 15}))
    lost = sensors[f"gpu:{A}"]
    lost.close()
    with pytest.raises(SensorLost):
        lost.read()
    assert isinstance(sensors[f"gpu:{B}"].read(), CounterReading)
    driver.write(Gpu(B), Gpu(A))
    again = {each.device.id: each for each in backend.discover().sensors}
    assert set(again) == {f"gpu:{A}", f"gpu:{B}"}
    assert again[f"gpu:{A}"].device.name.startswith("GPU 1")
    for sensor in (*sensors.values(), *again.values()):
        sensor.close()
        sensor.close()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, {0, 1}),
        ("0,1", {0, 1}),
        ("1", {1}),
        (" 1 , 0 ", {0, 1}),
        ("1,7,0", {1}),
        ("1,-1,0", {1}),
        ("", set()),
        ("-1", set()),
        ("none", set()),
        (A, {0}),
        ("GPU-bbbb", {1}),
        ("GPU-", set()),
        ("MIG-aaaa", set()),
    ],
)
def test_only_visible_gpus_are_counted(
    driver: StandIn, wanted: str | None, expected: set[int]
) -> None:
    gpus = [nvml.Gpu(0, A, None), nvml.Gpu(1, B, None)]
    assert visible_indices(wanted, gpus) == expected
    driver.write(Gpu(A), Gpu(B))
    environ = {} if wanted is None else {"CUDA_VISIBLE_DEVICES": wanted}
    discovery = discover(environ)
    assert {int(each.device.name.split()[1]) for each in discovery.sensors} == expected
    assert any("MIG" in each.text for each in discovery.findings) == ("MIG" in (wanted or ""))


def test_a_name_that_tries_something_is_cleaned(driver: StandIn) -> None:
    driver.write(Gpu(A, "<script>\x1b[2J\u202e"))
    (sensor,) = discover().sensors
    assert sensor.device.name == "GPU 0 <script>[2J"


ME = os.getpid()


@pytest.mark.parametrize(
    ("procs", "options", "expected"),
    [
        (((ME, 50), (1, 50)), {}, 0.5),
        (((ME, 30),), {}, 1.0),
        (((1, 30),), {}, 0.0),
        # A process that is not here: the driver speaks of another container's.
        (((999_999_999, 30),), {}, None),
        (((ME, 30), (999_999_999, 10)), {}, 0.75),
        ((), {}, None),
        (((ME, 0),), {}, 1.0),
        (((ME, 50), (1, 50)), {"utilisation_error": 3}, 0.5),
        (((ME, 50),), {"utilisation_error": 999}, None),
    ],
)
def test_whose_work_it_was(
    driver: StandIn,
    procs: tuple[tuple[int, int], ...],
    options: dict[str, float],
    expected: float | None,
) -> None:
    driver.write(Gpu(A, options=options, procs=procs))
    (sensor,) = discover().sensors
    assert sensor.own_fraction([ME]) == expected
