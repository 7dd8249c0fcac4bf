"""Measured GPU energy: what NVIDIA's driver counts, through the pynvml binding of nvidia-ml-py.

One device for each GPU that CUDA may use here, known by its UUID: indices change, UUIDs stay. The
energy counter where there is one, samples of the power where not. A GPU that reports neither is a
finding, never a device with 0 J, and one that fails hides no other. Counters that begin again at
zero are no concern of this module: a trace resolves them.
"""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbcarbon.core.device import Device, Kind, Provenance
from nbcarbon.core.escape import label
from nbcarbon.core.trace import CounterReading, PowerReading
from nbcarbon.core.units import J_PER_MJ, S_PER_US, W_PER_MW
from nbcarbon.errors import (
    SensorDenied,
    SensorError,
    SensorLost,
    SensorReadError,
    SensorUnsupported,
)
from nbcarbon.ports import Discovery, Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from nbcarbon.core.trace import Reading
    from nbcarbon.ports import Clock

NAME = "nvml"
VISIBLE = "CUDA_VISIBLE_DEVICES"
ORDER = "CUDA_DEVICE_ORDER"
LIBRARY = "libnvidia-ml.so.1"
PCI = Path("/sys/bus/pci/devices")
PROC = Path("/proc")

REFRESH_S = 0.1
"""Counter and power are updated every 20 to 100 ms, depending on the GPU: the slowest of them."""
COUNTER_ERROR_FRACTION = 0.05
"""NVIDIA gives 5 % (or 5 W) for the power of its GPUs; on more than 70 of them it was proportional."""
QUARTER_WINDOW_S = 0.025
QUARTER_ERROR_FRACTION = 0.1
"""A100 and H100 look at 25 of every 100 ms (Yang, Adamek and Armour 2024): what repeats faster than that
may hide in the rest, so twice the accuracy is claimed."""
AVERAGE_WINDOW_S = 1.0
"""What `nvmlDeviceGetPowerUsage` is the mean of on Ampere and newer, but for GA100 (NVML's manual)."""
GA100 = (8, 0)
"""CUDA's number of A100 and A30."""
LIMIT_FACTOR = 1.5
"""Power exceeds its limit for moments; what exceeds it by half is garbage or a reset."""
UNLIMITED_POWER_W = 2000.0
"""More than any GPU draws, for those that do not tell their limit."""

NOT_SUPPORTED = 3
NO_PERMISSION = 4
DRIVER_NOT_LOADED = 9
LIBRARY_NOT_FOUND = 12
FUNCTION_NOT_FOUND = 13
VERSION_MISMATCH = 18

UNSUPPORTED = frozenset({NOT_SUPPORTED, FUNCTION_NOT_FOUND})
GONE = frozenset({1, 2, 6, DRIVER_NOT_LOADED, 15, 16, VERSION_MISMATCH, 28})
"""Uninitialised, no such handle or GPU, driver unloaded or replaced, GPU lost, reset required."""

SLICE_TEXT = "power is not reported for MIG/vGPU slices; not counted."
NO_COUNTER_TEXT = "no energy counter; integrating power samples (error larger for short cells)."
NOT_COUNTED = "no GPU energy is counted."
PERMISSION_HINT = "Ask your admin for access to /dev/nvidiactl and the GPUs beside it."
RETRY_HINT = "It is looked for again."


class _Session:
    """One initialisation of the driver's library, shared by the sensors of one discovery.

    Only the thread that began it ends it: a call into a driver may hang, and nobody else must.
    """

    def __init__(self, nvml: Any) -> None:
        self.nvml = nvml
        self.ended = False
        self._users = 0
        self._lock = threading.Lock()
        self._thread = threading.get_ident()
        nvml.nvmlInit()

    def enter(self) -> None:
        with self._lock:
            self._users += 1

    def leave(self) -> None:
        """The last one out ends it, or leaves that to the next discovery."""
        with self._lock:
            self._users -= 1
            last = self._users <= 0
        if last and threading.get_ident() == self._thread:
            self.end()

    def end(self) -> None:
        """Shut the library down. Safe to call twice."""
        with self._lock:
            if self.ended:
                return
            self.ended = True
        with suppress(self.nvml.NVMLError):  # a driver that is gone cannot be told
            self.nvml.nvmlShutdown()


