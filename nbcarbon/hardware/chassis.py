"""What machine this is, and so what making it emitted: a laptop, a desktop, a server with so much in it.

By what its firmware says of itself in /sys/class/dmi/id, which everybody may read. A virtual machine
hides what it runs on, and how much of that is its own: its hardware is not known until somebody says it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from nbcarbon.core.device import Kind, Provenance
from nbcarbon.core.units import BYTES_PER_GB, G_PER_KG
from nbcarbon.errors import SettingError
from nbcarbon.hardware import embodied
from nbcarbon.hardware.cpu import this_cpu

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from nbcarbon.core.device import Device
    from nbcarbon.core.embodied import Manufactured

DMI: Final = Path("/sys/class/dmi/id")
PROC: Final = Path("/proc")

AUTO: Final = "auto"
NONE: Final = "none"
SET: Final = "set"
"""The key of a row that the user made: kilograms."""

THIS_MACHINE: Final = "this machine"
BASE_MEMORY_GB: Final = 16.0
"""What the table's server holds before anything is added to it."""

BYTES_PER_KIB: Final = 1024

_LAPTOPS: Final = frozenset({"8", "9", "10", "14", "30", "31", "32"})
_DESKTOPS: Final = frozenset({"3", "4", "5", "6", "7", "13", "15", "16", "24", "34", "35", "36"})
_SERVERS: Final = frozenset({"17", "23", "25", "28", "29"})
"""Chassis types by the SMBIOS specification (DSP0134, 7.4.1)."""

_MODELS: Final = {
    "XPS 13 9310": "dell-xps-13-9310",
    "PowerEdge R740": "dell-r740",
    "PowerEdge C4140": "dell-c4140",
    "ProLiant DL345 Gen10 Plus": "hpe-dl345",
}
_MAKERS: Final = {"dell": "laptop-dell", "hp": "laptop-hp", "hewlett": "laptop-hp", "apple": "laptop-apple"}  # fmt: skip


class Chassis(NamedTuple):
    """What a machine says of itself; texts are empty and numbers 0 where it does not."""

    kind: str = ""
    maker: str = ""
    product: str = ""
    virtual: bool = False
    package_count: int = 1
    memory_gb: float = 0.0


class Assumed(NamedTuple):
    """What the user set. `hardware` is a row's key, kilograms, `auto` or `none`; 0 is not set."""

    hardware: str = AUTO
    share_fraction: float = 1.0
    lifetime_years: float = 0.0
    utilisation: float = 0.0

    @classmethod
    def of(cls, settings: Mapping[str, str]) -> Assumed:
        """What a session's settings say; they were checked when they were set."""
        return cls(
            settings.get("hardware", AUTO),
            float(settings.get("hardware_share", "1")),
            float(settings.get("lifetime_years", "0")),
            float(settings.get("utilisation", "0")),
        )


def checked(text: str) -> str:
    """A setting of `hardware` as it is kept. Raises SettingError, naming what there is."""
    wanted = text.strip().casefold()
    if wanted in (AUTO, NONE):
        return wanted
    row = _set(wanted)
    return wanted if row.key == SET else row.key


