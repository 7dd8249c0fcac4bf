"""NVIDIA GPUs through the driver's own library. Every call may hang: only the driver thread asks.

The total-energy counter where a GPU has one, else its power, sampled. What cannot be read is a
finding with a sentence, never 0 J. Devices are known by UUID, which outlives a driver reload, an
order of indices, a lost and found card.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from nbcarbon.core.device import Device, Kind, Provenance
from nbcarbon.core.escape import label
from nbcarbon.core.trace import CounterReading, PowerReading
from nbcarbon.core.units import J_PER_MJ, W_PER_MW
from nbcarbon.errors import (
    SensorDenied,
    SensorError,
    SensorLost,
    SensorReadError,
    SensorUnsupported,
)
from nbcarbon.ports import Discovery, Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from nbcarbon.core.trace import Reading
    from nbcarbon.ports import Clock

NAME: Final = "nvml"
PCI_FOLDER: Final = Path("/sys/bus/pci/devices")
NVIDIA_VENDOR: Final = "0x10de"

REFRESH_S: Final = 0.1
"""The slowest refresh of the energy counter that is known: 20 ms on some boards, 100 ms on others."""

ERROR_FRACTION: Final = 0.05
"""NVIDIA states +-5 W for the power readings of most boards, +-5 % for the rest."""

SAMPLED_ERROR_FRACTION: Final = 0.10
"""Power that is sampled misses what happens in between; some boards average over a part of the time."""

LIMIT_FACTOR: Final = 1.5
"""Short peaks go beyond the enforced limit: half as much again is possible, more is a broken reading."""

HIGHEST_POWER_W: Final = 2000.0

_UNSUPPORTED, _DENIED, _NOT_FOUND, _NO_DRIVER = (3, 25), 4, 6, 9
_NO_LIBRARY, _NO_FUNCTION, _LOST, _RESET, _MISMATCH = 12, 13, 15, 16, 18


class Gpu(NamedTuple):
    """One GPU as the driver lists it."""

    number: int
    uuid: str
    handle: Any


class Library:
    """The driver's library, open while a sensor needs it. Handles live as long as it is open."""

    def __init__(self) -> None:
        import pynvml

        self.nvml: Any = pynvml
        self._users: set[str] = set()
        self._open = False
        self._handles: dict[str, Any] = {}

    def open(self) -> None:
        """Raises NVMLError."""
        if not self._open:
            self.nvml.nvmlInit()
            self._open = True

    def close(self) -> None:
        self._handles.clear()
        if self._open:
            self._open = False
            try:
                self.nvml.nvmlShutdown()
            except self.nvml.NVMLError:
                return  # it is gone with its driver

    def use(self, uuid: str) -> None:
        self._users.add(uuid)

    def release(self, uuid: str) -> None:
        """Let go of one GPU; without any left the library is closed, and opened anew for the next."""
        self._users.discard(uuid)
        self._handles.pop(uuid, None)
        if not self._users:
            self.close()

    def handle(self, uuid: str) -> Any:
        """Raises NVMLError."""
        if uuid not in self._handles:
            self.open()
            self._handles[uuid] = self.nvml.nvmlDeviceGetHandleByUUID(uuid)
        return self._handles[uuid]


class NvmlSensor:
    """One GPU's energy counter, or its power."""

    def __init__(self, device: Device, gpu: Gpu, library: Library, clock: Clock) -> None:
        self.device = device
        self._gpu = gpu
        self._library = library
        self._clock = clock
        self._counter = device.method == COUNTER
        self._seen_us = 0
        library.use(gpu.uuid)

    def read(self) -> Reading:
        """Joules so far, or watts now. Raises a SensorError."""
        nvml = self._library.nvml
        try:
            handle = self._library.handle(self._gpu.uuid)
            if self._counter:
                energy_j = nvml.nvmlDeviceGetTotalEnergyConsumption(handle) * J_PER_MJ
                return CounterReading(self._clock.monotonic_s(), energy_j)
            power_w = nvml.nvmlDeviceGetPowerUsage(handle) * W_PER_MW
        except nvml.NVMLError as error:
            raise as_sensor_error(error, self._gpu.number) from None
        if power_w > self.device.max_power_w:
            raise SensorReadError(
                f"GPU {self._gpu.number}: {power_w:.0f} W is no possible power.",
                hint="A gap until it is one.",
            )
        return PowerReading(self._clock.monotonic_s(), power_w)

    def own_fraction(self, pids: Collection[int]) -> float | None:
        """These processes' part of the work since the last call.

        None where the driver does not tell it, or tells it of processes that we cannot see: in a
        container its process ids are the host's.
        """
        nvml = self._library.nvml
        try:
            handle = self._library.handle(self._gpu.uuid)
            busy = self._utilisation(handle)
            if sum(busy.values()) > 0:
                return _fraction(busy, pids)
            running = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
            return _fraction({each.pid: 1.0 for each in running}, pids)
        except nvml.NVMLError:
            return None

    def _utilisation(self, handle: Any) -> dict[int, float]:
        """Busy time of each process, in the driver's own unit."""
        nvml = self._library.nvml
        try:
            samples = nvml.nvmlDeviceGetProcessUtilization(handle, self._seen_us)
        except nvml.NVMLError as error:
            if error.value in (_NOT_FOUND, *_UNSUPPORTED):
                return {}
            raise
        busy: dict[int, float] = {}
        for sample in samples:
            self._seen_us = max(self._seen_us, sample.timeStamp)
            busy[sample.pid] = busy.get(sample.pid, 0.0) + sample.smUtil
        return busy

    def close(self) -> None:
        self._library.release(self._gpu.uuid)


