"""Measured CPU and memory energy: the RAPL counters that Linux offers as files under powercap.

Intel and AMD alike (the driver keeps Intel's names). One device for each package and each package's
memory; `psys` only where no package can be read, because some boards report a part of the platform
there and others all of it: it is never added to a package. Cores and graphics lie within their
package and are not shown. Nothing here guesses: a counter that cannot be read is a finding, a
reading that fails is an error.
"""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

from nbcarbon.core.device import CounterFile, Device, Kind, Provenance
from nbcarbon.core.trace import CounterReading
from nbcarbon.core.units import J_PER_UJ
from nbcarbon.errors import SensorDenied, SensorError, SensorLost, SensorReadError
from nbcarbon.ports import Discovery, Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

    from nbcarbon.ports import Clock

NAME = "rapl"
DRIVER = "intel-rapl"
COUNTER = "energy_uj"
REFRESH_S = 1e-3
"""The counters are updated about once a millisecond."""

PACKAGE_POWER_W = 1500.0
DRAM_POWER_W = 500.0
PLATFORM_POWER_W = 4000.0
"""Far above any real package: only a reset or garbage counts faster."""

PACKAGE_ERROR_FRACTION = 0.05
DRAM_ERROR_FRACTION = 0.1
"""Good on servers, a constant offset on desktops (Desrochers, Paradis and Weaver, MEMSYS 2016)."""
PLATFORM_ERROR_FRACTION = 0.1
"""What the board's maker counts as the platform differs."""

UNDISTURBED_S = 2e-4
"""A reading that took longer was interrupted in its middle: nobody knows when it was taken."""
TRIES = 3

LONGEST_TEXT = 32
DENIED = frozenset({errno.EACCES, errno.EPERM})
GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.EBADF, errno.ESTALE})

DENIED_TEXT = "not readable (energy_uj is root-only since CVE-2020-8694)."
DENIED_HINT = "To measure: ask your admin for group read access (docs: RAPL)."
ABSENT_TEXT = "CPU power: no RAPL here (VM, container or unsupported CPU)."
ABSENT_HINT = (
    "Virtual machines have none. Containers hide it on purpose (PLATYPUS): only if the admin agrees, "
    "mount /sys/class/powercap/intel-rapl read-only under another path and set powercap_root to it. "
    "AMD needs Linux 5.8, family 19h Linux 5.11."
)
"""Never advise to make the counters readable for everybody: they leak secrets (PLATYPUS)."""


class Files(Protocol):
    """How the tree is walked and its counters are read, so that a test can let each fail."""

    def names(self, folder: Path) -> list[str]: ...

    def open(self, path: str) -> int: ...

    def read(self, fd: int) -> bytes: ...

    def exists(self, fd: int) -> bool:
        """Whether the file behind this descriptor is still there."""


class KernelFiles:
    """The real ones: a kept descriptor, read from its beginning each time."""

    @staticmethod
    def names(folder: Path) -> list[str]:
        return sorted(each.name for each in folder.iterdir())

    @staticmethod
    def open(path: str) -> int:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)

    @staticmethod
    def read(fd: int) -> bytes:
        return os.pread(fd, LONGEST_TEXT, 0)

    @staticmethod
    def exists(fd: int) -> bool:
        return os.fstat(fd).st_nlink > 0


@dataclass(frozen=True, slots=True)
class _Zone:
    """One folder of the tree: `intel-rapl:0:2` holds the counter that its driver calls `dram`."""

    path: Path
    label: str

    @property
    def control(self) -> str:
        """Which driver offers it: intel-rapl (MSR) or intel-rapl-mmio, twins of one counter."""
        return self.path.name.partition(":")[0]

    @property
    def number(self) -> str:
        return self.path.name.partition(":")[2]


