"""Zones by what people type, and the tables themselves."""

from __future__ import annotations

import subprocess
import sys
from math import hypot, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core.intensity import Confidence, Zone
from nbcarbon.errors import UnknownZoneError
from nbcarbon.grid.averages import EARLIEST_YEAR, HOURLY_FRACTION, LATEST_YEAR, YearlyAverages
from nbcarbon.grid.tables import FOLDER, WORLD, rows
from nbcarbon.grid.zones import load_zones

ZONES = load_zones()
AVERAGES = YearlyAverages()


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("FR", "FR"),
        ("fr", "FR"),
        ("  France ", "FR"),
        ("GERMANY", "DE"),
        ("US-CAL-CISO", "US-CAL-CISO"),
        ("us-cal-ciso", "US-CAL-CISO"),
        ("eu-west-3", "FR"),
        ("aws:eu-west-3", "FR"),
        ("GCP:europe-west9", "FR"),
        ("northamerica-northeast1", "CA-QC"),
        ("IT-NO", "IT-NO"),
        ("Chile", "CL"),
        ("Monaco", "MC"),
        ("USA", "US"),
        ("uk", "GB"),
        ("United Kingdom", "GB"),
        ("Russia", "RU"),
        ("fly:arn", "SE-SE3"),
    ],
)
def test_what_a_person_types(text: str, zone: str) -> None:
    found = ZONES.resolve(text)
    assert (found.id, found.confidence) == (zone, Confidence.SET)
    assert found.name


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("Frnce", "There is no zone 'Frnce'. Did you mean FR (France)"),
        ("zzzzzz", "There is no zone 'zzzzzz'. Use a zone such as FR"),
        ("", "A zone needs a name."),
        ("x" * 500, f"There is no zone '{'x' * 40}'."),
        (WORLD, "There is no zone 'WORLD'."),
    ],
)
def test_what_is_no_zone_is_said_with_the_nearest(text: str, sentence: str) -> None:
    with pytest.raises(UnknownZoneError) as caught:
        ZONES.resolve(text)
    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@given(st.text())
def test_no_text_breaks_anything(text: str) -> None:
    message = ""
    try:
        assert ZONES.resolve(text).id in ZONES
    except UnknownZoneError as error:
        message = str(error)
    assert "\n" not in message
    # Forty characters, of which the worst are shown as ten: \U0010ffff.
    assert len(message) < 40 * 10 + 200


def test_the_longest_message_is_still_short() -> None:
    with pytest.raises(UnknownZoneError) as caught:
        ZONES.resolve("\U0010ffff" * 60)
    assert len(str(caught.value)) < 40 * 10 + 200


def test_every_row_leads_to_a_figure() -> None:
    for table, column in {
        "timezones.csv": 1,
        "cloud_regions.csv": 3,
        "zone_aliases.csv": 0,
    }.items():
        for row in rows(table):
            zone = ZONES.zone(row[column], "test", Confidence.HIGH)
            assert AVERAGES.intensity(zone) is not None
    for _, zone_id, confidence, alternates in rows("timezones.csv"):
        assert confidence in ("high", "medium", "low")
        assert all(each in ZONES for each in (zone_id, *alternates.split()))


def test_figures_are_those_of_the_source() -> None:
    def g(zone: str) -> float:
        found = AVERAGES.intensity(ZONES.resolve(zone))
        assert found is not None
        return found.g_per_kwh

    assert (g("FR"), g("DE"), g("CA-QC"), g("PL")) == (31, 342, 41, 565)
    assert len(ZONES.ids()) == len(set(ZONES.ids())) > 380


def test_the_years_are_those_of_the_tables_header() -> None:
    with open(FOLDER / "electricity_maps_yearly.csv", encoding="utf-8") as file:
        years = file.readline().strip().split(",")[2:]
    assert years == [str(year) for year in range(EARLIEST_YEAR, LATEST_YEAR + 1)]


def test_importing_the_grid_opens_no_table() -> None:
    # In a process of its own: this one has read them all.
    code = (
        "import sys; opened = []; "
        "sys.addaudithook(lambda name, args: name == 'open' and opened.append(str(args[0]))); "
        "import nbcarbon.grid.locate; "
        "assert any('locate' in each for each in opened); "
        "assert not [each for each in opened if each.endswith('.csv')], opened; "
        "assert 'tzlocal' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_each_table_of_others_has_its_licence_beside_it() -> None:
    for table, licence in {
        "electricity_maps_yearly.csv": "LICENSE-ODbL-1.0",
        "ember.csv": "LICENSE-CC-BY-4.0",
    }.items():
        assert table in (FOLDER / licence).read_text(encoding="utf-8")


def zone(confidence: Confidence, zone_id: str = "FR", *alternates: str) -> Zone:
    return Zone(zone_id, zone_id, "test", confidence, alternates)


@given(st.sampled_from(ZONES.ids()))
def test_an_interval_holds_its_value_and_widens_with_doubt(zone_id: str) -> None:
    found = {each: AVERAGES.intensity(zone(each, zone_id, "PL", "NO")) for each in Confidence}
    for each in found.values():
        assert each is not None
        assert 0 <= each.low_g_per_kwh <= each.g_per_kwh <= each.high_g_per_kwh
        assert each.g_per_kwh - each.low_g_per_kwh >= min(0.27 * each.g_per_kwh, each.g_per_kwh)
    sure, medium, low = found[Confidence.SET], found[Confidence.MEDIUM], found[Confidence.LOW]
    assert sure is not None
    assert medium is not None
    assert low is not None
    # What changes from year to year doubles; how far hours lie from their year stays.
    yearly = sqrt((sure.high_g_per_kwh / sure.g_per_kwh - 1) ** 2 - HOURLY_FRACTION**2)
    assert medium.high_g_per_kwh / medium.g_per_kwh - 1 == pytest.approx(
        hypot(2 * yearly, HOURLY_FRACTION)
    )
    assert low.low_g_per_kwh <= sure.low_g_per_kwh
    assert low.high_g_per_kwh >= max(sure.high_g_per_kwh, 565)


def test_the_interval_has_the_last_change_where_that_is_larger_and_the_hours() -> None:
    by_hand = {row[0]: row for row in rows("electricity_maps_yearly.csv")}
    for zone_id in ("FR", "AE", "GB", "CA-ON"):
        before, latest = map(float, by_hand[zone_id][-2:])
        fraction = hypot(max(0.1, abs(latest - before) / latest), HOURLY_FRACTION)
        found = AVERAGES.intensity(zone(Confidence.SET, zone_id))
        assert found is not None
        assert found.high_g_per_kwh == pytest.approx(latest * (1 + fraction))


def test_the_unknown_spans_nearly_all_countries() -> None:
    found = AVERAGES.intensity(Zone(None, "unknown", "", Confidence.NONE))
    assert found is not None
    assert found.fallback
    assert found.g_per_kwh == pytest.approx(458.29)
    countries = [
        AVERAGES.intensity(zone(Confidence.SET, each)) for each in ZONES.ids() if len(each) == 2
    ]
    inside = sum(
        found.low_g_per_kwh <= each.g_per_kwh <= found.high_g_per_kwh for each in countries if each
    )
    assert 0.88 < inside / len(countries) < 0.95


def test_a_parents_figure_is_flagged() -> None:
    found = AVERAGES.intensity(ZONES.resolve("Monaco"))
    assert found is not None
    assert found.fallback
    assert found.g_per_kwh == 31
    assert AVERAGES.intensity(zone(Confidence.SET, "ZZ")) is None
