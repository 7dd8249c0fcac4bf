"""Which CPU, and what it draws: by name, by numbers where the name is hidden, honestly else."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from nbcarbon.hardware import cpu
from nbcarbon.hardware.cpu import (
    TABLES,
    CpuIdentity,
    cpu_power,
    identify,
    normalise,
    rated_power_w,
    this_cpu,
)

if TYPE_CHECKING:
    from pathlib import Path


def cpuinfo(
    vendor: str,
    family: int,
    model: int,
    stepping: int,
    name: str,
    *,
    threads: int = 4,
    packages: int = 1,
    flags: str = "fpu sse",
) -> str:
    """/proc/cpuinfo as x86 writes it."""
    return "\n".join(
        f"processor\t: {number}\nvendor_id\t: {vendor}\ncpu family\t: {family}\n"
        f"model\t\t: {model}\nmodel name\t: {name}\nstepping\t: {stepping}\n"
        f"physical id\t: {number % packages}\nflags\t\t: {flags}\npower management:\n"
        for number in range(threads)
    )


INTEL, AMD = "GenuineIntel", "AuthenticAMD"

GRAVITON = """processor\t: 0
BogoMIPS\t: 2100.00
Features\t: fp asimd evtstrm aes
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x1
CPU part\t: 0xd40
CPU revision\t: 1

