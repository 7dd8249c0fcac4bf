"""Which CPU this machine has, and what it draws by published figures.

By its name where one is told, by its CPUID numbers where a hypervisor hides the name. It reads
/proc/cpuinfo (a program that asks the CPU itself takes a second) and looks up one line in each of
three tables; it keeps nothing and measures nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from nbcarbon.core.power_model import CpuPower, from_tdp
from nbcarbon.hardware.tables import read_rows

TABLES = Path(__file__).parent / "data"
PROC = Path("/proc")

UNKNOWN_KEY = "unknown CPU"
UNKNOWN_ERROR_FRACTION = 1.0
"""Anything from nothing to twice the figure: all that is known is that it is a CPU."""

TDP_SOURCE = "rated power as collected by CodeCarbon and eco2AI, 0.12 of it idle, 1.02 at full load"

_TDP_HEADER = b"\nmodel,tdp_w"

_NO_NAME = frozenset(
    {"amd", "apu", "cpu", "dual-core", "eight-core", "intel", "processor", "quad-core", "qualcomm",
     "six-core", "sixteen-core", "triple-core", "twelve-core", "with", "w/", "x-series"}
)  # fmt: skip
_WORKSTATION = ("core(tm)", "ryzen", "threadripper", "xeon(r) w")
"""Names of parts that share their CPUID numbers with a server part, and none of its server."""


@dataclass(frozen=True, slots=True)
class CpuIdentity:
    """What a CPU says of itself. Numbers are -1 and texts empty where it does not say.

    On Arm, `family` is 0 and `model` is the part number. `virtual`: a hypervisor stands between, so
    `thread_count` may be a part of the real one.
    """

    vendor: str
    family: int
    model: int
    stepping: int
    name: str
    thread_count: int
    package_count: int = 1
    virtual: bool = False


def this_cpu(proc: Path = PROC) -> CpuIdentity:
    """The CPU of this machine. Raises nothing."""
    try:
        text = (proc / "cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    return identify(text) if "processor" in text else _identify_portably()


def identify(proc_cpuinfo_text: str) -> CpuIdentity:
    """The CPU that the text of /proc/cpuinfo describes."""
    first: dict[str, str] = {}
    packages: set[str] = set()
    thread_count = 0
    for line in proc_cpuinfo_text.splitlines():
        key, _, value = line.partition(":")
        key, value = key.strip(), value.strip()
        if key == "processor" and value.isdigit():
            thread_count += 1
        elif key == "physical id":
            packages.add(value)
        if key:
            first.setdefault(key, value)
    on_arm = "CPU implementer" in first
    return CpuIdentity(
        vendor=f"Arm {first['CPU implementer']}" if on_arm else first.get("vendor_id", ""),
        family=0 if on_arm else _integer(first.get("cpu family", "")),
        model=_integer(first.get("CPU part" if on_arm else "model", "")),
        stepping=_integer(first.get("CPU revision" if on_arm else "stepping", "")),
        name=first.get("model name", ""),
        thread_count=max(1, thread_count),
        package_count=max(1, len(packages)),
        virtual="hypervisor" in first.get("flags", "").split(),
    )


def cpu_power(identity: CpuIdentity, tables: Path = TABLES) -> CpuPower:
    """What this CPU draws, by the best published figure there is for it.

    A server's whole power by its generation, else the rated power of the model, else an average with
    an interval from nothing to twice that. `tables` is a folder with cpuid_models.csv,
    cpu_power_model.csv and cpu_tdp.csv. Raises OSError where they are missing.
    """
    key = _generation(identity, tables)
    if key is not None:
        return _by_generation(key, identity, tables, model=key)
    unknown = _by_generation(
        UNKNOWN_KEY, identity, tables, model=_clean(identity.name) or UNKNOWN_KEY
    )
    tdp_w = rated_power_w(identity.name, tables)
    if tdp_w is None:
        return unknown
    found = from_tdp(
        _clean(identity.name),
        tdp_w,
        thread_count=identity.thread_count,
        package_count=identity.package_count,
        source=TDP_SOURCE,
    )
    likely_w = unknown.thread_full_w * (1 + unknown.error_fraction)
    if identity.virtual and found.thread_full_w > likely_w:
        # We have few threads of many, and nobody tells how many there are.
        return replace(unknown, whole_server=False)
    return found


def rated_power_w(name: str, tables: Path = TABLES) -> float | None:
    """The rated power (TDP) in watts of a CPU by its name, None where it is not in the table."""
    wanted = normalise(name)
    if not wanted:
        return None
    # 100 kB in one piece and one search: no table is ever built in memory.
    data = (tables / "cpu_tdp.csv").read_bytes()
    start = data.find(_TDP_HEADER) + len(_TDP_HEADER)
    _, found, rest = data[start:].partition(f"\n{wanted},".encode())
    return float(rest.partition(b"\n")[0]) if found else None


def normalise(name: str) -> str:
    """A CPU's name as the table of rated powers writes it: without maker, clock and core count."""
    text = name.lower().replace("(r)", " ").replace("(tm)", "").replace("core2", "core 2")
    text = text.partition("@")[0].partition(" with ")[0].partition(" w/ ")[0].replace(",", " ")
    words = text.split()
    kept = [
        word
        for position, word in enumerate(words)
        if word not in _NO_NAME
        and word != "gen"
        and not (position + 1 < len(words) and words[position + 1] == "gen")
        and not (word.endswith("-core") and word[:1].isdigit())
    ]
    return " ".join(kept)


