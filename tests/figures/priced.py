"""Energy of so many kilowatt-hours, priced as a paper prices it."""

from __future__ import annotations

from nbcarbon.core.emissions import operational
from nbcarbon.core.energy import Energy
from nbcarbon.core.scenario import USUAL_GPU, Part, energy, load_of
from nbcarbon.core.units import G_PER_KG, J_PER_KWH, S_PER_H, kwh
from nbcarbon.deciding.place import of_your_own
from nbcarbon.hardware import rated

KG_PER_T = 1000.0


def of_kwh(energy_kwh: float) -> Energy:
    return Energy(*(energy_kwh * J_PER_KWH,) * 3)


def kg(energy_kwh: float, g_per_kwh: float, *, pue: float = 1.0) -> float:
    """Kilograms of CO2e."""
    found = operational(of_kwh(energy_kwh), pue=pue, intensity=of_your_own(g_per_kwh))
    return found.emissions_g / G_PER_KG


def tonnes(energy_kwh: float, g_per_kwh: float, *, pue: float = 1.0) -> float:
    return kg(energy_kwh, g_per_kwh, pue=pue) / KG_PER_T


def gpu_kwh(name: str, *, count: float = 1.0, hours: float) -> float:
    """A GPU of the table at all of its rated power, as calculators have it."""
    found = rated.gpu(name)
    watts = (found.rated_w, found.low_w, found.high_w)
    part = Part("GPU", found.name, count, *watts, load_of(1.0, USUAL_GPU), found.source)
    return kwh(energy([part], hours * S_PER_H).energy_j)