class NvmlSensor:
    """One GPU, by its energy counter or by samples of its power."""

    def __init__(
        self,
        device: Device,
        spoken: str,
        handle: object,
        session: _Session,
        clock: Clock,
        *,
        counts: bool,
        instant: bool = False,
        proc: Path = PROC,
    ) -> None:
        self.device = device
        self._spoken = spoken
        self._handle = handle
        self._session = session
        self._nvml = session.nvml
        self._clock = clock
        self._counts = counts
        self._instant = instant
        self._proc = proc
        self._seen_us = int(clock.now().timestamp() / S_PER_US)
        self._open = True
        session.enter()

    def read(self) -> Reading:
        """Joules so far or watts now, stamped when the driver answered. Raises a SensorError."""
        if not self._open or self._session.ended:
            raise SensorLost(f"{self._spoken}: no longer open.", hint=RETRY_HINT)
        try:
            if self._counts:
                energy_mj = self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)
                return CounterReading(self._clock.monotonic_s(), energy_mj * J_PER_MJ)
            power_mw = (
                _instant_mw(self._nvml, self._handle)
                if self._instant
                else self._nvml.nvmlDeviceGetPowerUsage(self._handle)
            )
            power_w = power_mw * W_PER_MW
            now_s = self._clock.monotonic_s()
        except self._nvml.NVMLError as error:
            raise _failure(self._spoken, error) from error
        if power_w > self.device.max_power_w:
            raise SensorReadError(
                f"{self._spoken}: it reports {power_w:.0f} W, which no GPU draws.",
                hint="A gap until it makes sense again.",
            )
        return PowerReading(now_s, power_w)

    def own_fraction(self, pids: Collection[int]) -> float | None:
        """These processes' part of the GPU's busy time since the last call, None if it cannot tell.

        Without samples, processes that have the GPU to themselves have all of it. Raises nothing.
        """
        if not self._open or self._session.ended:
            return None
        busy = self._busy()
        total = sum(busy.values())
        if total > 0:
            own = sum(percent for pid, percent in busy.items() if pid in pids)
            return own / total if own else self._foreign(busy)
        running = self._running()
        own_count = sum(pid in pids for pid in running)
        if not running or 0 < own_count < len(running):
            return None
        return 1.0 if own_count else self._foreign(running)

    def _foreign(self, pids: Iterable[int]) -> float | None:
        """0 for processes that are not ours, None where they may be ours by another number.

        In a container the driver names processes as the host numbers them.
        """
        return 0.0 if all((self._proc / str(pid)).exists() for pid in pids) else None

    def _busy(self) -> dict[int, int]:
        """Percent of the GPU's cores by process, summed over the samples since the last call."""
        try:
            samples = self._nvml.nvmlDeviceGetProcessUtilization(self._handle, self._seen_us)
        except self._nvml.NVMLError:
            return {}
        busy: dict[int, int] = {}
        newest_us = self._seen_us
        for each in samples:
            # Some drivers fill unused places of their buffer with old or senseless samples.
            if each.pid and each.timeStamp > self._seen_us and each.smUtil <= 100:
                busy[each.pid] = busy.get(each.pid, 0) + each.smUtil
                newest_us = max(newest_us, each.timeStamp)
        self._seen_us = newest_us
        return busy

    def _running(self) -> set[int]:
        try:
            running = self._nvml.nvmlDeviceGetComputeRunningProcesses(self._handle)
        except self._nvml.NVMLError:
            return set()
        return {each.pid for each in running}

    def close(self) -> None:
        if self._open:
            self._open = False
            self._session.leave()


