"""RAPL on trees of real machines: each joule once, failures by name, wraps exact, resets never energy."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.device import Device, Kind, Provenance
from nbcarbon.core.energy import energy
from nbcarbon.core.trace import Trace, Window
from nbcarbon.errors import SensorDenied, SensorError, SensorLost, SensorReadError
from nbcarbon.sensors import rapl
from nbcarbon.sensors.rapl import KernelFiles, RaplBackend, RaplSensor
from nbcarbon.testing import FakeClock
from tests.stand_in.powercap import RANGE_UJ, UJ_PER_J, FakePowercap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nbcarbon.ports import Discovery


class FaultyFiles(KernelFiles):
    """Real files, but for those that are told to fail. `texts` is read in place of a file's own."""

    def __init__(self) -> None:
        self.on_open: dict[str, int] = {}
        self.on_read: list[int] = []
        self.texts: list[bytes] = []
        self.slow: list[float] = []
        self.unlisted = ""
        self.clock: FakeClock | None = None

    def names(self, folder: Path) -> list[str]:  # type: ignore[override]
        if folder.name == self.unlisted:
            raise PermissionError(errno.EACCES, "Permission denied", str(folder))
        return KernelFiles.names(folder)

    def open(self, path: str) -> int:  # type: ignore[override]
        for part, code in self.on_open.items():
            if part in path:
                raise OSError(code, os.strerror(code), path)
        return KernelFiles.open(path)

    def read(self, fd: int) -> bytes:  # type: ignore[override]
        if self.slow and self.clock is not None:
            self.clock.advance(self.slow.pop(0))
        if self.on_read:
            code = self.on_read.pop(0)
            if code:
                raise OSError(code, os.strerror(code))
        return self.texts.pop(0) if self.texts else KernelFiles.read(fd)


@pytest.fixture
def files() -> FaultyFiles:
    return FaultyFiles()


@pytest.fixture
def found(tmp_path: Path, files: FaultyFiles) -> Iterator[RaplSensor]:
    """The one package of a fake EPYC, without anything wrong yet."""
    FakePowercap.epyc(tmp_path)
    (sensor,) = discovered(tmp_path, files).sensors
    assert isinstance(sensor, RaplSensor)
    yield sensor
    sensor.close()


def discovered(root: Path, files: FaultyFiles | None = None) -> Discovery:
    return RaplBackend(root, FakeClock(), files=files).discover()


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def ids(discovery: Discovery) -> list[str]:
    found = [each.device.id for each in discovery.sensors]
    for sensor in discovery.sensors:
        sensor.close()
    return found


# Which devices a tree holds


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (FakePowercap.laptop, ["cpu:0"]),
        (FakePowercap.xeon, ["cpu:0", "dram:0", "cpu:1", "dram:1"]),
        (FakePowercap.epyc, ["cpu:0"]),
        (FakePowercap.mirrored_dies, ["cpu:0-die-0"]),
        (FakePowercap.two_dies, ["cpu:0-die-0", "cpu:0-die-1"]),
        (FakePowercap.virtual_machine, []),
    ],
)
def test_every_joule_has_one_device(
    tmp_path: Path, build: Callable[[Path], FakePowercap], expected: list[str]
) -> None:
    build(tmp_path)

    assert ids(discovered(tmp_path)) == expected


def test_flat_and_nested_trees_are_the_same_machine(tmp_path: Path) -> None:
    flat = FakePowercap(tmp_path / "flat")
    for package in (0, 1):
        flat.add(f"intel-rapl:{package}", f"package-{package}", nested=False)
        flat.add(f"intel-rapl:{package}:0", "dram", nested=False)
    FakePowercap.xeon(tmp_path / "nested")
    FakePowercap.xeon(tmp_path / "both").link_flat()

    found = [ids(discovered(tmp_path / each)) for each in ("flat", "nested", "both")]

    assert found == [["cpu:0", "dram:0", "cpu:1", "dram:1"]] * 3


