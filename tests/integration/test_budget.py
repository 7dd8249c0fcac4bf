"""Budgets in a real kernel that uses 30 W: said once, and stopped as Ctrl-C would, never after the cell."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.kernels import Kernel, kernel, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120), pytest.mark.xdist_group("budget")]

BUSY = "import time\nend = time.monotonic() + {}\nwhile time.monotonic() < end: sum(range(100))\n"
CAUGHT = """import time
caught = []
for _ in range(2):
    try:
        time.sleep({})
    except KeyboardInterrupt:
        caught.append(1)
print(len(caught), "caught")"""


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    folder = tmp_path_factory.mktemp("budget")
    trace = folder / "trace.csv"
    trace.write_text("seconds,device,kind,power_w\n0,cpu:0,cpu,30\n9000,cpu:0,cpu,30\n")
    environ = {"NBCARBON_REPLAY": str(trace), "HOME": str(folder), "IPYTHONDIR": str(folder / "ip")}
    with kernel(folder, environ=environ) as running:
        running.run("import asyncio, time")
        yield running


def plain(text: str) -> str:
    """Without what colours it."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def named(running: Kernel, name: str) -> list[Any]:
    """The cells of a name that are over."""
    return [each for each in running.cells(0) if each.name == name]


def said(reply: object) -> list[str]:
    """The lines about budgets below a cell."""
    displays = reply.displays  # type: ignore[attr-defined]
    texts = [each["data"]["text/plain"].replace("\u00a0", " ") for each in displays]
    return [each for each in texts if each.startswith("nbcarbon: ")]


@pytest.mark.parametrize(
    ("body", "ename"),
    [
        (BUSY.format(20), "KeyboardInterrupt"),
        ("time.sleep(20)", "KeyboardInterrupt"),
        ("await asyncio.sleep(20)", "CancelledError"),
    ],
    ids=["busy", "sleeps", "awaits"],
)
def test_a_cell_is_stopped_when_its_budget_is_used(steady: Kernel, body: str, ename: str) -> None:
    before = len(named(steady, "dear"))
    begun_s = time.monotonic()
    reply = steady.run_to_card(f"%%carbon dear --budget 45J --stop\n{body}\nprint('not reached')")
    assert time.monotonic() - begun_s < 10
    assert (reply.status, reply.ename) == ("error", ename)
    assert "not reached" not in reply.text
    if ename == "KeyboardInterrupt":
        assert "the budget is used up" in plain("".join(reply.errors[0]["traceback"]))
    assert "Error in callback" not in reply.text
    assert said(reply)[-1].startswith("nbcarbon: dear has used 1")
    assert said(reply)[-1].endswith("This cell is interrupted.")
    card = next(each for each in reply.cards if each.startswith("dear"))
    assert "interrupted" in card
    assert "of its budget of 12.5 mWh" in card
    assert wait_for(lambda: len(named(steady, "dear")) > before)
    cell = named(steady, "dear")[-1]
    assert cell.outcome == "interrupted"
    assert 45.0 < cell.energy_j < 45.0 + 30 * 2.5
    after = steady.run("time.sleep(1.5); 'next'")
    assert after.results[0]["data"]["text/plain"] == "'next'"


def test_a_body_that_is_run_again_and_again_is_stopped(steady: Kernel) -> None:
    reply = steady.run("%%carbon often --repeat 4000 --budget 45J --stop\ntime.sleep(0.01)")
    assert (reply.status, reply.ename) == ("error", "KeyboardInterrupt")


def test_a_cell_that_catches_it_is_not_interrupted_again(steady: Kernel) -> None:
    reply = steady.run("%%carbon stubborn --budget 30J --stop\n" + CAUGHT.format(3.5))
    assert reply.status == "ok"
    assert "1 caught" in reply.text