COUNTER: Final = "NVML energy counter"
SAMPLED: Final = "NVML power samples"


class NvmlBackend:
    """The GPUs this process may see. `environ` is looked at anew at each discovery."""

    name = NAME

    def __init__(self, clock: Clock, environ: Mapping[str, str], *, pci: Path = PCI_FOLDER) -> None:
        self._clock = clock
        self._environ = environ
        self._pci = pci
        self._library: Library | None = None

    def discover(self) -> Discovery:
        """Every visible GPU that can be read, and a finding for each that cannot. Raises nothing."""
        if self._library is None:
            self._library = Library()
        library = self._library
        nvml = library.nvml
        try:
            library.open()
            count = nvml.nvmlDeviceGetCount()
        except nvml.NVMLError as error:
            library.close()
            return Discovery((), (self._no_library(error),))
        gpus: list[Gpu] = []
        findings: list[Finding] = []
        for index in range(count):
            try:
                handle = nvml.nvmlDeviceGetHandleByIndex(index)
                gpus.append(Gpu(index, _text(nvml.nvmlDeviceGetUUID(handle)), handle))
            except nvml.NVMLError as error:
                findings.append(_finding(as_sensor_error(error, index)))
        wanted = self._environ.get("CUDA_VISIBLE_DEVICES")
        visible = [gpu for gpu in gpus if gpu.number in visible_indices(wanted, gpus)]
        sensors = []
        for gpu in visible:
            found = self._sensor(gpu, library)
            if isinstance(found, NvmlSensor):
                sensors.append(found)
                if found.device.method == SAMPLED:
                    findings.append(_sampled(gpu))
            else:
                findings.append(found)
        if wanted is not None and "MIG-" in wanted:
            findings.append(_sliced("GPU"))
        if not count:
            findings.append(Finding(NAME, "absent", "GPU: the driver lists none."))
        return Discovery(tuple(sensors), tuple(findings))

    def _sensor(self, gpu: Gpu, library: Library) -> NvmlSensor | Finding:
        nvml = library.nvml
        try:
            if self._is_sliced(gpu):
                return _sliced(f"GPU {gpu.number}")
            method = COUNTER
            try:
                nvml.nvmlDeviceGetTotalEnergyConsumption(gpu.handle)
            except nvml.NVMLError as error:
                if error.value not in (*_UNSUPPORTED, _NO_FUNCTION):
                    raise
                method = SAMPLED
                nvml.nvmlDeviceGetPowerUsage(gpu.handle)
            name = label(_text(nvml.nvmlDeviceGetName(gpu.handle)))
        except nvml.NVMLError as error:
            if error.value in (*_UNSUPPORTED, _NO_FUNCTION):
                return _sliced(f"GPU {gpu.number}")
            return _finding(as_sensor_error(error, gpu.number))
        device = Device(
            id=f"gpu:{gpu.uuid}",
            kind=Kind.GPU,
            name=f"GPU {gpu.number} {name}",
            provenance=Provenance.MEASURED,
            method=method,
            error_fraction=ERROR_FRACTION if method == COUNTER else SAMPLED_ERROR_FRACTION,
            max_power_w=self._highest_power_w(gpu),
            resolution_s=REFRESH_S,
        )
        return NvmlSensor(device, gpu, library, self._clock)

    def _is_sliced(self, gpu: Gpu) -> bool:
        assert self._library is not None  # noqa: S101 (discover has made it)
        nvml = self._library.nvml
        try:
            return bool(nvml.nvmlDeviceGetMigMode(gpu.handle)[0])
        except nvml.NVMLError:
            return False  # no GPU that can be cut into slices

    def _highest_power_w(self, gpu: Gpu) -> float:
        assert self._library is not None  # noqa: S101 (discover has made it)
        nvml = self._library.nvml
        try:
            limit_w = nvml.nvmlDeviceGetEnforcedPowerLimit(gpu.handle) * W_PER_MW
        except nvml.NVMLError:
            return HIGHEST_POWER_W
        return min(HIGHEST_POWER_W, LIMIT_FACTOR * limit_w) if limit_w > 0 else HIGHEST_POWER_W

    def _no_library(self, error: Any) -> Finding:
        code = error.value
        if code == _MISMATCH:
            return _broken("driver and library versions differ.", "Reboot after a driver update.")
        if code == _NO_DRIVER:
            if not self._has_nvidia_card():
                return Finding(NAME, "absent", "GPU: no NVIDIA GPU found.")
            return _broken("driver not loaded.", "Load it, or reboot: nvidia-smi must work.")
        if code == _DENIED:
            text = "GPU: the driver may not be asked by this user."
            return Finding(NAME, "denied", text, "Ask your admin for access to /dev/nvidia*.", True)
        if code in (_NO_LIBRARY, _NO_FUNCTION):
            if not self._has_nvidia_card():
                return Finding(NAME, "absent", "GPU: no NVIDIA GPU found.")
            text = "no NVIDIA driver library found — no GPU energy is counted."
            return _broken(text, "In a container, start it with the GPU (--gpus all).")
        return _broken(f"the driver does not answer (NVML {code}).", "nvidia-smi may say more.")

    def _has_nvidia_card(self) -> bool:
        try:
            return any(
                (each / "vendor").read_text(encoding="ascii").strip() == NVIDIA_VENDOR
                for each in self._pci.iterdir()
            )
        except (OSError, UnicodeDecodeError):
            return False


