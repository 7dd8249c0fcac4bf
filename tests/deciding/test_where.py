"""`where`: a real session in the real tables, and what it says of them."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from nbcarbon.core.intensity import Accounting
from nbcarbon.core.where import Kind
from nbcarbon.deciding.where import elsewhere, nudge, unasked
from nbcarbon.errors import SettingError
from nbcarbon.grid import clouds
from nbcarbon.notebook import where_table
from tests.deciding.made import session


def test_a_session_in_every_zone() -> None:
    found = elsewhere(session("DE", pue=1.2)).ranking
    ids = [each.id for each in found.ranked]
    france = next(each for each in found.ranked if each.id == "FR")

    assert len(ids) > 300
    assert found.here is not None
    assert (found.here.id, found.here.ratio_fraction) == ("DE", 1)
    assert found.energy.energy_j == pytest.approx(41 * 3600)
    assert france.emissions.emissions_g == pytest.approx(0.041 * 1.2 * 31)
    assert france.ratio_fraction == pytest.approx(31 / 342)
    assert {Kind.of(each.intensity).accounting for each in found.unranked} == {
        Accounting.GENERATION
    }


def test_a_cell_in_one_clouds_regions() -> None:
    found = elsewhere(session(), "train", "aws")
    names = {each.id for each in found.ranking.ranked if not each.is_here}

    assert found.what == "train"
    assert found.ranking.energy.energy_j == pytest.approx(40 * 3600)
    assert names == {each.id for each in clouds.regions("aws")}
    assert elsewhere(session(), "2", "aws").ranking.energy.energy_j == pytest.approx(3600)


def test_a_country_that_has_only_a_figure_of_the_other_kind_is_compared_within_it() -> None:
    found = elsewhere(session("UA")).ranking
    others = {Kind.of(each.intensity).accounting for each in found.ranked}

    assert found.here is not None
    assert others == {Accounting.GENERATION}
    assert len(found.ranked) > 200
    assert {"DE", "FR", "UA"} <= {each.id for each in found.ranked}


def test_where_nobody_knows_where_this_is_there_is_no_ratio() -> None:
    found = elsewhere(session("auto"))
    shown = where_table.text(found.what, found.ranking)

    assert {each.ratio_fraction for each in found.ranking.ranked} == {None}
    assert nudge(found) == ""
    assert where_table.NOT_HERE in shown


def test_the_sentence_names_a_place_both_amounts_and_how_many_times() -> None:
    sentence = nudge(elsewhere(session("IN"), provider="gcp"))
    region, best = sentence.split()[1], elsewhere(session("IN"), provider="gcp").best

    assert best is not None
    assert region == best.id
    assert region.startswith("gcp:")
    assert sentence.endswith("times less.")
    assert sentence.count("CO₂e") == 2


def test_nothing_is_said_in_a_clean_place_or_of_next_to_nothing() -> None:
    assert nudge(elsewhere(session("SE"))) == ""
    assert "times less" in unasked(session("DE"))  # 41 Wh are 14 g
    assert unasked(session("FR")) == ""
    assert unasked(session("SE")) == ""


@pytest.mark.parametrize(
    ("cell", "provider", "said"), [("nope", None, "'nope'"), ("", "nocloud", "Use one of: aws")]
)
def test_what_is_not_there(cell: str, provider: str | None, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        elsewhere(session(), cell, provider)


def test_nothing_measured_is_nothing_to_rank() -> None:
    with pytest.raises(SettingError, match="Nothing has been measured"):
        elsewhere(session(measured=False))


# As shown


def test_the_terminals_table_is_narrow_marks_here_and_says_what_is_left_out() -> None:
    found = elsewhere(session())
    shown = where_table.text(found.what, found.ranking)
    whole = where_table.text(found.what, found.ranking, everything=True)

    assert max(map(len, [*shown.splitlines(), *whole.splitlines()])) <= 100
    assert "Germany (DE) · here" in shown
    assert "more: --all" in shown
    assert "more: --all" not in whole
    assert len(whole.splitlines()) > len(found.ranking.ranked) > len(shown.splitlines())
    assert "Not ranked" in shown
    assert "PUE 1 everywhere" in shown


def test_bars_are_as_long_as_the_emissions_and_never_nothing() -> None:
    found = elsewhere(session(), provider="aws")
    bars = {
        line.split()[0]: line.count("#")
        for line in where_table.text(found.what, found.ranking, ascii=True).splitlines()
        if line.startswith("aws:")
    }
    grams = {each.id: each.emissions.emissions_g for each in found.ranking.ranked}
    most_g = max(grams.values())

    assert bars
    for name, length in bars.items():
        assert length == pytest.approx(max(1, 14 * grams[name] / most_g), abs=0.51)


def test_without_unicode_there_is_none() -> None:
    found = elsewhere(session(), provider="aws")

    assert where_table.text(found.what, found.ranking, ascii=True).isascii()


class Rows(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.rows, self.tags = 0, set[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.rows += tag == "tr"


def test_html_has_every_place_and_no_script_or_resource() -> None:
    found = elsewhere(session(), "train")
    parsed = Rows()
    parsed.feed(where_table.html(found.what, found.ranking))

    assert parsed.rows == len(found.ranking.ranked) + 1
    assert not parsed.tags & {"script", "img", "link", "svg", "iframe", "style"}


def test_names_are_escaped() -> None:
    found = elsewhere(session())
    page = where_table.html("<b>cell</b>", found.ranking)

    assert "<b>cell</b>" not in page
    assert "&lt;b&gt;cell&lt;/b&gt;" in page
