"""What a container may use: the tightest limit of any level, in both versions of control groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nbcarbon.sensors.cgroup import (
    CpuUsage,
    Limits,
    container_cpu,
    machine_usage,
    read_limits,
    tick_s,
)
from tests.stand_in.linux import FakeLinux

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def linux(tmp_path: Path) -> FakeLinux:
    return FakeLinux(tmp_path)


def test_without_control_groups_there_is_no_limit(linux: FakeLinux, tmp_path: Path) -> None:
    assert read_limits(linux.proc) == Limits()
    assert read_limits(tmp_path / "nowhere") == Limits()
    assert machine_usage(linux.proc) is None
    assert container_cpu(linux.proc)() is None


def test_a_container_with_a_quota(linux: FakeLinux) -> None:
    top = linux.version_2()
    linux.write(top / "cpu.max", "150000 100000\n")
    linux.write(top / "memory.max", "2147483648\n")
    linux.set_usage(top, 12.5)
    (top / "cpuacct.usage").unlink()

    assert read_limits(linux.proc) == Limits(1.5, 2**31, top / "cpu.stat")
    assert container_cpu(linux.proc)() == pytest.approx(12.5)
    assert machine_usage(linux.proc) is None


def test_max_is_no_limit(linux: FakeLinux) -> None:
    top = linux.version_2()
    linux.write(top / "cpu.max", "max 100000\n")
    linux.write(top / "memory.max", "max\n")

    assert read_limits(linux.proc) == Limits()


def test_the_tightest_level_counts_and_its_cpu_time(linux: FakeLinux) -> None:
    top = linux.version_2("/pod/container", machine=True)
    for folder, quota, memory in (("pod", 200_000, 4), ("pod/container", 400_000, 8)):
        linux.write(top / folder / "cpu.max", f"{quota} 100000\n")
        linux.write(top / folder / "memory.max", f"{memory}\n")
        linux.set_usage(top / folder, 1.0)
        (top / folder / "cpuacct.usage").unlink()

    assert read_limits(linux.proc) == Limits(2.0, 4, top / "pod" / "cpu.stat")


def test_a_set_of_cpus_limits_like_a_quota(linux: FakeLinux) -> None:
    top = linux.version_2("/slice/own", machine=True)
    linux.write(top / "cpuset.cpus.effective", "0-63\n")
    for folder in ("slice", "slice/own"):
        linux.write(top / folder / "cpuset.cpus.effective", "0-2,8,10-11\n")
        linux.write(top / folder / "cpu.stat", "usage_usec 5\n")

    assert read_limits(linux.proc) == Limits(6.0, None, top / "slice" / "cpu.stat")


def test_the_whole_machines_set_is_no_limit(linux: FakeLinux) -> None:
    top = linux.version_2("/user", machine=True)
    for folder in (top, top / "user"):
        linux.write(folder / "cpuset.cpus.effective", "0-63\n")
        linux.write(folder / "cpu.stat", "usage_usec 5\n")

    assert read_limits(linux.proc) == Limits(None, None, top / "user" / "cpu.stat")
    assert machine_usage(linux.proc) == top / "cpu.stat"


def test_version_1_as_docker_mounts_it(linux: FakeLinux) -> None:
    cpu = linux.version_1("cpu,cpuacct", "/docker/abc", root="/docker/abc")
    cpuset = linux.version_1("cpuset", "/docker/abc", root="/docker/abc")
    memory = linux.version_1("memory", "/docker/abc", root="/docker/abc")
    linux.write(cpu / "cpu.cfs_quota_us", "50000\n")
    linux.write(cpu / "cpu.cfs_period_us", "100000\n")
    linux.write(cpu / "cpuacct.usage", "2500000000\n")
    linux.write(cpuset / "cpuset.effective_cpus", "0-3\n")
    linux.write(memory / "memory.limit_in_bytes", "1073741824\n")

    assert read_limits(linux.proc) == Limits(0.5, 2**30, cpu / "cpuacct.usage")
    assert container_cpu(linux.proc)() == pytest.approx(2.5)


def test_version_1_without_limits(linux: FakeLinux) -> None:
    cpu = linux.version_1("cpu,cpuacct")
    memory = linux.version_1("memory")
    linux.write(cpu / "cpu.cfs_quota_us", "-1\n")
    linux.write(cpu / "cpu.cfs_period_us", "100000\n")
    linux.write(cpu / "release_agent", "\n")
    linux.write(cpu / "cpuacct.usage", "7000000000\n")
    linux.write(memory / "memory.limit_in_bytes", "9223372036854771712\n")
    limits = read_limits(linux.proc)

    assert limits.thread_count is None
    assert limits.memory_bytes == 9223372036854771712
    assert machine_usage(linux.proc) == cpu / "cpuacct.usage"


def test_a_group_that_cannot_be_seen_from_here_is_the_top(linux: FakeLinux) -> None:
    top = linux.version_2("/somewhere/else", root="/docker/abc")
    linux.write(top / "cpu.max", "100000 100000\n")

    assert read_limits(linux.proc).thread_count == 1.0


@pytest.mark.parametrize(
    "text", ["", "garbage\n", "100000\n", "100000 0\n", "-5 100000\n", "1e5 100000\n"]
)
def test_a_quota_that_makes_no_sense_is_none(linux: FakeLinux, text: str) -> None:
    linux.write(linux.version_2() / "cpu.max", text)

    assert read_limits(linux.proc).thread_count is None


@pytest.mark.parametrize("text", ["", "a-b\n", "0-x\n", "-\n"])
def test_a_set_that_makes_no_sense_is_none(linux: FakeLinux, text: str) -> None:
    linux.write(linux.version_2() / "cpuset.cpus.effective", text)

    assert read_limits(linux.proc).thread_count is None


def test_blanks_in_a_mount_point(tmp_path: Path) -> None:
    linux = FakeLinux(tmp_path / "with blank")
    top = linux.version_2()
    linux.write(top / "cpu.max", "100000 50000\n")
    mountinfo = linux.proc / "self" / "mountinfo"
    mountinfo.write_text(mountinfo.read_text().replace("with blank", "with\\040blank"))

    assert read_limits(linux.proc).thread_count == 2.0


@pytest.mark.parametrize("name", ["cpu.stat", "cpuacct.usage"])
def test_cpu_time_is_read_through_one_descriptor(linux: FakeLinux, name: str) -> None:
    top = linux.version_2()
    linux.set_usage(top, 3.0)
    usage = CpuUsage(top / name)
    before = usage.read_s()
    linux.set_usage(top, 3.25)

    assert (before, usage.read_s()) == (pytest.approx(3.0), pytest.approx(3.25))
    usage.close()
    usage.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        usage.read_s()


def test_cpu_time_that_makes_no_sense_is_unknown(linux: FakeLinux) -> None:
    top = linux.version_2()
    linux.set_usage(top, 3.0)
    read = container_cpu(linux.proc)
    for name in ("cpu.stat", "cpuacct.usage"):
        linux.write(top / name, "garbage")

    assert read() is None


def test_the_tick_is_a_few_milliseconds() -> None:
    assert 1e-4 < tick_s() <= 0.01