def this_chassis(dmi: Path = DMI, proc: Path = PROC) -> Chassis:
    """This machine's. Raises nothing."""
    cpu = this_cpu(proc)
    number = _text(dmi / "chassis_type")
    kinds = {"laptop": _LAPTOPS, "desktop": _DESKTOPS, "server": _SERVERS}
    return Chassis(
        next((kind for kind, numbers in kinds.items() if number in numbers), ""),
        _text(dmi / "sys_vendor"),
        _text(dmi / "product_name"),
        cpu.virtual,
        cpu.package_count,
        _memory_gb(proc),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _memory_gb(proc: Path) -> float:
    for line in _text(proc / "meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == "MemTotal":
            return int(value.split()[0]) * BYTES_PER_KIB / BYTES_PER_GB
    return 0.0


def hardware_of(
    chassis: Chassis, devices: Iterable[Device], assumed: Assumed
) -> tuple[tuple[Manufactured, ...], tuple[str, ...]]:
    """What making a machine with these devices emitted, and the hardware of which nothing is known.

    Raises SettingError where what was set is no hardware.
    """
    if assumed.hardware == NONE:
        return (), ()
    machine, personal = _machine(chassis, assumed)
    made = [*machine, *_gpus(chassis, devices, assumed, personal)]
    hidden = " (a virtual machine hides what it runs on)" if chassis.virtual else ""
    return tuple(made), () if machine else (f"{THIS_MACHINE}{hidden}",)


def _machine(chassis: Chassis, assumed: Assumed) -> tuple[list[Manufactured], bool]:
    """The machine around the GPUs, and whether it is somebody's own."""
    given = {
        "share_fraction": assumed.share_fraction,
        "lifetime_years": assumed.lifetime_years or None,
        "utilisation": assumed.utilisation or None,
    }
    if assumed.hardware != AUTO:
        row = _set(assumed.hardware)
        return [embodied.manufactured(row, **given)], row.category in embodied.PERSONAL  # type: ignore[arg-type]
    personal = chassis.kind in embodied.PERSONAL
    if chassis.virtual or not chassis.kind:
        return [], personal
    key = _MODELS.get(chassis.product)
    if key is None and chassis.kind == "server":
        # The footprints of servers are those of small ones: this one is built up of its parts.
        return [embodied.manufactured(_built(chassis), **given)], False  # type: ignore[arg-type]
    if key is None and chassis.kind == "laptop":
        maker = chassis.maker.casefold()
        key = next((row for name, row in _MAKERS.items() if maker.startswith(name)), None)
    return [embodied.manufactured(embodied.find(key or chassis.kind), **given)], personal  # type: ignore[arg-type]


def _set(text: str) -> embodied.EmbodiedRow:
    """The row of a key, or one made of kilograms: `1500 kg`, `1500`."""
    number = text.strip().removesuffix("kg").strip()
    try:
        emissions_g = float(number) * G_PER_KG
    except ValueError:
        return embodied.find(text)
    if not 0 < emissions_g < 1e12:
        raise SettingError(f"hardware cannot be {text[:40]!r}.", hint="Use kilograms: 1500 kg.")
    return embodied.EmbodiedRow(
        SET, f"{number} kg", "server", emissions_g, emissions_g, emissions_g, None,
        "set by you", "set by you",
    )  # fmt: skip


def _built(chassis: Chassis) -> embodied.EmbodiedRow:
    """A server of its parts: a base with one CPU and 16 GB, more CPUs, more memory."""
    rows = {each.key: each for each in embodied.known()}
    base, cpu, dram = rows["server-base"], rows["cpu"], rows["dram-gb"]
    more_cpus = max(0, chassis.package_count - 1)
    more_gb = max(0.0, chassis.memory_gb - BASE_MEMORY_GB)

    def summed(field: str) -> float:
        return float(
            getattr(base, field) + more_cpus * getattr(cpu, field) + more_gb * getattr(dram, field)
        )

    cpus = f"{chassis.package_count} CPU{'' if chassis.package_count == 1 else 's'}"
    return embodied.EmbodiedRow(
        "built", f"server with {cpus} and {chassis.memory_gb:.0f} GB", "server",
        summed("emissions_g"), summed("low_g"), summed("high_g"), base.lifetime_years,
        base.boundary, base.source,
    )  # fmt: skip


def _gpus(
    chassis: Chassis, devices: Iterable[Device], assumed: Assumed, personal: bool
) -> list[Manufactured]:
    """Each GPU that is a card of its own: a laptop's is in the laptop's figure already."""
    if chassis.kind == "laptop":
        return []
    return [
        embodied.manufactured(
            embodied.gpu_row(device.name),
            device_id=device.id,
            personal=personal,
            lifetime_years=assumed.lifetime_years or None,
            utilisation=assumed.utilisation or None,
        )
        for device in devices
        if device.kind is Kind.GPU and device.provenance is Provenance.MEASURED
    ]
