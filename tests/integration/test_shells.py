"""Real shells: a terminal's IPython, a script, the profile, ten thousand odd lines."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from nbcarbon import recorded
from nbcarbon.ledger import store
from nbcarbon.ledger.reader import is_live
from nbcarbon.notebook import profile
from tests.integration.kernels import kernel, wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]


def ipython(text: str, folder: Path, *arguments: str) -> str:
    """What a terminal shows when these lines are typed."""
    done = subprocess.run(
        [sys.executable, "-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor",
         *arguments],
        input=text, capture_output=True, text=True, cwd=folder, timeout=60,
    )  # fmt: skip
    return done.stdout + done.stderr


def test_a_terminal_shows_a_card(tmp_path: Path) -> None:
    shown = ipython(
        "%load_ext nbcarbon\n%carbon zone FR\n%%carbon train\nx = sum(range(10**6))\nx + 1\n\n\n"
        "%carbon report\n%unload_ext nbcarbon\n%carbon status\n",
        tmp_path,
    )
    assert "France, 31 g/kWh" in shown.replace("\u2009", " ")
    assert "499999500001" in shown
    assert "train" in shown
    assert "modelled" in shown
    assert "total" in shown
    assert "Line magic function `%carbon` not found" in shown
    assert "Traceback" not in shown


def test_a_terminal_interrupt_and_exit_leave_a_session(tmp_path: Path, home: Path) -> None:
    shown = ipython("%load_ext nbcarbon\nraise KeyboardInterrupt\n1/0\nexit\n", tmp_path)
    assert "nbcarbon" not in shown.partition("load_ext")[2].partition("raise")[2]
    # The shell does not wait for its sampler, which may not even have begun its file.
    folder = home / ".local" / "state" / "nbcarbon" / "sessions"
    assert wait_for(lambda: bool(store.sessions(folder)))
    (path,) = store.sessions(folder)
    assert wait_for(lambda: not is_live(path))
    session = recorded.read_session(path)
    outcomes = [each.outcome for each in session.figures().cells]
    assert outcomes[0] == "interrupted"
    assert "error" in outcomes
    assert session.ended is not None


def test_always_on_by_the_profile_and_off_again(tmp_path: Path) -> None:
    assert "measures from now on" in profile.enable("default")
    assert "measures from now on" in profile.enable("default")
    with kernel(tmp_path, load=False) as running:
        assert "measuring" in running.run("%carbon status").text
        # Nothing of the start-up file is in the user's names.
        names = running.run("[each for each in dir() if 'carbon' in each]")
        assert names.results[0]["data"]["text/plain"] == "[]"
    assert "do not measure any more" in profile.disable("default")
    assert "was not enabled" in profile.disable("default")
    shown = ipython("%carbon status\n", tmp_path)
    assert "not found" in shown


def test_a_start_up_file_of_somebody_else_is_left_alone() -> None:
    path = profile.startup_file("default")
    path.parent.mkdir(parents=True)
    path.write_text("mine = 1\n")
    for change in (profile.enable, profile.disable):
        with pytest.raises(profile.SettingError, match="was not written by nbcarbon"):
            change("default")
    assert path.read_text() == "mine = 1\n"
    with pytest.raises(profile.SettingError, match="no name of a profile"):
        profile.enable("../../etc")


SCRIPT = """
import sys, time
import nbcarbon
heavy = {"numpy", "pandas", "bokeh", "ipywidgets", "IPython", "psutil", "pynvml", "httpx"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)

@nbcarbon.measure("work")
def work(n):
    return sum(range(n))

with nbcarbon.measure("outer") as outer:
    time.sleep(0.2)
    with nbcarbon.measure("inner") as inner:
        time.sleep(0.3)
assert work(10**6) == 499999500000
assert work.measurement.report.duration_s < 0.5
try:
    with nbcarbon.measure("fails") as failed:
        1 / 0
except ZeroDivisionError:
    pass