class NvmlBackend:
    """Every NVIDIA GPU that CUDA may use under this environment.

    `environ` is asked for CUDA_VISIBLE_DEVICES and CUDA_DEVICE_ORDER at every discovery; `pci` is
    the kernel's folder of PCI devices, `proc` the one of processes.
    """

    name = NAME

    def __init__(
        self,
        clock: Clock,
        environ: Mapping[str, str],
        *,
        pci: Path = PCI,
        proc: Path = PROC,
    ) -> None:
        self._clock = clock
        self._environ = environ
        self._pci = pci
        self._proc = proc
        self._session: _Session | None = None

    def discover(self) -> Discovery:
        """Begin anew with the driver and find its GPUs. Raises nothing.

        Sensors of an earlier discovery are closed by it: a driver that lost a GPU knows it again only
        after a new beginning.
        """
        session, self._session = self._session, None
        if session is not None:
            session.end()
        if not _is_loadable():
            return Discovery((), (self._no_library(),))
        try:
            import pynvml
        except ImportError:
            return self._nothing("no nvidia-ml-py", "Install it: pip install nvidia-ml-py.")
        nvml: Any = pynvml
        try:
            session = _Session(nvml)
        except nvml.NVMLError as error:
            return Discovery((), (self._no_driver(error),))
        try:
            handles = [_handle(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]
            gpus = [_Gpu(session, index, handle) for index, handle in enumerate(handles)]
        except nvml.NVMLError as error:
            session.end()
            return Discovery((), (self._no_driver(error),))
        discovery = self._choose(session, gpus)
        if discovery.sensors:
            self._session = session
        else:
            session.end()
        return discovery

    def _choose(self, session: _Session, gpus: Sequence[_Gpu]) -> Discovery:
        """Sensors of those GPUs that are visible, and a finding for each that cannot be read."""
        if not gpus:
            return Discovery((), (Finding(NAME, "absent", "GPU: no NVIDIA GPU found."),))
        chosen = _visible(self._environ.get(VISIBLE), gpus)
        sensors: list[NvmlSensor] = []
        findings: list[Finding] = []
        for gpu in chosen.gpus:
            sensor, found = self._open(session, gpu)
            findings += found
            if sensor is not None:
                sensors.append(sensor)
        findings += _slices(session.nvml, chosen.slices, gpus)
        if not chosen.gpus and not chosen.slices:
            text = f"GPU: hidden by {VISIBLE}={label(self._environ.get(VISIBLE, ''))}."
            findings.append(Finding(NAME, "absent", text))
        if chosen.by_index and self._may_be_others(gpus):
            text = f"GPU: {VISIBLE} may mean other GPUs than the ones counted here."
            hint = f"These differ, and CUDA counts the fastest first: set {ORDER}=PCI_BUS_ID."
            findings.append(Finding(NAME, "broken", text, hint, notify=True))
        return Discovery(tuple(sensors), tuple(dict.fromkeys(findings)))

    def _may_be_others(self, gpus: Sequence[_Gpu]) -> bool:
        """Whether CUDA's numbers may not be NVML's, which go by the bus."""
        names = {gpu.name for gpu in gpus}
        return len(names) > 1 and self._environ.get(ORDER) != "PCI_BUS_ID"

    def _open(self, session: _Session, gpu: _Gpu) -> tuple[NvmlSensor | None, list[Finding]]:
        """The sensor of one GPU, with what there is to say about it."""
        if gpu.error is not None:
            return None, [_finding(gpu.error)]
        nvml = session.nvml
        if _is_sliced(nvml, gpu.handle):
            return None, [_unreported(gpu.spoken)]
        counter_error = _refusal(nvml, nvml.nvmlDeviceGetTotalEnergyConsumption, gpu)
        counts = not isinstance(counter_error, SensorUnsupported)
        error = counter_error if counts else _refusal(nvml, nvml.nvmlDeviceGetPowerUsage, gpu)
        # A reading may fail once. What is gone, denied or unsupported is no device.
        if error is not None and not isinstance(error, SensorReadError):
            return None, [_finding(error)]
        power = _Power() if counts else _power_of(nvml, gpu.handle)
        device = Device(
            id=f"gpu:{gpu.uuid}",
            kind=Kind.GPU,
            name=f"{gpu.spoken} {gpu.name}".strip(),
            provenance=Provenance.MEASURED,
            method="NVML energy counter" if counts else "NVML power samples",
            error_fraction=COUNTER_ERROR_FRACTION if counts else power.error_fraction,
            max_power_w=_max_power_w(nvml, gpu.handle),
            resolution_s=REFRESH_S,
            power_window_s=power.window_s,
        )
        sensor = NvmlSensor(
            device,
            gpu.spoken,
            gpu.handle,
            session,
            self._clock,
            counts=counts,
            instant=power.instant,
            proc=self._proc,
        )
        findings = [] if error is None else [_finding(error)]
        if not counts:
            text = f"{gpu.spoken}: {NO_COUNTER_TEXT}{power.said}"
            findings.append(Finding(NAME, "ok", text, notify=True))
        return sensor, findings

    def _no_library(self) -> Finding:
        """Nothing to ask: worth a word only where there is a card."""
        if not _has_nvidia(self._pci):
            return Finding(NAME, "absent", "GPU: no NVIDIA GPU found.")
        text = f"GPU: no NVIDIA driver library found — {NOT_COUNTED}"
        hint = (
            "Install NVIDIA's driver; in a container, start it with the GPUs (--gpus all) "
            "and the driver capability utility."
        )
        return Finding(NAME, "broken", text, hint, notify=True)

    def _no_driver(self, error: Any) -> Finding:
        """Why the library as a whole does not answer, and what to do."""
        code = int(error.value)
        if code == LIBRARY_NOT_FOUND:
            return self._no_library()
        # Clusters install the driver on nodes without a GPU as well.
        if code == DRIVER_NOT_LOADED and not _has_nvidia(self._pci):
            return Finding(NAME, "absent", "GPU: no NVIDIA GPU found.")
        if code == VERSION_MISMATCH:
            text = "GPU: driver and library versions differ (reboot after a driver update)."
            return Finding(NAME, "broken", text, f"Until then {NOT_COUNTED}", notify=True)
        if code == DRIVER_NOT_LOADED:
            text = f"GPU: driver not loaded — {NOT_COUNTED}"
            hint = "Load it (sudo modprobe nvidia), or reboot: nvidia-smi must work."
            return Finding(NAME, "broken", text, hint, notify=True)
        if code == NO_PERMISSION:
            text = f"GPU: the NVIDIA driver refuses this user — {NOT_COUNTED}"
            return Finding(NAME, "denied", text, PERMISSION_HINT, notify=True)
        text = f"GPU: the NVIDIA driver cannot be used ({_spelled(error)}) — {NOT_COUNTED}"
        return Finding(NAME, "broken", text, "See what nvidia-smi says.", notify=True)

    def _nothing(self, what: str, hint: str) -> Discovery:
        """Nothing to ask with: worth a word only where there is something to ask about."""
        if not _has_nvidia(self._pci):
            return Discovery((), (Finding(NAME, "absent", "GPU: no NVIDIA GPU found."),))
        text = f"GPU: {what} — {NOT_COUNTED}"
        return Discovery((), (Finding(NAME, "broken", text, hint, notify=True),))


@dataclass(frozen=True, slots=True)
class _Power:
    """How a GPU without a counter tells its power, and what it leaves out."""

    window_s: float = 0.0
    error_fraction: float = COUNTER_ERROR_FRACTION
    instant: bool = False
    said: str = ""


def _power_of(nvml: Any, handle: object) -> _Power:
    """The best reading of its power: as it is now, where the driver offers that."""
    try:
        generation = tuple(nvml.nvmlDeviceGetCudaComputeCapability(handle))
    except nvml.NVMLError:
        return _Power()
    quarter = " Its sensor looks at 25 of every 100 ms."
    if generation < GA100:
        return _Power()
    if generation == GA100:
        return _Power(QUARTER_WINDOW_S, QUARTER_ERROR_FRACTION, said=quarter)
    try:
        _instant_mw(nvml, handle)
    except nvml.NVMLError:
        return _Power(AVERAGE_WINDOW_S, said=" Its sensor shows the mean of the last second.")
    return _Power(QUARTER_WINDOW_S, QUARTER_ERROR_FRACTION, instant=True, said=quarter)


def _instant_mw(nvml: Any, handle: object) -> int:
    """Power without the averaging of `nvmlDeviceGetPowerUsage`. Raises NVMLError."""
    (field,) = nvml.nvmlDeviceGetFieldValues(handle, [nvml.NVML_FI_DEV_POWER_INSTANT])
    if field.nvmlReturn:
        raise nvml.NVMLError(field.nvmlReturn)
    return int(field.value.uiVal)


class _Gpu:
    """A GPU as NVML lists it. `error` says why it cannot be used; its UUID is empty then."""

    def __init__(self, session: _Session, index: int, handle: object) -> None:
        nvml = session.nvml
        self.index = index
        self.spoken = f"GPU {index}"
        self.handle = handle
        self.uuid = self.name = ""
        self.error: SensorError | None = None
        if isinstance(handle, nvml.NVMLError):
            self.error = _failure(self.spoken, handle)
            return
        try:
            self.uuid = _text(nvml.nvmlDeviceGetUUID, handle)
            self.name = _text(nvml.nvmlDeviceGetName, handle)
        except nvml.NVMLError as error:
            self.error = _failure(self.spoken, error)


class _Visible:
    """What CUDA_VISIBLE_DEVICES lets through, in its order."""

    def __init__(self) -> None:
        self.gpus: list[_Gpu] = []
        self.slices: list[str] = []
        self.by_index = False


def _visible(value: str | None, gpus: Sequence[_Gpu]) -> _Visible:
    """The GPUs and MIG slices that CUDA shows: none from the first entry on that means nothing.

    A GPU that is named twice leaves none at all, as CUDA has it.
    """
    chosen = _Visible()
    if value is None:
        chosen.gpus = list(gpus)
        return chosen
    for entry in value.split(","):
        name = entry.strip()
        if name.startswith("MIG-"):
            chosen.slices.append(name)
            continue
        found: list[_Gpu] = []
        if name.startswith("GPU-"):
            found = [gpu for gpu in gpus if gpu.uuid.startswith(name)]
            if not found and any(not gpu.uuid for gpu in gpus):
                # One GPU does not tell its UUID. This may be it.
                found = [gpu for gpu in gpus if not gpu.uuid and gpu not in chosen.gpus][:1]
        elif (index := _leading_number(name)) is not None:
            chosen.by_index = True
            found = list(gpus[index : index + 1])
        if len(found) != 1:
            break
        if found[0] in chosen.gpus:
            return _Visible()
        chosen.gpus += found
    return chosen


def _leading_number(text: str) -> int | None:
    """`1` of `1` and of `1abc`, which CUDA reads alike; None where it begins with no digit."""
    digits = text[: len(text) - len(text.lstrip("0123456789"))]
    return int(digits) if digits and len(digits) < 10 else None


def _slices(nvml: Any, names: Iterable[str], gpus: Sequence[_Gpu]) -> list[Finding]:
    """One finding for each GPU that a visible MIG slice lies on."""
    findings = []
    for name in names:
        spoken = "GPU"
        try:
            part = nvml.nvmlDeviceGetHandleByUUID(name)
            uuid = _text(
                nvml.nvmlDeviceGetUUID, nvml.nvmlDeviceGetDeviceHandleFromMigDeviceHandle(part)
            )
            spoken = next(gpu.spoken for gpu in gpus if gpu.uuid == uuid)
        except (nvml.NVMLError, StopIteration):
            pass  # whichever GPU it lies on, it is not counted
        findings.append(_unreported(spoken))
    return findings


def _handle(nvml: Any, index: int) -> object:
    """The driver's handle of a GPU, or the error it gave in place of one."""
    try:
        handle: object = nvml.nvmlDeviceGetHandleByIndex(index)
    except nvml.NVMLError as error:
        return error
    return handle


def _is_sliced(nvml: Any, handle: object) -> bool:
    """Whether the GPU is divided by MIG: its power is that of all who share it."""
    try:
        current, _pending = nvml.nvmlDeviceGetMigMode(handle)
    except nvml.NVMLError:
        return False
    return bool(current)


def _refusal(nvml: Any, call: Any, gpu: _Gpu) -> SensorError | None:
    """Why a call does not answer, None if it does."""
    try:
        call(gpu.handle)
    except nvml.NVMLError as error:
        return _failure(gpu.spoken, error)
    return None


def _max_power_w(nvml: Any, handle: object) -> float:
    try:
        limit_w = nvml.nvmlDeviceGetEnforcedPowerLimit(handle) * W_PER_MW
    except nvml.NVMLError:
        limit_w = 0.0
    return LIMIT_FACTOR * limit_w if limit_w > 0 else UNLIMITED_POWER_W


def _failure(spoken: str, error: Any) -> SensorError:
    """What an NVML error means for one GPU."""
    code = int(error.value)
    if code in UNSUPPORTED:
        return SensorUnsupported(f"{spoken}: {SLICE_TEXT}")
    if code == NO_PERMISSION:
        return SensorDenied(
            f"{spoken}: the driver refuses this user (NVML {code}). It is not counted.",
            hint=PERMISSION_HINT,
        )
    if code in GONE:
        return SensorLost(
            f"{spoken}: lost (NVML {code}). Energy after that is not counted.", hint=RETRY_HINT
        )
    return SensorReadError(
        f"{spoken}: its energy cannot be read ({_spelled(error)}).", hint="A gap until it can be."
    )


def _finding(error: SensorError) -> Finding:
    statuses: dict[type[SensorError], str] = {
        SensorUnsupported: "unsupported",
        SensorDenied: "denied",
        SensorLost: "lost",
    }
    status = statuses.get(type(error), "broken")
    return Finding(NAME, status, error.message, error.hint, notify=True)


def _unreported(spoken: str) -> Finding:
    return Finding(NAME, "unsupported", f"{spoken}: {SLICE_TEXT}", notify=True)


def _spelled(error: Any) -> str:
    """NVML's number and, in its own words, what it means."""
    return f"NVML {int(error.value)}, {label(str(error))}"


def _text(call: Any, handle: object) -> str:
    """A name as the driver gives it, made safe to show: not every driver speaks UTF-8."""
    try:
        return label(call(handle))
    except UnicodeDecodeError as error:
        return label(error.object.decode("utf-8", "replace"))


def _has_nvidia(pci: Path) -> bool:
    """Whether an NVIDIA display controller is on the bus: it makes bridges and sound as well."""
    for path in pci.glob("*/vendor"):
        try:
            if path.read_text(encoding="ascii", errors="replace").strip() != "0x10de":
                continue
            kind = path.with_name("class")
            if not kind.exists() or kind.read_text(encoding="ascii").startswith("0x03"):
                return True
        except (OSError, ValueError):
            continue
    return False


def _is_loadable() -> bool:
    """Whether there is a driver's library at all. The binding costs 6 MB: not where there is none."""
    if sys.platform != "linux":
        return True
    import ctypes

    try:
        ctypes.CDLL(LIBRARY)
    except OSError:
        return False
    return True