processor\t: 1
CPU implementer\t: 0x41
CPU part\t: 0xd40
"""


def test_what_a_cpu_says_of_itself() -> None:
    text = cpuinfo(INTEL, 6, 106, 6, "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz", threads=8,
                   packages=2, flags="fpu hypervisor lm")  # fmt: skip

    assert identify(text) == CpuIdentity(
        vendor=INTEL,
        family=6,
        model=106,
        stepping=6,
        name="Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz",
        thread_count=8,
        package_count=2,
        virtual=True,
    )


def test_arm_says_it_in_other_words() -> None:
    found = identify(GRAVITON)

    assert (found.vendor, found.family, found.model) == ("Arm 0x41", 0, 0xD40)
    assert (found.name, found.thread_count) == ("", 2)
    assert cpu_power(found).model == "Arm Neoverse server"
    assert cpu_power(found).error_fraction == 1.0, "nobody publishes a figure for these"


@pytest.mark.parametrize("text", ["", "garbage", "processor\t: x\nmodel\t: y\n", "\x00\xff" * 99])
def test_garbage_is_a_cpu_that_nobody_knows(text: str) -> None:
    found = cpu_power(identify(text))

    assert (found.model, found.method, found.thread_count) == ("unknown CPU", "generic model", 1)
    assert found.error_fraction == 1.0


@pytest.mark.parametrize(
    ("vendor", "family", "model", "stepping", "name", "key"),
    [
        (AMD, 26, 2, 1, "AMD EPYC", "AMD EPYC gen 5 (Turin)"),
        (AMD, 26, 17, 0, "AMD EPYC 9965 192-Core Processor", "AMD EPYC gen 5 (Turin)"),
        (AMD, 26, 0, 0, "AMD EPYC-Turin Processor", "AMD EPYC gen 5 (Turin)"),
        (AMD, 25, 17, 1, "AMD EPYC 9R14", "AMD EPYC gen 4 (Genoa/Bergamo/Siena)"),
        (AMD, 25, 160, 2, "AMD EPYC 9754 128-Core Processor",
         "AMD EPYC gen 4 (Genoa/Bergamo/Siena)"),
        (AMD, 25, 1, 1, "AMD EPYC 7763 64-Core Processor", "AMD EPYC gen 3 (Milan)"),
        (AMD, 23, 49, 0, "AMD EPYC 7B12", "AMD EPYC gen 2 (Rome)"),
        (AMD, 23, 1, 2, "AMD EPYC 7571", "AMD EPYC gen 1 (Naples)"),
        (INTEL, 6, 85, 3, "Intel(R) Xeon(R) Platinum 8124M CPU @ 3.00GHz",
         "Intel Xeon Skylake-SP"),
        (INTEL, 6, 85, 4, "Intel Xeon Processor (Skylake, IBRS)", "Intel Xeon Skylake-SP"),
        (INTEL, 6, 85, 7, "Intel(R) Xeon(R) Platinum 8259CL CPU @ 2.50GHz",
         "Intel Xeon Cascade Lake-SP"),
        (INTEL, 6, 85, 11, "Intel(R) Xeon(R) Platinum 8380H", "Intel Xeon Ice/Cooper Lake-SP"),
        (INTEL, 6, 106, 6, "Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz",
         "Intel Xeon Ice/Cooper Lake-SP"),
        (INTEL, 6, 134, 0, "Intel Xeon Processor (Icelake)", "Intel Xeon Ice/Cooper Lake-SP"),
        (INTEL, 6, 143, 8, "Intel(R) Xeon(R) Platinum 8488C", "Intel Xeon Sapphire Rapids"),
        (INTEL, 6, 207, 2, "INTEL(R) XEON(R) PLATINUM 8581C CPU @ 2.30GHz",
         "Intel Xeon Emerald Rapids"),
        (INTEL, 6, 173, 1, "Intel(R) Xeon(R) 6975P-C",
         "Intel Xeon 6 (Granite Rapids/Sierra Forest)"),
        (INTEL, 6, 175, 3, "Intel(R) Xeon(R) 6780E",
         "Intel Xeon 6 (Granite Rapids/Sierra Forest)"),
        (INTEL, 6, 79, 0, "Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel Xeon Broadwell"),
        (INTEL, 6, 63, 2, "Intel(R) Xeon(R) CPU E5-2676 v3 @ 2.40GHz", "Intel Xeon Haswell"),
        (INTEL, 6, 60, 1, "Intel Core Processor (Haswell, no TSX)", "Intel Xeon Haswell"),
    ],
)  # fmt: skip
def test_servers_are_known_by_their_numbers(
    vendor: str, family: int, model: int, stepping: int, name: str, key: str
) -> None:
    found = cpu_power(identify(cpuinfo(vendor, family, model, stepping, name)))

    assert (found.model, found.method, found.whole_server) == (key, "server model", True)
    assert found.thread_count == 4
    assert 0 < found.thread_idle_w < found.thread_full_w


@pytest.mark.parametrize(
    ("vendor", "family", "model", "stepping", "name", "tdp_w"),
    [
        (INTEL, 6, 140, 1, "11th Gen Intel(R) Core(TM) i7-1165G7 @ 2.80GHz", 28),
        (INTEL, 6, 158, 10, "Intel(R) Core(TM) i7-8700K CPU @ 3.70GHz", 95),
        (INTEL, 6, 85, 4, "Intel(R) Core(TM) i9-9980XE CPU @ 3.00GHz", 165),
        (INTEL, 6, 85, 7, "Intel(R) Xeon(R) W-2295 CPU @ 3.00GHz", 165),
        (AMD, 23, 1, 1, "AMD Ryzen Threadripper 1950X 16-Core Processor", 180),
        (AMD, 23, 49, 0, "AMD Ryzen Threadripper 3970X 32-Core Processor", 280),
        (AMD, 25, 33, 0, "AMD Ryzen 7 5800X 8-Core Processor", 105),
        (AMD, 25, 80, 0, "AMD Ryzen 7 PRO 5850U with Radeon Graphics", 15),
    ],
)
def test_other_parts_are_known_by_their_names(
    vendor: str, family: int, model: int, stepping: int, name: str, tdp_w: float
) -> None:
    found = cpu_power(identify(cpuinfo(vendor, family, model, stepping, name, threads=16)))

    assert (found.method, found.whole_server) == ("TDP model", False)
    assert found.power_w(0.0) == pytest.approx(0.12 * tdp_w)
    assert found.power_w(1.0) == pytest.approx(1.02 * tdp_w)
    assert found.error_fraction == 0.5


def test_two_packages_have_twice_the_rated_power() -> None:
    text = cpuinfo(INTEL, 6, 44, 2, "Intel(R) Xeon(R) CPU           E5645  @ 2.40GHz",
                   threads=24, packages=2)  # fmt: skip

    assert cpu_power(identify(text)).power_w(1.0) == pytest.approx(2 * 80 * 1.02)


def test_few_threads_of_a_hidden_package_do_not_get_all_of_its_power() -> None:
    name = "Intel(R) Core(TM) i9-13900K"
    virtual = cpuinfo(INTEL, 6, 183, 1, name, threads=2, flags="hypervisor")
    whole = cpuinfo(INTEL, 6, 183, 1, name, threads=32, flags="hypervisor")
    few, all_of_it = cpu_power(identify(virtual)), cpu_power(identify(whole))

    assert few.power_w(1.0) < 10.0
    assert (few.error_fraction, few.whole_server) == (1.0, False)
    assert all_of_it.power_w(1.0) == pytest.approx(1.02 * 125)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", "xeon e5-2680 v4"),
        ("Intel(R) Core(TM)2 Duo CPU     E8400  @ 3.00GHz", "core 2 duo e8400"),
        ("AMD FX(tm)-8350 Eight-Core Processor", "fx-8350"),
        ("AMD Ryzen 9 7940HS w/ Radeon 780M Graphics", "ryzen 9 7940hs"),
        ("12th Gen Intel(R) Core(TM) i5-12400", "core i5-12400"),
        ("AMD EPYC 7763 64-Core Processor", "epyc 7763"),
        ("Intel(R) N100", "n100"),
        ("", ""),
        ("CPU Processor", ""),
    ],
)
def test_names_are_written_as_the_table_writes_them(name: str, expected: str) -> None:
    assert normalise(name) == expected


def test_no_name_has_a_rated_power_by_accident() -> None:
    for name in ("", "CPU", "tdp_w", "model", "65", "core i7", ",", "\n"):
        assert rated_power_w(name) is None, name


# The tables


def rows(name: str) -> list[list[str]]:
    lines = (TABLES / name).read_text(encoding="utf-8").splitlines()
    found = [each.split(",") for each in lines if not each.startswith("#")]
    assert {len(each) for each in found} == {len(found[0])}, "a field holds a comma"
    return found[1:]


def test_every_rated_power_can_be_found() -> None:
    table = rows("cpu_tdp.csv")

    assert len(table) > 5000
    assert len({model for model, _ in table}) == len(table)
    for model, tdp_w in table:
        assert normalise(model) == model
        assert 0 < float(tdp_w) <= 700
    for model, tdp_w in table[::50]:
        assert rated_power_w(model) == float(tdp_w)


def test_every_generation_has_its_power_and_is_used() -> None:
    powers = {row[0]: row for row in rows("cpu_power_model.csv")}
    keys = {row[-1] for row in rows("cpuid_models.csv")}

    assert keys == powers.keys() - {"unknown CPU"}
    for key, idle_w, full_w, _, error_fraction, source, licence in powers.values():
        assert 0 < float(idle_w) < float(full_w) < 10, key
        assert 0.5 <= float(error_fraction) <= 1
        assert source
        assert licence


def test_no_numbers_name_two_generations() -> None:
    table = rows("cpuid_models.csv")
    for position, one in enumerate(table):
        for other in table[position + 1 :]:
            same = one[:2] == other[:2] and one[6] == other[6]
            models = int(one[2]) <= int(other[3]) and int(other[2]) <= int(one[3])
            steppings = int(one[4]) <= int(other[5]) and int(other[4]) <= int(one[5])
            assert not (same and models and steppings), (one, other)


def test_a_table_without_its_row_is_an_error(tmp_path: Path) -> None:
    for name in ("cpuid_models.csv", "cpu_power_model.csv"):
        (tmp_path / name).write_text("header\n")

    with pytest.raises(LookupError, match="unknown CPU"):
        cpu_power(identify(""), tmp_path)


def test_looking_up_builds_no_table_in_memory() -> None:
    identity = identify(cpuinfo(AMD, 25, 33, 0, "AMD Ryzen 7 5800X 8-Core Processor"))
    tracemalloc.start()
    try:
        cpu_power(identity)
        kept, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 500_000
    assert kept < 20_000


# This machine


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has /proc/cpuinfo")
def test_this_machine_has_a_cpu() -> None:
    found = this_cpu()

    assert found.thread_count == os.cpu_count()
    assert cpu_power(found).power_w(1.0) > 0


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("Intel64 Family 6 Model 143 Stepping 8, GenuineIntel", "Intel Xeon Sapphire Rapids"),
        ("AMD64 Family 25 Model 1 Stepping 1, AuthenticAMD", "AMD EPYC gen 3 (Milan)"),
        ("arm", "arm"),
    ],
)
def test_without_proc_the_platform_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, expected: str
) -> None:
    monkeypatch.setattr("platform.processor", lambda: told)

    assert cpu_power(this_cpu(tmp_path)).model == expected


def test_without_any_name_the_machine_is_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.processor", lambda: "")
    found = this_cpu(tmp_path)

    assert found.name == platform.machine()
    assert (found.vendor, found.model) == ("", -1)


def test_importing_it_costs_little() -> None:
    program = f"import sys; import {cpu.__name__}; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )

    assert not {"csv", "psutil", "asyncio", "platform", "importlib.resources"} & set(
        done.stdout.split()
    )