import json
session = nbcarbon.session()
figures = session.figures()
print(json.dumps({
    "outer": [outer.report.energy_j, outer.report.low_j, outer.report.high_j, outer.report.duration_s,
              outer.report.coverage_fraction, outer.report.emissions_g, outer.report.low_g,
              outer.report.high_g],
    "inner": [inner.report.energy_j, inner.report.parent_index, inner.report.duration_s],
    "failed": str(failed.report.outcome),
    "device": [[each.id, str(each.kind), str(each.provenance), each.method, each.below_resolution]
               for each in outer.report.devices],
    "sum": sum(each.energy_j for each in figures.cells if each.parent_index is None),
    "parts": [figures.background.energy_j, figures.between_cells.energy_j, figures.others.energy_j],
    "machine": figures.machine_j,
    "heavy": sorted(heavy & set(sys.modules)),
}))
"""


def test_a_script_measures_without_a_shell(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    energy_j, low_j, high_j, duration_s, coverage, emissions_g, low_g, high_g = found["outer"]

    assert 0.5 <= duration_s < 1
    assert 0 < low_j <= energy_j <= high_j
    assert 0 <= low_g <= emissions_g <= high_g
    assert emissions_g > 0
    assert coverage > 0.9
    assert found["inner"][0] < energy_j
    assert found["inner"][1] == 1
    assert found["failed"] == "error"
    assert all(device[2] in ("measured", "modelled") for device in found["device"])
    assert found["sum"] + sum(found["parts"]) == pytest.approx(found["machine"], rel=1e-3)
    assert found["heavy"] == []


def test_a_report_before_its_time_is_a_sentence(tmp_path: Path) -> None:
    code = (
        "import nbcarbon\n"
        "for ask in (nbcarbon.session, lambda: nbcarbon.measure('x').report):\n"
        "    try: ask()\n"
        "    except nbcarbon.NbcarbonError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == [
        "Nothing is being measured. Start with %load_ext nbcarbon, or with nbcarbon.measure() in a script.",
        "There is no report of 'x'. It is there once the block is over, while measuring is on.",
    ]


def test_importing_the_package_costs_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); import nbcarbon; print(sorted(set(sys.modules) - before))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(eval(done.stdout))
    assert {each for each in loaded if each.startswith("nbcarbon")} == {
        "nbcarbon",
        "nbcarbon.version",
    }
    assert not loaded & {"asyncio", "dataclasses", "json", "pathlib", "socket", "subprocess"}


FUZZ = """
import json, os, random, string, time
from IPython.core.error import UsageError
rng = random.Random(7)
shell = get_ipython()
before = set(os.listdir('.'))
words = ["status", "zone", "region", "zone FR", "zone auto", "pue", "attribution", "name", "help",
         "export", "on", "off", "report", "--force", "--with-host", "'", '"', "\\\\", "{1/0}", "$HOME",
         "..", "~nobody", "/proc/self/mem", "\\x1b[2J", "é", "\\ud800", "1e400", "nan", "%%", "<b>"]
wrong, slow = [], 0.0
for _ in range(10_000):
    line = " ".join(rng.choice(words) if rng.random() < 0.8
                    else "".join(rng.choices(string.printable, k=rng.randrange(12)))
                    for _ in range(rng.randrange(5)))
    if line.lstrip().startswith(("report", "zone", "region", "pue", "attribution", "doctor")):
        if rng.random() < 0.9:
            continue
    began = time.perf_counter()
    try:
        shell.run_line_magic("carbon", line)
    except UsageError:
        pass
    except BaseException as error:
        wrong.append([line, repr(error)])
    slow = max(slow, time.perf_counter() - began)
"""


def test_ten_thousand_odd_lines_raise_nothing_and_leave_no_file(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        reply = running.run("%%capture\n" + FUZZ)
        assert reply.status == "ok", reply.evalue
        found = running.run(
            "print(json.dumps([wrong[:5], slow, sorted(set(os.listdir('.')) - before)]))"
        )
        wrong, slow_s, files = json.loads(found.text)
        assert wrong == []
        assert slow_s < 0.5
        assert [each for each in files if each.endswith((".json", ".md", ".markdown"))] == []