def _generation(identity: CpuIdentity, tables: Path) -> str | None:
    """The server generation that the CPUID numbers name, None where there is none."""
    name = identity.name.lower()
    if any(each in name for each in _WORKSTATION):
        return None
    for row in read_rows(tables / "cpuid_models.csv"):
        vendor, family, model_low, model_high, stepping_low, stepping_high, in_name, key = row
        if (
            vendor == identity.vendor
            and int(family) == identity.family
            and int(model_low) <= identity.model <= int(model_high)
            and int(stepping_low) <= identity.stepping <= int(stepping_high)
            and in_name.lower() in name
        ):
            return key
    return None


def _by_generation(key: str, identity: CpuIdentity, tables: Path, *, model: str) -> CpuPower:
    for row in read_rows(tables / "cpu_power_model.csv"):
        if row[0] == key:
            _, idle_w, full_w, _, error_fraction, source, _ = row
            return CpuPower(
                model=model,
                thread_idle_w=float(idle_w),
                thread_full_w=float(full_w),
                thread_count=identity.thread_count,
                error_fraction=float(error_fraction),
                whole_server=True,
                source=source,
                method="generic model" if key == UNKNOWN_KEY else "server model",
            )
    raise LookupError(f"cpu_power_model.csv has no row {key!r}")


def _identify_portably() -> CpuIdentity:
    """Systems without /proc: a name at best (`Intel64 Family 6 Model 142 Stepping 10, GenuineIntel`)."""
    import os
    import platform

    text = platform.processor()
    words = text.replace(",", " ").split()
    numbers = dict(pairwise(words))
    return CpuIdentity(
        vendor=text.rpartition(",")[2].strip() if "Family" in numbers else "",
        family=_integer(numbers.get("Family", "")),
        model=_integer(numbers.get("Model", "")),
        stepping=_integer(numbers.get("Stepping", "")),
        name="" if "Family" in numbers else text or platform.machine(),
        thread_count=os.cpu_count() or 1,
    )


def _clean(name: str) -> str:
    """A name as a table shows it."""
    plain = name.partition("@")[0].replace("(R)", "").replace("(TM)", "").replace("(tm)", "")
    return " ".join(word for word in plain.split() if word not in ("CPU", "Processor"))


def _integer(text: str) -> int:
    """A number that may be written as 0xd0c; -1 where it is none."""
    try:
        return int(text, 0)
    except ValueError:
        return -1
