"""One escape for each sink, each judged by that sink's own parser."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbcarbon.core import escape
from tests.payloads import PAYLOADS

ANY = st.text() | st.sampled_from([each for each in PAYLOADS if len(each) < 1000])


class Text(HTMLParser):
    """What a browser would show, and every tag that is not ours."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.text = ""
        self.tags: list[str] = []
        self.attributes: dict[str, str | None] = {}

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes.update(attributes)


@given(ANY)
def test_html_is_text_and_an_attribute_is_one_value(text: str) -> None:
    parser = Text()
    parser.feed(f'<b title="{escape.html(text)}">{escape.html(text)}</b>')
    parser.close()
    assert parser.tags == ["b"]
    assert set(parser.attributes) == {"title"}
    assert parser.text == (parser.attributes["title"] or "")
    if text.isprintable() and text.isascii():
        assert parser.text == text


@given(ANY)
def test_a_label_is_short_one_line_and_clean_for_good(text: str) -> None:
    clean = escape.label(text)
    assert len(clean) <= escape.LONGEST_LABEL
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]", clean)
    assert escape.label(clean) == clean
    clean.encode("utf-8")


@given(ANY)
def test_a_terminal_is_not_moved(text: str) -> None:
    found = escape.terminal(text)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", found)
    found.encode("utf-8")


@given(ANY)
def test_a_spreadsheet_evaluates_nothing(text: str) -> None:
    out = io.StringIO()
    csv.writer(out).writerow([escape.csv(text), "1"])
    ((value, one),) = list(csv.reader(io.StringIO(out.getvalue(), newline="")))
    assert one == "1"
    assert not value.lstrip(" \u00a0").startswith(("=", "+", "-", "@", "\t", "\r", "＝"))


@given(ANY)
def test_yaml_is_a_json_like_scalar(text: str) -> None:
    found = escape.yaml(text)
    assert found.isascii()
    assert found.startswith('"')
    assert "\n" not in found
    expected = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
    # Every escape but the one above the basic plane is JSON's own.
    wide = re.sub(r"\\U([0-9a-f]{8})", lambda m: json.dumps(chr(int(m[1], 16)))[1:-1], found)
    assert json.loads(wide) == expected


@given(ANY)
def test_script_json_ends_no_script(text: str) -> None:
    found = escape.script_json({"name": text})
    assert not re.search(r"[<>&\u2028\u2029]", found)
    assert json.loads(found) == {"name": text}
    with pytest.raises(ValueError, match="JSON"):
        escape.script_json(float("nan"))


@given(ANY)
def test_markdown_and_latex_stay_on_their_line(text: str) -> None:
    for escaped in (escape.markdown(text), escape.latex(text)):
        assert "\n" not in escaped
        assert "\r" not in escaped
    found = escape.markdown(text)
    assert not re.search(r"(?<!\\)[|`*_\[\]<>]", found.replace("\\\\", ""))
    assert not re.match(r"([#>+-]|\d+[.)])\s", found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a|b", r"a\|b"), ("1. x", r"1\. x"), ("# x", r"\# x"), ("<b>", "&lt;b&gt;"), ("a\nb", "a b")],
)
def test_markdown(text: str, expected: str) -> None:
    assert escape.markdown(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100 %_#", r"100 \%\_\#"),
        ("a\\b", r"a\textbackslash{}b"),
        ("--", "{-}{-}"),
        ("\ud800", "?"),
    ],
)
def test_latex(text: str, expected: str) -> None:
    assert escape.latex(text) == expected


def test_a_long_label_says_that_it_goes_on() -> None:
    assert escape.label("x" * 300) == "x" * (escape.LONGEST_LABEL - 1) + "…"
