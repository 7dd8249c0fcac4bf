"""Cloud regions: the zone each is in, and the PUE that its provider publishes.

A region is written with its provider, `aws:us-east-1`, or alone where no other provider uses its name.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from nbcarbon.errors import SettingError
from nbcarbon.grid.tables import rows

LONGEST_SHOWN: Final = 40
MOST_NEAR: Final = 3

PROVIDERS: Final = {"amazon": "aws", "google": "gcp", "microsoft": "azure", "oracle": "oci", "ovh": "ovhcloud"}  # fmt: skip
"""What people call a provider, beside its own name in the table."""


class Pue(NamedTuple):
    """A published power usage effectiveness, and whose figure it is."""

    pue: float
    source: str


class Region(NamedTuple):
    """A cloud region. `pue` is None where neither it nor its provider's average is published."""

    provider: str
    name: str
    city: str
    zone_id: str
    pue: Pue | None

    @property
    def id(self) -> str:
        return f"{self.provider}:{self.name}"


def regions(provider: str = "") -> list[Region]:
    """Every region, or one provider's. Raises SettingError for a provider that has none."""
    wanted = provider.strip().casefold()
    wanted = PROVIDERS.get(wanted, wanted)
    published = _published()
    found = [
        Region(each, name, city, zone, published.get((each, name), published.get((each, ""))))
        for each, name, city, zone in rows("cloud_regions.csv")
        if zone and wanted in ("", each)
    ]
    if not found:
        known = ", ".join(providers())
        raise SettingError(
            f"There is no cloud provider {provider.strip()[:LONGEST_SHOWN]!r}.",
            hint=f"Use one of: {known}.",
        )
    return found


def providers() -> tuple[str, ...]:
    """Every provider there are regions of, by name."""
    return tuple(sorted({each for each, *_ in rows("cloud_regions.csv")}))


def region(text: str) -> Region:
    """The region that somebody means. Raises SettingError with the nearest there are."""
    wanted = "".join(text.split()).casefold()
    provider, separator, name = wanted.partition(":")
    if not separator:
        provider, name = "", wanted
    among = regions(provider)
    found = [each for each in among if each.name.casefold() == name]
    if len(found) == 1:
        return found[0]
    if found:
        which = " or ".join(each.id for each in found)
        raise SettingError(f"{name} is a region of several clouds.", hint=f"Use {which}.")
    raise SettingError(
        f"There is no cloud region {text.strip()[:LONGEST_SHOWN]!r}.", hint=_near(name, among)
    )


def _near(name: str, among: list[Region]) -> str:
    from difflib import get_close_matches

    named = {each.name.casefold(): each for each in among}
    named |= {each.city.casefold(): each for each in among}
    close = get_close_matches(name[:LONGEST_SHOWN], named, n=MOST_NEAR, cutoff=0.5)
    found = list(dict.fromkeys(named[each] for each in close))
    if not found:
        return "Write it as provider and region: aws:us-east-1."
    return f"Did you mean {', or '.join(f'{each.id} in {each.city}' for each in found)}?"


def _published() -> dict[tuple[str, str], Pue]:
    return {
        (provider, name): Pue(float(pue), f"{source}, {year}")
        for provider, name, pue, year, source in rows("cloud_pue.csv")
    }
