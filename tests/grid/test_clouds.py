"""Cloud regions by what people write, each in a zone that has a figure, with its provider's PUE."""

from __future__ import annotations

import pytest

from nbcarbon.core.intensity import Confidence
from nbcarbon.errors import SettingError
from nbcarbon.grid import clouds
from nbcarbon.grid.averages import YearlyAverages
from nbcarbon.grid.zones import load_zones


def test_a_region_with_its_provider() -> None:
    found = clouds.region("aws:us-east-1")

    assert (found.id, found.zone_id) == ("aws:us-east-1", "US-MIDA-PJM")
    assert found.pue is not None
    assert found.pue.pue == 1.15  # AWS, 2024


def test_a_region_alone_where_it_can_only_mean_one() -> None:
    assert clouds.region("EU-West-3").id == "aws:eu-west-3"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("aws:us-east-9", "aws:us-east-1 in Ashburn"),
        ("nowhere:us-east-1", "Use one of: aws"),
        ("stockholm", "in Stockholm"),
        ("?", "aws:us-east-1"),
        ("", "aws:us-east-1"),
    ],
)
def test_a_region_that_is_none(text: str, said: str) -> None:
    with pytest.raises(SettingError) as caught:
        clouds.region(text)
    assert said in str(caught.value)


def test_a_name_that_two_clouds_share_needs_its_provider() -> None:
    shared = {}
    for each in clouds.regions():
        shared.setdefault(each.name, []).append(each.provider)
    name, providers = next((name, many) for name, many in shared.items() if len(many) > 1)

    with pytest.raises(SettingError, match="several clouds"):
        clouds.region(name)
    assert clouds.region(f"{providers[0]}:{name}").provider == providers[0]


def test_providers_by_the_names_people_use() -> None:
    assert clouds.regions("Google") == clouds.regions("gcp")
    assert {each.provider for each in clouds.regions()} == set(clouds.providers())
    assert all(clouds.regions(each) for each in clouds.providers())


def test_every_region_is_in_a_zone_with_a_figure_of_one_kind() -> None:
    zones, averages = load_zones(), YearlyAverages()
    kinds = set()
    for each in clouds.regions():
        found = averages.intensity(zones.zone(each.zone_id, "", Confidence.SET))
        assert found is not None, each
        kinds.add((found.basis, found.scope, found.accounting))
    assert len(kinds) == 1


def test_published_pues_are_plausible_and_averages_stand_in_for_what_is_not() -> None:
    found = [each for each in clouds.regions("aws") if each.pue is not None]

    assert len(found) == len(clouds.regions("aws"))
    assert all(1 <= each.pue.pue < 2 for each in found if each.pue)
    assert {each.pue for each in clouds.regions("hetzner")} == {None}