def test_the_drivers_folder_alone_may_be_mounted(tmp_path: Path) -> None:
    FakePowercap.xeon(tmp_path)

    assert ids(discovered(tmp_path / "intel-rapl")) == ["cpu:0", "dram:0", "cpu:1", "dram:1"]


def test_memory_at_the_top_of_the_tree_is_a_device_of_its_own(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    tree.add("intel-rapl:0", "package-0")
    tree.add("intel-rapl:1", "dram")

    assert ids(discovered(tmp_path)) == ["cpu:0", "dram:1"]


def test_links_back_up_are_not_followed(tmp_path: Path) -> None:
    tree = FakePowercap.xeon(tmp_path)
    zone = tree.paths["intel-rapl:0"]
    (zone / "device").symlink_to(zone.parent)
    (zone / "subsystem").symlink_to(tmp_path)

    assert ids(discovered(tmp_path)) == ["cpu:0", "dram:0", "cpu:1", "dram:1"]


def test_other_power_zones_are_none_of_ours(tmp_path: Path) -> None:
    FakePowercap(tmp_path).add("dtpm:0", "package-0")

    assert ids(discovered(tmp_path)) == []


def test_a_device_says_how_it_counts(tmp_path: Path) -> None:
    tree = FakePowercap.xeon(tmp_path)
    cpu, memory = discovered(tmp_path).sensors[:2]

    assert cpu.device == Device(
        id="cpu:0",
        kind=Kind.CPU,
        name="CPU package 0",
        provenance=Provenance.MEASURED,
        method="RAPL",
        error_fraction=0.05,
        max_power_w=1500.0,
        resolution_s=0.001,
        wraps_at_j=pytest.approx(262_143.32885),
        counter_file=cpu.device.counter_file,
    )
    assert memory.device.kind is Kind.DRAM
    assert memory.device.within is None, "a package's counter does not hold its memory"
    assert cpu.device.counter_file is not None
    assert cpu.device.counter_file.path == str(tree.paths["intel-rapl:0"] / "energy_uj")
    assert cpu.device.counter_file.joules_per_count == 1e-6


def test_the_platform_counts_only_where_no_package_does(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    tree.add("intel-rapl:0", "psys")
    (sensor,) = discovered(tmp_path).sensors

    assert (sensor.device.id, sensor.device.kind) == ("psys", Kind.PLATFORM)

    tree.add("intel-rapl:1", "package-0")
    assert ids(discovered(tmp_path)) == ["cpu:0"]


def test_the_platform_stands_in_for_a_package_that_cannot_be_read(
    tmp_path: Path, files: FaultyFiles
) -> None:
    FakePowercap.laptop(tmp_path)
    files.on_open = {"intel-rapl:0/": errno.EIO, "mmio:0/": errno.EIO}

    assert ids(discovered(tmp_path, files)) == ["psys"]


def test_of_two_twins_the_msr_one_is_read(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    tree.add("intel-rapl-mmio:0", "package-0")
    tree.add("intel-rapl:1", "package-0")
    (sensor,) = discovered(tmp_path).sensors

    assert sensor.device.counter_file is not None
    assert "mmio" not in sensor.device.counter_file.path


def test_a_twin_serves_where_the_first_cannot_be_read(tmp_path: Path, files: FaultyFiles) -> None:
    FakePowercap.laptop(tmp_path)
    files.on_open = {"intel-rapl:0/energy_uj": errno.EACCES}
    discovery = discovered(tmp_path, files)
    (sensor,) = discovery.sensors

    assert sensor.device.counter_file is not None
    assert "mmio" in sensor.device.counter_file.path
    assert discovery.findings == ()


def test_dies_that_mirror_their_package_are_told_to_the_doctor(tmp_path: Path) -> None:
    FakePowercap.mirrored_dies(tmp_path, dies=2)
    (finding,) = discovered(tmp_path).findings

    assert finding.status == "ok"
    assert "counted once" in finding.text


def test_two_sockets_with_equal_counters_are_two(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    tree.add("intel-rapl:0", "package-0", energy_uj=5)
    tree.add("intel-rapl:1", "package-1", energy_uj=5)

    assert ids(discovered(tmp_path)) == ["cpu:0", "cpu:1"]


def test_a_counter_without_range_does_not_wrap(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    tree.add("intel-rapl:0", "package-0", range_uj=None)
    tree.add("intel-rapl:1", "package-1", range_uj=0)

    assert [each.device.wraps_at_j for each in discovered(tmp_path).sensors] == [None, None]


# What is missing, and what to do


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_no_tree_is_absent_and_says_why(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    discovery = discovered(tmp_path / name)
    (finding,) = discovery.findings

    assert discovery.sensors == ()
    assert finding.status == "absent"
    assert finding.text == "CPU power: no RAPL here (VM, container or unsupported CPU)."
    assert "PLATYPUS" in finding.hint
    assert finding.notify


@pytest.mark.parametrize("code", [errno.EACCES, errno.EPERM])
def test_counters_for_root_only_are_said_once(
    tmp_path: Path, files: FaultyFiles, code: int
) -> None:
    FakePowercap.xeon(tmp_path)
    files.on_open = {"energy_uj": code}
    discovery = discovered(tmp_path, files)
    (finding,) = discovery.findings

    assert discovery.sensors == ()
    assert finding.status == "denied"
    assert finding.text == ("CPU power: not readable (energy_uj is root-only since CVE-2020-8694).")
    assert finding.hint == "To measure: ask your admin for group read access (docs: RAPL)."
    assert finding.notify


def test_no_remedy_opens_the_counters_to_everybody() -> None:
    for text in (rapl.DENIED_TEXT, rapl.DENIED_HINT, rapl.ABSENT_TEXT, rapl.ABSENT_HINT):
        for advice in ("chmod", "a+r", "0444", "world", "sudo"):
            assert advice not in text


def test_one_denied_package_is_named_and_the_other_counts(
    tmp_path: Path, files: FaultyFiles
) -> None:
    FakePowercap.xeon(tmp_path)
    files.on_open = {"intel-rapl:1/energy_uj": errno.EACCES}
    discovery = discovered(tmp_path, files)
    (finding,) = discovery.findings

    assert ids(discovery) == ["cpu:0", "dram:0", "dram:1"]
    assert (finding.status, finding.notify) == ("denied", True)
    assert finding.text.startswith("CPU package 1: not readable")
    assert finding.text.endswith("Not measured.")


@pytest.mark.parametrize(
    ("text", "code", "status"),
    [
        (b"", 0, "broken"),
        (b"garbage\n", 0, "broken"),
        (b"-5\n", 0, "broken"),
        (b"", errno.EIO, "broken"),
        (b"", errno.ENODEV, "lost"),
        (b"", errno.EACCES, "denied"),
    ],
)
def test_a_counter_that_fails_at_once_is_a_finding(
    tmp_path: Path, files: FaultyFiles, text: bytes, code: int, status: str
) -> None:
    FakePowercap.xeon(tmp_path)
    files.texts, files.on_read = [text] if not code else [], [code]
    discovery = discovered(tmp_path, files)

    assert "cpu:0" not in ids(discovery)
    assert [each.status for each in discovery.findings] == [status]


@pytest.mark.parametrize(("folder", "status"), [("root", "denied"), ("intel-rapl", "absent")])
def test_a_tree_that_may_not_be_listed(
    tmp_path: Path, files: FaultyFiles, folder: str, status: str
) -> None:
    FakePowercap.xeon(tmp_path / "root")
    files.unlisted = folder
    discovery = discovered(tmp_path / "root", files)

    assert discovery.sensors == ()
    assert [each.status for each in discovery.findings] == [status]


def test_a_zone_that_vanishes_during_the_walk_is_left_out(tmp_path: Path) -> None:
    tree = FakePowercap.xeon(tmp_path)
    (tree.paths["intel-rapl:1"] / "energy_uj").unlink()
    discovery = discovered(tmp_path)

    assert ids(discovery) == ["cpu:0", "dram:0", "dram:1"]
    assert [each.status for each in discovery.findings] == ["lost"]


def test_discovering_again_leaks_no_descriptor(tmp_path: Path) -> None:
    FakePowercap.mirrored_dies(tmp_path)
    before = open_files()
    for _ in range(5):
        assert ids(discovered(tmp_path)) == ["cpu:0-die-0"]

    assert open_files() == before


# Reading


def test_a_reading_is_joules(found: RaplSensor, tmp_path: Path) -> None:
    (tmp_path / "intel-rapl:0" / "energy_uj").write_text("00000000000012345678\n")

    assert found.read().energy_j == pytest.approx(12.345678)


@pytest.mark.parametrize(
    "text",
    [b"", b"\n", b"-1\n", b"12a\n", b"1_2\n", b"+5\n", b"0x10\n", b"1 2\n", b"12\x00\n", b"1.5\n",
     "١٢".encode(), b"65532610988\n", b"9" * 32],
)  # fmt: skip
def test_what_is_not_a_count_is_a_gap(found: RaplSensor, files: FaultyFiles, text: bytes) -> None:
    files.texts = [text]
    with pytest.raises(SensorReadError):
        found.read()

    assert found.read().energy_j == pytest.approx(1.0), "the next reading is good again"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.EACCES, SensorDenied),
        (errno.EPERM, SensorDenied),
        (errno.ENOENT, SensorLost),
        (errno.ENODEV, SensorLost),
        (errno.ENXIO, SensorLost),
        (errno.EIO, SensorReadError),
        (errno.ENODATA, SensorReadError),
    ],
)
def test_errors_have_names(
    found: RaplSensor, files: FaultyFiles, code: int, expected: type[SensorError]
) -> None:
    files.on_read = [code]
    with pytest.raises(expected) as caught:
        found.read()

    assert caught.value.hint


@pytest.mark.parametrize("replaced", [False, True])
def test_a_file_that_was_removed_is_not_read_for_ever(
    found: RaplSensor, tmp_path: Path, replaced: bool
) -> None:
    path = tmp_path / "intel-rapl:0" / "energy_uj"
    path.unlink()
    if replaced:
        path.write_text("77\n")
    with pytest.raises(SensorLost):
        found.read()


def test_after_closing_nothing_is_read(found: RaplSensor) -> None:
    found.close()
    found.close()
    with pytest.raises(SensorLost):
        found.read()


def test_an_interrupted_reading_is_taken_again(tmp_path: Path, files: FaultyFiles) -> None:
    FakePowercap.epyc(tmp_path)
    clock = FakeClock()
    (sensor,) = RaplBackend(tmp_path, clock, files=files).discover().sensors
    files.clock, files.slow = clock, [0.05, 0.0001]

    assert sensor.read().instant_s == pytest.approx(1000.05005)


def test_a_machine_too_busy_for_an_undisturbed_reading_gets_one_all_the_same(
    tmp_path: Path, files: FaultyFiles
) -> None:
    FakePowercap.epyc(tmp_path)
    clock = FakeClock()
    (sensor,) = RaplBackend(tmp_path, clock, files=files).discover().sensors
    files.clock, files.slow = clock, [0.05, 0.05, 0.05, 0.05]

    assert sensor.read().instant_s == pytest.approx(1000.125)
    assert files.slow == [0.05], "three tries, and no more"


def test_a_descriptor_that_cannot_be_looked_at_is_lost(
    found: RaplSensor, files: FaultyFiles, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(fd: int) -> bool:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(files, "exists", fail)
    with pytest.raises(SensorLost):
        found.read()


def test_a_die_that_fails_while_it_is_compared_stays(tmp_path: Path, files: FaultyFiles) -> None:
    FakePowercap.mirrored_dies(tmp_path, dies=2)
    files.on_read = [0, 0, errno.EIO]  # one reading each to find them, then the comparison

    assert ids(discovered(tmp_path, files)) == ["cpu:0-die-0", "cpu:0-die-1"]


def test_dies_of_two_packages_are_never_compared(tmp_path: Path) -> None:
    tree = FakePowercap(tmp_path)
    for zone, label in enumerate(("package-0-die-0", "package-1-die-0", "package-1-die-1")):
        tree.add(f"intel-rapl:{zone}", label, energy_uj=900_000_000)

    assert ids(discovered(tmp_path)) == ["cpu:0-die-0", "cpu:1-die-0"]


# Joules through a trace

REAL = st.tuples(st.floats(0.05, 2.0), st.floats(0.0, 900.0), st.sampled_from("......!e"))


@given(
    st.lists(REAL, min_size=2, max_size=60),
    st.floats(0.0, 40_000.0),
    st.sampled_from([RANGE_UJ, 65_532_610_987, 30_000_000_000]),
)
def test_joules_are_exact_but_for_what_a_reset_hides(
    steps: list[tuple[float, float, str]], below_top_j: float, range_uj: int
) -> None:
    """Random power, wraps at any height, reads that fail (e) and resets to zero (!).

    What cannot be known is what was used in a read that a reset falls into, and the one after it;
    all the rest is exact, whatever the height of the counter, and no joule is ever invented.
    """
    folder = Path(tempfile.mkdtemp())
    try:
        tree, files, clock = FakePowercap(folder), FaultyFiles(), FakeClock()
        counter_uj = round(range_uj - below_top_j * UJ_PER_J) % range_uj
        tree.add("intel-rapl:0", "package-0", energy_uj=counter_uj, range_uj=range_uj)
        (sensor,) = RaplBackend(folder, clock, files=files).discover().sensors
        trace = Trace(sensor.device)
        trace.add(sensor.read())
        true_j, hidden_j, since_reset, unread_s = 0.0, 0.0, 9, 0.0
        for position, (elapsed_s, power_w, event) in enumerate(steps):
            clock.advance(elapsed_s)
            spare = position < len(steps) - 2 and since_reset > 2
            if event == "!" and spare:
                counter_uj, since_reset = 0, 0
            counter_uj += round(elapsed_s * power_w * UJ_PER_J)
            counter_uj %= range_uj
            tree.set_uj("intel-rapl:0", counter_uj)
            true_j += elapsed_s * power_w
            unread_s += elapsed_s
            fails = event == "e" and spare and unread_s < 0.4
            if since_reset < 2:
                hidden_j += 1500.0 * (unread_s + 0.002)
            files.on_read = [errno.EIO] if fails else []
            try:
                trace.add(sensor.read())
                unread_s = 0.0
            except SensorReadError:
                trace.miss()
            since_reset += 1
        sensor.close()
        assert trace.last is not None
        counted = energy(trace, Window(1000.0, trace.last.instant_s))
        unread_j = unread_s * 900.0
        assert abs(trace.last.energy_j - true_j) <= hidden_j + unread_j + 1e-3
        if not hidden_j:
            assert trace.last.energy_j == pytest.approx(true_j, abs=1e-3)
            assert counted.coverage_fraction == pytest.approx(1.0)
        assert 0 <= trace.last.energy_j <= 1500.0 * (clock.monotonic_s() - 1000.0 + 0.1)
    finally:
        shutil.rmtree(folder)


def test_a_reset_is_a_gap_of_one_reading(tmp_path: Path) -> None:
    tree, clock = FakePowercap.epyc(tmp_path), FakeClock()
    tree.set_uj("intel-rapl:0", 40_000 * UJ_PER_J)
    (sensor,) = RaplBackend(tmp_path, clock).discover().sensors
    trace = Trace(sensor.device)
    for energy_j in (40_000, 40_050, 20, 70, 120):
        tree.set_uj("intel-rapl:0", energy_j * UJ_PER_J)
        trace.add(sensor.read())
        clock.advance(1.0)
    counted = energy(trace, Window(1000.0, 1004.0))

    assert counted.energy_j == pytest.approx(50 + 100)
    assert counted.coverage_fraction == pytest.approx(3 / 4)
