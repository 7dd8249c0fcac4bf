from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from nbcarbon.core.session import Session
from nbcarbon.errors import ExportError
from nbcarbon.notebook.feed import Feed
from nbcarbon.notebook.requests import Requests
from nbcarbon.panel import view_model
from tests.notebook.meters import Heard, HeldMeter
from tests.wire.examples import POLAND, running, told


class FakeApp:
    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.exported: list[str] = []

    def change(self, name: str, value: str) -> None:
        self.changes.append((name, value))

    def settle(self) -> None:
        pass

    def zone_text(self) -> str:
        return "Poland"

    def choices(self) -> dict[str, Any]:
        return view_model.choices([("FR", "France")], [(".json", "JSON")])

    def what_if(self, text: str) -> view_model.WhatIf:
        return POLAND

    def export_name(self, suffix: str) -> str:
        return f"made-up{suffix}"

    def export(self, path: str) -> str:
        if path == "taken.json":
            raise ExportError("taken.json exists already.", hint="Choose another name.")
        self.exported.append(path)
        return path

    def remarks(self) -> list[str]:
        return ["! GPU 0: lost."]


def asked(*requests: Any, session: Session | None = None) -> SimpleNamespace:
    """What requests lead to."""
    app, sink, resets = FakeApp(), Heard(), []
    feed = Feed(HeldMeter(session or running()))  # type: ignore[arg-type]
    feed.add(sink)
    handler = Requests(
        app,  # type: ignore[arg-type]
        feed,
        bokehjs=lambda: ("3.9.2", b"compressed"),
        reset=lambda: resets.append(True),
    )
    for request in requests:
        handler.handle(request, sink)
    return SimpleNamespace(app=app, sink=sink, feed=feed, resets=resets)


def need(what: str) -> dict[str, Any]:
    return {"type": "need", "v": 1, "what": what}


@pytest.mark.parametrize("what", ["state", "cells", "history", "choices", "bokehjs"])
def test_what_a_page_needs_it_gets(what: str) -> None:
    sink = asked(need(what)).sink

    assert sink.types == [what]
    assert sink.buffers == [[b"compressed"] if what == "bokehjs" else ()]


def test_an_examination_comes_from_a_thread_of_its_own() -> None:
    sink = asked(need("doctor")).sink
    for thread in threading.enumerate():
        if thread.name == "nbcarbon-doctor":
            thread.join(30)

    assert sink.types == ["doctor"]
    assert any("zone" in line for line in sink.messages[0]["lines"])
    assert sink.messages[0]["lines"][-1] == "! GPU 0: lost."


def test_settings() -> None:
    done = asked(
        {"type": "set", "v": 1, "name": "zone", "value": "poland"},
        {"type": "set", "v": 1, "name": "zone", "value": "auto"},
        {"type": "set", "v": 1, "name": "attribution", "value": "share"},
        {"type": "set", "v": 1, "name": "measuring", "value": "off"},
        {"type": "set", "v": 1, "name": "measuring", "value": "on"},
    )

    assert done.app.changes == [
        ("zone", "PL"), ("zone", "auto"), ("attribution", "share"), ("measuring", "off"),
        ("measuring", "on"),
    ]  # fmt: skip
    assert [each["text"] for each in done.sink.messages] == ["Poland", "Poland"]


def test_another_zone_to_compare_with_is_shown_at_once_and_taken_away_again() -> None:
    compare = {"type": "set", "v": 1, "name": "what_if", "value": "PL"}
    done = asked(compare, {**compare, "value": ""}, session=Session(told().events))

    assert done.sink.types == ["state", "history"] * 2
    assert done.sink.messages[0]["what_if"]["zone"] == "PL"
    assert done.sink.messages[2]["what_if"] is None


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"type": "set", "name": "zone", "value": "Atlantis"}, "There is no zone 'Atlantis'."),
        ({"type": "set", "name": "attribution", "value": "nobody"}, "Use machine or share."),
        ({"type": "export", "path": "taken.json"}, "Choose another name."),
        ({"type": "export", "path": 7}, "Reload the page."),
        ({"type": "set", "name": "zone", "value": "x" * 5000}, "Reload the page."),
    ],
)
def test_what_cannot_be_done_is_a_sentence(request_: dict[str, Any], words: str) -> None:
    (answer,) = asked({**request_, "v": 1}).sink.messages

    assert answer["type"] == "said"
    assert answer["ok"] is False
    assert words in answer["text"]


def test_export_says_where_and_finds_a_name_by_itself() -> None:
    done = asked(
        {"type": "export", "v": 1, "path": "mine.json"}, {"type": "export", "v": 1, "path": ".md"}
    )

    assert done.app.exported == ["mine.json", "made-up.md"]
    assert [each["text"] for each in done.sink.messages] == [
        "Written: mine.json", "Written: made-up.md",
    ]  # fmt: skip


def test_reset() -> None:
    done = asked({"type": "reset", "v": 1})

    assert done.resets == [True]
    assert done.sink.messages[0]["ok"] is True


@pytest.mark.parametrize(
    "data",
    [
        None, 7, "need", [], {}, {"type": "need"}, {"type": "need", "v": 2, "what": "state"},
        {"type": "dance", "v": 1}, {"type": "need", "v": 1, "what": "everything"},
        {"type": "set", "v": 1, "name": "powercap_root", "value": "/etc"}, {"type": [], "v": 1},
    ],
)  # fmt: skip
def test_what_is_not_understood_is_ignored(data: Any) -> None:
    done = asked(data)

    assert done.sink.messages == []
    assert done.app.changes == []