def test_without_stop_it_is_said_once_and_nothing_is_stopped(steady: Kernel) -> None:
    reply = steady.run("%%carbon warned --budget 36J\ntime.sleep(3.5); 'end'")
    assert reply.status == "ok"
    assert len(said(reply)) == 1
    assert said(reply)[0].startswith("nbcarbon: warned has used ")


def test_a_session_stops_one_cell_and_lets_those_after_it_run(steady: Kernel) -> None:
    used_j = steady.session().figures().energy.energy_j
    reply = steady.run(f"%carbon budget {used_j + 60:.1f} J --stop")
    assert "The cell that uses it up is interrupted." in reply.text
    reply = steady.run("time.sleep(20)")
    assert reply.ename == "KeyboardInterrupt"
    assert said(reply)[-1].startswith("nbcarbon: This session has used 1")
    reply = steady.run("time.sleep(2.5); 'saved'")
    assert reply.results[0]["data"]["text/plain"] == "'saved'"
    assert said(reply) == []
    # Set anew it holds anew, and off it is none.
    steady.run(f"%carbon budget {used_j:.1f} J --stop")
    assert steady.run("time.sleep(20)").ename == "KeyboardInterrupt"
    assert "no budget" in steady.run("%carbon budget off").text
    assert steady.run("time.sleep(1.5)").status == "ok"
    assert steady.session().settings["budget"] == ""


def test_stops_at_any_moment_reach_the_cell_or_nothing(steady: Kernel) -> None:
    """A thread stops whatever cell runs, over and over: into its ends, its hooks, the time between cells."""
    steady.run("%carbon budget 1kWh --stop")
    steady.run(
        "import random, sys, threading\n"
        "sys.setswitchinterval(0.0002)\n"
        "from nbcarbon import app\n"
        "stops = app.current().extension.hooks.stops\n"
        "def shoot():\n"
        "    rng = random.Random(5)\n"
        "    while shooting:\n"
        "        index = stops.armed_index\n"
        "        time.sleep(rng.random() * 0.004)\n"
        "        if index is not None: stops.stop(index)\n"
        "def callback(*_):\n"
        "    end = time.perf_counter() + 0.002\n"
        "    while time.perf_counter() < end: pass\n"
        "def twice(s):\n"
        "    global hits\n"
        "    hits = 0\n"
        "    for _ in range(2):\n"
        "        try:\n"
        "            end = time.perf_counter() + s\n"
        "            while time.perf_counter() < end: pass\n"
        "        except KeyboardInterrupt: hits += 1\n"
        "ip = get_ipython()\n"
        "for name in ('post_execute', 'post_run_cell', 'pre_run_cell'): ip.events.register(name, callback)\n"
        "shooting = True; thread = threading.Thread(target=shoot, daemon=True); thread.start()"
    )
    hits = []
    for n in range(60):
        body = ["twice(0.003)", "ip.run_cell('twice(0.002)')", "pass"][n % 3]
        reply = steady.run(f"hits = 0\n{body}\nhits")
        assert "Error in callback" not in reply.text, reply.text
        if reply.status == "ok" and reply.results:
            hits.append(int(reply.results[0]["data"]["text/plain"]))
        elif reply.status == "ok":  # while its result was shown
            hits.append(1)
        else:  # between the statements of its own
            assert reply.ename == "KeyboardInterrupt"
            hits.append(1)
    steady.run("shooting = False; thread.join()")
    steady.run(
        "for name in ('post_execute', 'post_run_cell', 'pre_run_cell'): ip.events.unregister(name, callback)"
    )
    assert max(hits) == 1
    # How many of the shots hit their cell is the machine's doing, that some do is ours.
    assert sum(hits) > 5
    assert steady.run("1 + 1").results[0]["data"]["text/plain"] == "2"


def test_unloading_gives_the_handler_back(steady: Kernel) -> None:
    steady.run("import signal\n%unload_ext nbcarbon")
    reply = steady.run("signal.getsignal(signal.SIGINT) is signal.default_int_handler")
    assert reply.results[0]["data"]["text/plain"] == "True"
