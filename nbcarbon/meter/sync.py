"""Wait for GPU work that a library has queued, if the user has imported that library already."""

from __future__ import annotations

import sys
from typing import Final

_LIBRARIES: Final = frozenset({"torch", "jax", "cupy"})


def may_be_queued() -> bool:
    """Whether a library that queues GPU work has been imported."""
    return not _LIBRARIES.isdisjoint(sys.modules)


def synchronise() -> bool:
    """Wait for torch, jax and cupy. True if nothing is queued any more as far as we can know.

    Never imports a library: one that is not in `sys.modules` has queued nothing. Never raises: a
    device in trouble is the user's code's to find.
    """
    done = True
    for name, wait in (("torch", _torch), ("jax", _jax), ("cupy", _cupy)):
        if name in sys.modules:
            try:
                wait(sys.modules[name])
            except Exception:  # noqa: BLE001 (whatever a broken GPU stack raises)
                done = False
    return done


def _torch(torch: object) -> None:
    cuda = getattr(torch, "cuda", None)
    # is_initialized: asking for a device would create a context and take memory.
    if cuda is not None and cuda.is_initialized():
        for index in range(cuda.device_count()):
            cuda.synchronize(index)
    mps = getattr(torch, "mps", None)
    backends = getattr(torch, "backends", None)
    if mps is not None and backends is not None and backends.mps.is_available():
        mps.synchronize()


def _jax(jax: object) -> None:
    # A computation put behind everything queued so far, on each device, and waited for.
    for device in jax.local_devices():  # type: ignore[attr-defined]
        if device.platform != "cpu":
            jax.device_put(0.0, device).block_until_ready()  # type: ignore[attr-defined]
    barrier = getattr(jax, "effects_barrier", None)
    if barrier is not None:
        barrier()


def _cupy(cupy: object) -> None:
    runtime = cupy.cuda.runtime  # type: ignore[attr-defined]
    for index in range(runtime.getDeviceCount()):
        with cupy.cuda.Device(index):  # type: ignore[attr-defined]
            runtime.deviceSynchronize()