class RaplSensor:
    """One counter. A reading costs about two microseconds."""

    def __init__(self, device: Device, path: Path, clock: Clock, files: Files) -> None:
        self.device = device
        self._now_s = clock.monotonic_s
        self._files = files
        self._highest = device.wraps_at_j
        self._last = -1
        try:
            self._fd = files.open(str(path))
        except OSError as error:
            self._fail(error)

    def read(self) -> CounterReading:
        """Joules so far, at the middle of the call. Raises a SensorError."""
        for _ in range(TRIES):
            before_s = self._now_s()
            try:
                text = self._files.read(self._fd)
            except OSError as error:
                self._fail(error)
            after_s = self._now_s()
            if after_s - before_s <= UNDISTURBED_S:
                break
        digits = text.strip()
        if not digits.isdigit():
            raise SensorReadError(
                f"{self.device.name}: its counter reads {text[:LONGEST_TEXT]!r}.",
                hint="A gap until it reads a number again.",
            )
        count = int(digits)
        energy_j = count * J_PER_UJ
        if self._highest is not None and energy_j > self._highest:
            raise SensorReadError(
                f"{self.device.name}: its counter reads more than it can count to.",
                hint="A gap until it makes sense again.",
            )
        if count == self._last:
            self._check_still_there()
        self._last = count
        return CounterReading((before_s + after_s) / 2, energy_j)

    def _check_still_there(self) -> None:
        # A file that was removed goes on reading the same through a kept descriptor.
        try:
            if self._files.exists(self._fd):
                return
        except OSError as error:
            self._fail(error)
        self._fail(OSError(errno.ENOENT, "removed"))

    def _fail(self, error: OSError) -> NoReturn:
        if error.errno in DENIED:
            raise SensorDenied(f"{self.device.name}: {DENIED_TEXT}", hint=DENIED_HINT) from error
        if error.errno in GONE:
            raise SensorLost(
                f"{self.device.name}: its counter is gone.", hint="It is looked for again."
            ) from error
        raise SensorReadError(
            f"{self.device.name}: its counter cannot be read ({error.strerror or error}).",
            hint="A gap until it can be.",
        ) from error

    def own_fraction(self, pids: Collection[int]) -> float | None:
        """None: whose work a package did is told by CPU time, not by its counter."""
        return None

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


class RaplBackend:
    """Every package of this machine, with its memory; the platform where there is no package."""

    name = NAME

    def __init__(self, root: Path, clock: Clock, *, files: Files | None = None) -> None:
        self._root = root
        self._clock = clock
        self._files = files or KernelFiles()

    def discover(self) -> Discovery:
        """Sensors for all that can be read. Raises nothing."""
        try:
            zones = sorted(_zones(self._root, self._files), key=_order)
        except PermissionError:
            denied = Finding(NAME, "denied", f"CPU power: {DENIED_TEXT}", DENIED_HINT, notify=True)
            return Discovery((), (denied,))
        except OSError:
            zones = []
        found: dict[str, RaplSensor] = {}
        failed: dict[str, SensorError] = {}
        platforms: list[tuple[Device, _Zone]] = []
        for zone in zones:
            device = self._device(zone, zones)
            if device is None:
                continue
            if device.kind is Kind.PLATFORM:
                platforms.append((device, zone))
            elif device.id not in found:
                self._try(device, zone, found, failed)
        if not any(each.device.kind is Kind.CPU for each in found.values()):
            for device, zone in platforms:
                if device.id not in found:
                    self._try(device, zone, found, failed)
        findings = [*self._drop_mirrors(found), *_findings(found, failed)]
        return Discovery(tuple(found.values()), tuple(findings))

    def _try(
        self,
        device: Device,
        zone: _Zone,
        found: dict[str, RaplSensor],
        failed: dict[str, SensorError],
    ) -> None:
        """Take a counter if it can be read now; else note why not, and a twin may still be."""
        try:
            sensor = RaplSensor(device, zone.path / COUNTER, self._clock, self._files)
        except SensorError as error:
            failed.setdefault(device.id, error)
            return
        try:
            sensor.read()
        except SensorError as error:
            sensor.close()
            failed.setdefault(device.id, error)
            return
        found[device.id] = sensor
        failed.pop(device.id, None)

    def _device(self, zone: _Zone, zones: list[_Zone]) -> Device | None:
        """The device that a zone counts for, None for those within a package."""
        if zone.label.startswith("package-"):
            number = zone.label.removeprefix("package-")
            return self._counted(
                zone, f"cpu:{number}", Kind.CPU, f"CPU package {_spoken(number)}",
                PACKAGE_POWER_W, PACKAGE_ERROR_FRACTION,
            )  # fmt: skip
        if zone.label == "dram":
            number = _package_of(zone, zones)
            return self._counted(
                zone, f"dram:{number}", Kind.DRAM, f"memory of package {_spoken(number)}",
                DRAM_POWER_W, DRAM_ERROR_FRACTION,
            )  # fmt: skip
        if zone.label == "psys":
            return self._counted(
                zone, "psys", Kind.PLATFORM, "platform (psys)",
                PLATFORM_POWER_W, PLATFORM_ERROR_FRACTION,
            )  # fmt: skip
        return None

    @staticmethod
    def _counted(
        zone: _Zone, id: str, kind: Kind, name: str, max_power_w: float, error_fraction: float
    ) -> Device:
        highest = _text(zone.path / "max_energy_range_uj")
        return Device(
            id=id,
            kind=kind,
            name=name,
            provenance=Provenance.MEASURED,
            method="RAPL",
            error_fraction=error_fraction,
            max_power_w=max_power_w,
            resolution_s=REFRESH_S,
            # Without a range nobody knows where it wraps: a decrease is a gap then.
            wraps_at_j=int(highest) * J_PER_UJ if highest.isdigit() and int(highest) else None,
            counter_file=CounterFile(str(zone.path / COUNTER), J_PER_UJ),
        )

    @staticmethod
    def _drop_mirrors(found: dict[str, RaplSensor]) -> Iterator[Finding]:
        """Drop dies that show the counter of their whole package, as AMD's do on some kernels.

        Real counters of two dies have nothing in common; a mirror lies between two readings of the
        other one, but for one refresh.
        """
        slack_j = PACKAGE_POWER_W * REFRESH_S
        for second in [each for each in found.values() if "-die-" in each.device.id]:
            package = second.device.id.partition("-die-")[0]
            for first in list(found.values()):
                if first is second:
                    break
                if first.device.id.partition("-die-")[0] != package:
                    continue
                try:
                    low_j = first.read().energy_j - slack_j
                    inside = low_j <= second.read().energy_j <= first.read().energy_j + slack_j
                except SensorError:
                    continue
                if inside:
                    second.close()
                    del found[second.device.id]
                    yield Finding(
                        NAME,
                        "ok",
                        f"{second.device.name} shows the same counter as {first.device.name}: "
                        "counted once.",
                    )
                    break


