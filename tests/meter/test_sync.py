"""GPU libraries are waited for if they are there, and never imported."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from nbcarbon.meter.sync import may_be_queued, synchronise


@pytest.fixture(autouse=True)
def none_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch", "jax", "cupy"):
        monkeypatch.delitem(sys.modules, name, raising=False)


def torch(waited: list[Any], *, initialised: bool = True, mps: bool = False) -> SimpleNamespace:
    return SimpleNamespace(
        cuda=SimpleNamespace(
            is_initialized=lambda: initialised,
            device_count=lambda: 2,
            synchronize=waited.append,
        ),
        mps=SimpleNamespace(synchronize=lambda: waited.append("mps")),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: mps)),
    )


def test_nothing_imported_is_nothing_queued() -> None:
    assert not may_be_queued()
    assert synchronise()
    assert not {"torch", "jax", "cupy"} & set(sys.modules)


@pytest.mark.parametrize(
    ("options", "expected"),
    [({}, [0, 1]), ({"initialised": False}, []), ({"initialised": False, "mps": True}, ["mps"])],
)
def test_torch(
    monkeypatch: pytest.MonkeyPatch, options: dict[str, bool], expected: list[Any]
) -> None:
    waited: list[Any] = []
    monkeypatch.setitem(sys.modules, "torch", torch(waited, **options))  # type: ignore[arg-type]
    assert may_be_queued()
    assert synchronise()
    assert waited == expected


def test_jax_and_cupy(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[Any] = []

    class Array:
        def block_until_ready(self) -> None:
            waited.append("array")

    class Device:
        def __init__(self, index: int) -> None:
            waited.append(f"cupy {index}")

        def __enter__(self) -> None: ...
        def __exit__(self, *error: object) -> None: ...

    jax = SimpleNamespace(
        local_devices=lambda: [SimpleNamespace(platform="cpu"), SimpleNamespace(platform="gpu")],
        device_put=lambda value, device: Array(),
        effects_barrier=lambda: waited.append("barrier"),
    )
    runtime = SimpleNamespace(
        getDeviceCount=lambda: 1, deviceSynchronize=lambda: waited.append("cupy waited")
    )
    cupy = SimpleNamespace(cuda=SimpleNamespace(runtime=runtime, Device=Device))
    monkeypatch.setitem(sys.modules, "jax", jax)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    assert synchronise()
    assert waited == ["array", "barrier", "cupy 0", "cupy waited"]


def test_a_broken_stack_is_not_ours_to_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = torch([])
    broken.cuda.synchronize = lambda index: 1 / 0
    monkeypatch.setitem(sys.modules, "torch", broken)
    assert not synchronise()
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace())
    assert synchronise()