def visible_indices(wanted: str | None, gpus: Collection[Gpu]) -> frozenset[int]:
    """The GPUs that CUDA_VISIBLE_DEVICES lets a program see: all without it.

    By index or by the beginning of a UUID; like CUDA, it stops at the first entry that is none.
    """
    indices = {gpu.number for gpu in gpus}
    if wanted is None:
        return frozenset(indices)
    visible: set[int] = set()
    for entry in wanted.split(","):
        text = entry.strip()
        if text.isdecimal():
            found = [int(text)] if int(text) in indices else []
        elif text.upper().startswith("GPU-"):
            found = [gpu.number for gpu in gpus if gpu.uuid.lower().startswith(text.lower())]
        else:
            found = []
        if len(found) != 1:
            break
        visible.update(found)
    return frozenset(visible)


def as_sensor_error(error: Any, index: int) -> SensorError:
    """What an NVML error means for one GPU."""
    code = error.value
    if code in (_LOST, _RESET):
        state = "lost" if code == _LOST else "needs a reset"
        return SensorLost(
            f"GPU {index}: {state} (NVML {code}). Energy after that is not counted.",
            hint="It is looked for again.",
        )
    if code == _DENIED:
        return SensorDenied(
            f"GPU {index}: the driver denies reading it (NVML {code}). It is not counted.",
            hint="Ask your admin for access.",
        )
    if code in (*_UNSUPPORTED, _NO_FUNCTION):
        return SensorUnsupported(
            f"GPU {index}: it does not report energy or power (NVML {code}). It is not counted."
        )
    return SensorReadError(
        f"GPU {index}: it could not be read (NVML {code}).", hint="A gap until it can."
    )


def _finding(error: SensorError) -> Finding:
    status = {SensorLost: "lost", SensorDenied: "denied", SensorUnsupported: "unsupported"}.get(
        type(error), "broken"
    )
    return Finding(NAME, status, error.message, error.hint, notify=True)


def _sampled(gpu: Gpu) -> Finding:
    text = (
        f"GPU {gpu.number}: no energy counter; integrating power samples "
        "(error larger for short cells)."
    )
    return Finding(NAME, "ok", text, notify=True)


def _sliced(what: str) -> Finding:
    text = f"{what}: power is not reported for MIG/vGPU slices; not counted."
    return Finding(NAME, "unsupported", text, notify=True)


def _broken(text: str, hint: str) -> Finding:
    return Finding(NAME, "broken", f"GPU: {text}", hint, notify=True)


def _fraction(busy: Mapping[int, float], pids: Collection[int]) -> float | None:
    ours = sum(each for pid, each in busy.items() if pid in pids)
    if not busy or (not ours and any(not Path(f"/proc/{pid}").exists() for pid in busy)):
        return None
    return ours / sum(busy.values())


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
