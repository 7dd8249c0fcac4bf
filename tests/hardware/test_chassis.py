"""What machine this is, by its firmware's word, and what making it emitted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.device import Device, Kind, Provenance
from nbcarbon.core.units import G_PER_KG
from nbcarbon.errors import SettingError
from nbcarbon.hardware.chassis import Assumed, Chassis, checked, hardware_of, this_chassis

if TYPE_CHECKING:
    from pathlib import Path

A100 = Device(
    "gpu:1", Kind.GPU, "GPU 0 NVIDIA A100-SXM4-40GB", Provenance.MEASURED, "NVML", 0.05, 400.0
)
CPU = Device("cpu:0", Kind.CPU, "CPU package 0", Provenance.MEASURED, "RAPL", 0.05, 200.0)
SERVER = Chassis("server", "Some Maker", "Box 1", package_count=2, memory_gb=400.0)


def machine(folder: Path, *, chassis: str, maker: str, product: str, flags: str = "fpu") -> Chassis:
    (folder / "cpuinfo").write_text(
        f"processor : 0\nphysical id : 0\nflags : {flags}\n\nprocessor : 1\nphysical id : 1\n"
    )
    (folder / "meminfo").write_text("MemTotal:       32000000 kB\nMemFree: 1 kB\n")
    for name, text in (("chassis_type", chassis), ("sys_vendor", maker), ("product_name", product)):
        (folder / name).write_text(f"{text}\n")
    return this_chassis(folder, folder)


def names(chassis: Chassis, *devices: Device, assumed: Assumed | None = None) -> list[str]:
    made, _ = hardware_of(chassis, devices, assumed or Assumed())
    return [each.name for each in made]


def test_what_a_machine_says_of_itself(tmp_path: Path) -> None:
    found = machine(tmp_path, chassis="10", maker="Dell Inc.", product="XPS 13 9310")

    assert found == Chassis("laptop", "Dell Inc.", "XPS 13 9310", False, 2, pytest.approx(32.768))


def test_a_machine_that_says_nothing(tmp_path: Path) -> None:
    assert this_chassis(tmp_path / "none", tmp_path / "none").kind == ""
    assert hardware_of(Chassis(), [], Assumed()) == ((), ("this machine",))


@pytest.mark.parametrize(
    ("chassis", "maker", "product", "name"),
    [
        ("10", "Dell Inc.", "XPS 13 9310", "Dell XPS 13 9310"),
        ("10", "Dell Inc.", "Latitude 7490", "a Dell laptop (median of 153)"),
        ("9", "HP", "EliteBook", "an HP laptop (median of 26)"),
        ("31", "LENOVO", "20XW", "a laptop (median of 226)"),
        ("3", "Dell Inc.", "OptiPlex", "a desktop (median of 157)"),
        ("23", "Dell Inc.", "PowerEdge R740", "Dell PowerEdge R740"),
        ("23", "Supermicro", "AS-1114", "server with 2 CPUs and 33 GB"),
    ],
)
def test_the_figure_is_that_of_the_model_or_the_kind(
    tmp_path: Path, chassis: str, maker: str, product: str, name: str
) -> None:
    assert names(machine(tmp_path, chassis=chassis, maker=maker, product=product)) == [name]


def test_a_virtual_machine_hides_what_it_runs_on_but_not_its_gpus(tmp_path: Path) -> None:
    found = machine(
        tmp_path, chassis="23", maker="Amazon EC2", product="p4d", flags="fpu hypervisor"
    )
    made, unknown = hardware_of(found, [CPU, A100], Assumed())

    assert [(each.name, each.device_id) for each in made] == [("NVIDIA A100 SXM 40GB", "gpu:1")]
    assert made[0].utilisation == 0.85
    assert unknown == ("this machine (a virtual machine hides what it runs on)",)


def test_a_server_is_built_up_of_its_parts() -> None:
    """1000 kg with one CPU and 16 GB, 100 kg for the other CPU, 1.388 kg for each of 384 GB more."""
    (made,), unknown = hardware_of(SERVER, [CPU], Assumed())

    assert made.emissions_g / G_PER_KG == pytest.approx(1000 + 100 + 384 * 1.388)
    assert (made.low_g, made.high_g) == (
        pytest.approx(made.emissions_g / 2),
        pytest.approx(made.emissions_g * 1.5),
    )
    assert (made.lifetime_years, made.utilisation, unknown) == (4.0, 0.85, ())


def test_a_laptops_gpu_is_in_the_laptops_figure() -> None:
    assert names(Chassis("laptop"), A100) == ["a laptop (median of 226)"]
    (_, card), _ = hardware_of(Chassis("desktop"), [A100], Assumed())
    assert (card.device_id, card.utilisation) == ("gpu:1", 0.2)


def test_a_modelled_gpu_is_none() -> None:
    modelled = replace(A100, provenance=Provenance.MODELLED)

    assert len(names(SERVER, modelled)) == 1


def test_what_is_set_wins() -> None:
    virtual = Chassis(virtual=True)
    (server,), unknown = hardware_of(virtual, [], Assumed("dell-r740", 0.125, 6.0, 0.5))
    (given,), _ = hardware_of(virtual, [], Assumed("1500 kg"))

    assert (server.name, server.share_fraction) == ("Dell PowerEdge R740", 0.125)
    assert (server.lifetime_years, server.utilisation) == (6.0, 0.5)
    assert (server.lifetime_error_fraction, server.utilisation_error_fraction) == (0, 0)
    assert unknown == ()
    assert (given.name, given.emissions_g, given.low_g) == ("1500 kg", 1.5e6, 1.5e6)
    assert hardware_of(SERVER, [A100], Assumed("none")) == ((), ())


def test_settings_as_a_session_keeps_them() -> None:
    assert Assumed.of({}) == Assumed()
    assert Assumed.of({"hardware": "laptop", "utilisation": "0.4"}) == Assumed(
        "laptop", utilisation=0.4
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [("Auto", "auto"), ("none", "none"), (" LAPTOP ", "laptop"), ("1500 kg", "1500 kg"),
     ("NVIDIA A100", "a100")],
)  # fmt: skip
def test_what_hardware_can_be_set_to(text: str, kept: str) -> None:
    assert checked(text) == kept


@pytest.mark.parametrize("text", ["toaster", "-5", "0 kg", "inf", "nan", ""])
def test_what_it_cannot(text: str) -> None:
    with pytest.raises(SettingError):
        checked(text)
