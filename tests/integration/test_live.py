"""What a page hears from a real kernel, and when it hears nothing."""

from __future__ import annotations

import json
import os
import pty
import queue
import select
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.kernels import Kernel, kernel, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120)]

COMM_ID = "nbcarbon.v1"
BUSY = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: sum(range(1000))"


class Page:
    """A page's ear: every message of ours, and every other one, as they come."""

    def __init__(self, running: Kernel) -> None:
        self.kernel = running
        self.messages: list[dict[str, Any]] = []
        self.others: list[dict[str, Any]] = []
        self.raw: list[dict[str, Any]] = []

    def listen(self, timeout_s: float = 0.2) -> None:
        """Take in whatever comes until nothing has come for a while."""
        while True:
            try:
                message = self.kernel.client.get_iopub_msg(timeout=timeout_s)
            except queue.Empty:
                return
            content = message["content"]
            if message["msg_type"] == "comm_msg" and content["comm_id"] == COMM_ID:
                self.messages.append({**content["data"], "buffers": message["buffers"]})
                self.raw.append({**message, "heard_at": time.time()})
            else:
                self.others.append(message)

    def until(self, kind: str, timeout_s: float = 20.0) -> dict[str, Any]:
        """The next message of a kind."""
        seen = len(self.messages)
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            self.listen(0.05)
            for message in self.messages[seen:]:
                if message["type"] == kind:
                    return message
        raise TimeoutError(f"no {kind} among {[each['type'] for each in self.messages[seen:]]}")

    def run(self, code: str, *, cell_id: str = "cell-run", timeout_s: float = 20.0) -> None:
        """Run a cell to its end, and hear everything meanwhile."""
        message_id = self.kernel.send(code, cell_id=cell_id)
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            self.listen(0.05)
            try:
                reply = self.kernel.client.get_shell_msg(timeout=0)
            except queue.Empty:
                continue
            if reply["parent_header"].get("msg_id") == message_id:
                return
        raise TimeoutError(code)

    def say(self, **data: Any) -> None:
        content = {"comm_id": COMM_ID, "data": {"v": 1, **data}}
        message = self.kernel.client.session.msg("comm_msg", content)
        self.kernel.client.shell_channel.send(message)

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self.messages if each["type"] == kind]

    def heard(self, kind: str, timeout_s: float = 20.0) -> list[dict[str, Any]]:
        """The messages of a kind so far; waits for the first."""
        deadline_s = time.monotonic() + timeout_s
        while not self.of(kind) and time.monotonic() < deadline_s:
            self.listen(0.05)
        return self.of(kind)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A kernel whose extension was loaded by a page that shows cells."""
    with kernel(tmp_path, load=False) as running:
        heard = Page(running)
        heard.run("%load_ext nbcarbon", cell_id="cell-load")
        assert heard.heard("bokehjs")[0]["buffers"]
        heard.listen(1.0)
        yield heard
        running.run("%unload_ext nbcarbon")


def test_a_page_hears_of_a_busy_cell_while_it_runs(page: Page) -> None:
    page.messages.clear()
    page.run(BUSY.format(3.5), cell_id="cell-busy")
    assert page.heard("cell")
    page.listen(0.5)
    states = page.of("state")
    running = [each for each in states if each["running"]]

    assert len(running) >= 3
    assert all(each["cell"]["id"] == "cell-busy" for each in running)
    energies_j = [each["energy_j"] for each in running]
    assert energies_j == sorted(energies_j)
    assert energies_j[-1] > energies_j[0]
    assert states[-1]["running"] is False
    assert states[-1]["text"]["power"] == "idle"
    (cell,) = page.of("cell")
    assert cell["id"] == "cell-busy"
    assert cell["energy_j"] == pytest.approx(
        running[-1]["energy_j"] - running[0]["energy_j"], rel=0.5
    )


def test_an_idle_kernel_says_nothing_so_that_a_server_can_end_it(page: Page) -> None:
    page.messages.clear()
    page.others.clear()
    page.listen(12.0)  # longer than two readings of an idle sampler

    assert page.messages == []
    assert page.others == []


def test_a_page_that_was_loaded_again_gets_everything_it_asks_for(page: Page) -> None:
    page.run("x = 1", cell_id="cell-x")
    assert page.heard("cell")
    page.listen(0.5)
    for what in ("state", "cells", "history", "choices", "bokehjs"):
        page.say(type="need", what=what)
        assert page.until(what)["v"] == 1
    cells = page.of("cells")[-1]["cells"]

    assert [each["id"] for each in cells] == ["cell-x"]
    assert ["FR", "France"] in page.of("choices")[-1]["zones"]


def test_a_page_sets_zone_pause_and_another_zone(page: Page) -> None:
    page.say(type="set", name="zone", value="PL")
    assert page.until("said")["text"].startswith("Poland")
    page.say(type="need", what="state")
    assert page.until("state")["zone"] == "PL"
    page.say(type="set", name="what_if", value="FR")
    assert page.until("history")["what_if_g"] is not None
    page.say(type="set", name="measuring", value="off")
    assert wait_for(lambda: page.until("state")["text"]["power"] == "paused")
    page.say(type="set", name="zone", value="Atlantis")
    assert page.until("said")["ok"] is False


def test_a_page_exports_and_resets(page: Page, tmp_path: Path) -> None:
    page.run("x = 1", cell_id="cell-x")
    first = page.heard("cell")[-1]["session"]
    page.listen(0.5)
    page.say(type="export", path=".json")
    said = page.until("said")
    assert said["ok"], said
    exported = json.loads((tmp_path / said["text"].removeprefix("Written: ")).read_text())
    assert len(exported["cells"]) == 1

    page.say(type="reset")
    assert page.until("said")["ok"] is True
    page.messages.clear()
    page.run("y = 2", cell_id="cell-y")
    assert page.heard("cell")[-1]["session"] != first
    page.say(type="need", what="cells")
    assert [each["id"] for each in page.until("cells")["cells"]] == ["cell-y"]
    assert page.kernel.ended().started.id == first  # the session before is whole


def test_unloading_takes_leave_and_leaves_no_comm(page: Page) -> None:
    page.run("%unload_ext nbcarbon")
    assert page.heard("bye")
    reply = page.kernel.run("import comm\nprint([each for each in comm.get_comm_manager().comms])")

    assert COMM_ID not in reply.text
    page.messages.clear()
    page.run("%load_ext nbcarbon", cell_id="cell-load")
    assert page.heard("bokehjs")


HEAVY = "print([n for n in ('bokeh', 'numpy', 'pandas', 'ipywidgets', 'anywidget') if n in __import__('sys').modules])"


def test_where_no_page_shows_cells_nothing_is_prepared(tmp_path: Path) -> None:
    with kernel(tmp_path, load=False) as running:
        heard = Page(running)
        running.run("%load_ext nbcarbon")
        running.run("x = 1")
        heard.listen(1.5)

        assert heard.messages == []
        assert not [each for each in heard.others if each["msg_type"].startswith("comm")]
        assert running.run(HEAVY).text.strip() == "[]"


def test_where_a_page_shows_cells_the_kernel_still_imports_no_bokeh(page: Page) -> None:
    assert page.kernel.run(HEAVY).text.strip() == "['ipywidgets', 'anywidget']"


def test_the_panel_can_be_switched_off(tmp_path: Path) -> None:
    with kernel(tmp_path, load=False, environ={"NBCARBON_PANEL": "off"}) as running:
        heard = Page(running)
        running.run("%load_ext nbcarbon", cell_id="cell-load")
        running.run("x = 1", cell_id="cell-x")
        heard.listen(1.5)

        assert heard.messages == []
        assert running.run(HEAVY).text.strip() == "[]"


def test_always_on_notices_a_page_by_its_first_cell(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:  # loaded by the command line, before there is any request
        heard = Page(running)
        heard.run("x = 1", cell_id="cell-x")
        assert heard.heard("bokehjs")


def test_a_panel_in_a_cell_is_the_widget_and_words(page: Page) -> None:
    reply = page.kernel.run("%carbon panel", cell_id="cell-panel")
    (shown,) = reply.displays

    page.say(type="need", what="state")
    model_id = page.until("state")["panel"]
    assert shown["data"]["application/vnd.jupyter.widget-view+json"]["model_id"] == model_id
    assert "France, 31 g/kWh" in shown["data"]["text/plain"]


def test_a_panel_without_a_page_is_made_when_asked_for(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:  # a client that names no cells, as Voila's
        reply = running.run("%carbon panel")

        assert reply.status == "ok"
        assert "application/vnd.jupyter.widget-view+json" in reply.displays[0]["data"]
        assert "'bokeh'" not in running.run(HEAVY).text


@pytest.mark.parametrize("missing", ["bokeh", "ipywidgets", "anywidget"])
def test_a_panel_without_its_packages_is_a_sentence(tmp_path: Path, missing: str) -> None:
    with kernel(tmp_path) as running:
        running.run(
            "import sys, importlib.metadata as m\n"
            f"sys.modules[{missing!r}] = None\n"
            "real = m.version\n"
            "def version(name):\n"
            f"    if name == {missing!r}: raise m.PackageNotFoundError(name)\n"
            "    return real(name)\n"
            "m.version = version"
        )
        reply = running.run("%carbon panel")

        assert reply.status == "error"
        assert "pip install" in reply.evalue
        assert missing in reply.evalue


# Progress of a long cell


def test_a_long_cell_shows_its_progress_and_the_card_takes_its_place(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        reply = running.run("%%carbon slow\n" + BUSY.format(3.6))
        shown = [each["data"]["text/plain"] for each in (*reply.displays, *reply.updates)]

        assert len(reply.displays) == 1
        assert "so far" in shown[0]
        assert reply.displays[0]["transient"] == reply.updates[-1]["transient"]
        card = running.run_to_card("%%carbon quick\nx = 1")
        assert "so far" not in card.cards[0]
        assert "waiting" in reply.cards[0] or "slow" in reply.cards[0]
        assert "so far" not in reply.cards[0]


def test_output_that_is_cleared_takes_the_line_away_but_not_the_card(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        reply = running.run(
            "%%carbon cleared\nfrom IPython.display import clear_output\n"
            + BUSY.format(4.5)
            + "\nclear_output()"
        )

        assert "so far" in reply.displays[0]["data"]["text/plain"]
        assert "so far" not in reply.displays[-1]["data"]["text/plain"]
        assert len(reply.displays) == 2


def test_a_short_cell_shows_none(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        reply = running.run("%%carbon short\n" + BUSY.format(1.0))

        assert not any("so far" in each["data"]["text/plain"] for each in reply.displays)


def terminal(command: list[str], folder: Path, typed: bytes = b"", timeout_s: float = 60.0) -> str:
    """What a program shows on a terminal of its own."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvp(command[0], command)
    shown, deadline_s, sent = b"", time.monotonic() + timeout_s, False
    while time.monotonic() < deadline_s:
        ready, _, _ = select.select([fd], [], [], 0.1)
        if ready:
            try:
                part = os.read(fd, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        if typed and not sent and b"In [1]" in shown:
            sent = True
            os.write(fd, typed)
    os.waitpid(pid, 0)
    os.close(fd)
    return shown.decode("utf-8", "replace")


def test_a_terminal_shows_progress_and_wipes_it_away(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY.format(3.5))
    typed = b"%load_ext nbcarbon\n%%carbon slow\nimport busy\n\n\nexit\n"
    shown = terminal(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
        tmp_path,
        typed,
    )
    before, _, card = shown.rpartition("so far")

    assert before, shown
    assert "\r\x1b[K" in card
    assert "slow" in card


def test_a_run_on_a_terminal_shows_a_moving_line(tmp_path: Path) -> None:
    import nbformat

    path = tmp_path / "work.ipynb"
    cells = [nbformat.v4.new_code_cell("%%carbon slow\n" + BUSY.format(3.2))]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    shown = terminal([sys.executable, "-m", "nbcarbon", "run", str(path), "--zone", "FR"], tmp_path)

    assert shown.count("so far") >= 2, shown
    assert "[1/1]" in shown
    assert "Written:" in shown