def _zones(root: Path, files: Files) -> Iterator[_Zone]:
    """Every zone once, whether the tree is flat, nested or both.

    A zone's folder is named after its parent, which keeps the walk out of the links back up.
    """
    seen: set[str] = set()
    pending = [(root, DRIVER)]
    while pending:
        folder, prefix = pending.pop()
        try:
            names = files.names(folder)
        except OSError:
            if folder == root:
                raise
            continue
        for name in names:
            if not name.startswith(prefix) or name in seen:
                continue
            path = folder / name
            if not path.is_dir():
                continue
            seen.add(name)
            pending.append((path, f"{name}:"))
            if ":" in name:
                yield _Zone(path, _text(path / "name"))


def _order(zone: _Zone) -> tuple[bool, list[int]]:
    """The MSR driver before its twins, and zones as they are numbered."""
    numbers = [int(each) if each.isdigit() else 0 for each in zone.number.split(":")]
    return (zone.control != DRIVER, numbers)


def _package_of(zone: _Zone, zones: Iterable[_Zone]) -> str:
    """The number of the package that a zone lies under, its own number where it is at the top."""
    parent = zone.path.name.rpartition(":")[0]
    for each in zones:
        if each.path.name == parent and each.label.startswith("package-"):
            return each.label.removeprefix("package-")
    return zone.number


def _spoken(number: str) -> str:
    """`0-die-1` as `0 die 1`."""
    return number.replace("-", " ")


def _findings(found: Collection[str], failed: dict[str, SensorError]) -> Iterator[Finding]:
    if not found and not failed:
        yield Finding(NAME, "absent", ABSENT_TEXT, ABSENT_HINT, notify=True)
        return
    failed_cpus = [each for each in failed if not each.startswith("dram:")]
    if failed and not found and all(isinstance(each, SensorDenied) for each in failed.values()):
        # All of them, as on nearly every machine: one sentence, not one for each.
        yield Finding(NAME, "denied", f"CPU power: {DENIED_TEXT}", DENIED_HINT, notify=True)
        return
    for device_id, error in failed.items():
        status = {SensorDenied: "denied", SensorLost: "lost"}.get(type(error), "broken")
        yield Finding(
            NAME,
            status,
            f"{error.message} Not measured.",
            error.hint,
            notify=device_id in failed_cpus,
        )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
