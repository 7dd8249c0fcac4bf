"""Every way a cell can begin and end, in a real kernel."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

import ipykernel
import pytest

from nbcarbon.notebook.options import CELL_OPTIONS
from tests.integration.kernels import Kernel, kernel, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("cells")) as running:
        running.run("import asyncio")
        running.cells(1)
        yield running


def count(running: Kernel) -> int:
    """Cells reported so far; everything said before is in the ledger by then."""
    running.run("_nb = 1")
    return len(running.cells(10_000, timeout_s=0.5))


PLAIN = {
    "plain": ("x = 1", "ok", "ok"),
    "comment": ("# nothing", "ok", "ok"),
    "exception": ("1/0", "error", "error"),
    "syntax error": ("x = = 1", "error", "error"),
    "indentation error": ("  x = 1\n y = 2", "error", "error"),
    "unknown magic": ("%nosuchmagic", "error", "error"),
    "recursion": ("def f(): return f()\nf()", "error", "error"),
    "memory": ("raise MemoryError", "error", "error"),
    "generator exit": ("raise GeneratorExit", "error", "error"),
    "own base exception": ("class E(BaseException): pass\nraise E", "error", "error"),
    "system exit": ("raise SystemExit", "error", "error"),
    "sys.exit": ("import sys; sys.exit()", "error", "error"),
    "keyboard interrupt": ("raise KeyboardInterrupt", "error", "interrupted"),
    "await": ("await asyncio.sleep(0.01)", "ok", "ok"),
    "await raises": ("await asyncio.sleep(0.01); 1/0", "error", "error"),
    "timeit": ("%timeit -n1 -r1 1", "ok", "ok"),
    "time": ("%%time\n1", "ok", "ok"),
    "bash": ("%%bash\ntrue", "ok", "ok"),
    "shell": ("!true", "ok", "ok"),
    "capture": ("%%capture\nprint(1)", "ok", "ok"),
    "nested": ("get_ipython().run_cell('1/0')", "ok", "ok"),
    "nested silent": ("get_ipython().run_cell('1', silent=True)", "ok", "ok"),
    "nested await": ("get_ipython().run_cell('await asyncio.sleep(0)')", "ok", "ok"),
}


@pytest.mark.parametrize(("code", "status", "outcome"), PLAIN.values(), ids=PLAIN)
def test_each_cell_is_one_record(shared: Kernel, code: str, status: str, outcome: str) -> None:
    before = len(shared.cells(0))
    reply = shared.run(code)
    cells = shared.cells(before + 1)

    assert reply.status == status
    assert len(cells) == before + 1
    assert cells[-1].outcome == outcome
    assert cells[-1].coverage_fraction > 0
    assert "nbcarbon" not in reply.text
    assert not any("nbcarbon" in line for error in reply.errors for line in error["traceback"])


@pytest.mark.parametrize("code", ["", "  \n"])
def test_an_empty_cell_is_none(shared: Kernel, code: str) -> None:
    before = count(shared)
    assert shared.run(code).status == "ok"
    assert count(shared) == before + 1  # the one that counted


def test_what_a_front_end_runs_is_no_cell(shared: Kernel) -> None:
    before = count(shared)
    front_before_j = shared.session().figures().front_end.energy_j
    assert shared.run("sum(range(3_000_000))", silent=True).status == "ok"
    assert shared.run("sum(range(3_000_000))", store_history=False).status == "ok"

    assert count(shared) == before + 1
    assert shared.session().figures().front_end.energy_j > front_before_j


def test_an_interrupt_ends_the_cell_as_interrupted(shared: Kernel) -> None:
    for code in ("import time; time.sleep(20)", "await asyncio.sleep(20)"):
        before = len(shared.cells(0))
        sent = shared.send(code)
        assert wait_for(lambda: bool(shared.session().open))
        time.sleep(0.2)
        shared.manager.interrupt_kernel()
        assert shared.wait(sent).status == "error"
        assert shared.cells(before + 1)[-1].outcome == "interrupted"


def test_a_cells_key_is_its_id_or_else_made_from_its_source(shared: Kernel) -> None:
    before = len(shared.cells(0))
    shared.run("x = 41", cell_id="abc-1")
    for _ in range(2):
        shared.run("x = 42")
    keys = [each.key for each in shared.cells(before + 3)[before:]]

    assert keys[0] == "abc-1"
    assert keys[1].endswith("-1")
    assert keys[2] == keys[1].removesuffix("1") + "2"


def test_cells_are_named_by_their_number(shared: Kernel) -> None:
    before = len(shared.cells(0))
    result = shared.run("7")
    assert shared.cells(before + 1)[-1].name == f"cell {result.results[0]['execution_count']}"


def test_parts_add_up_and_no_source_is_kept(shared: Kernel) -> None:
    shared.run("secret_word = 'xyzzy'")
    count(shared)
    figures = shared.session().figures()
    outer_j = sum(each.energy_j for each in figures.cells if each.parent_index is None)
    parts = (figures.front_end, figures.background, figures.between_cells, figures.others)

    assert outer_j + sum(each.energy_j for each in parts) == pytest.approx(
        figures.machine_j, rel=1e-3
    )
    assert b"xyzzy" not in shared.ledger.read_bytes()
    assert b"secret_word" not in shared.ledger.read_bytes()


# %%carbon


CARBON = {
    "plain": "%%carbon {}\n6 * 7",
    "await": "%%carbon {}\nawait asyncio.sleep(0.01)\n6 * 7",
    "time below": "%%carbon {}\n%%time\n6 * 7",
    "time above": "%%time\n%%carbon {}\n6 * 7",
    "future": "%%carbon {}\nfrom __future__ import annotations\n6 * 7",
    "indented": "%%carbon {}\n  6 * 7",
    "windows": "%%carbon {}\r\nx = 6\r\nx * 7\r\n",
    "as a function": "get_ipython().run_cell_magic('carbon', '{}', '6 * 7')",
}


@pytest.mark.parametrize("code", CARBON.values(), ids=CARBON)
def test_a_card_is_shown_and_the_cell_is_as_without_it(shared: Kernel, code: str) -> None:
    before = len(shared.cells(0))
    reply = shared.run_to_card(code.format("my cell"))
    cell = shared.cells(before + 1)[-1]

    assert reply.status == "ok"
    assert [each["data"]["text/plain"] for each in reply.results] == ["42"]
    assert cell.name == "my cell"
    assert len(reply.cards) == 1
    assert reply.cards[0].startswith("my cell")
    assert "France, 31 g/kWh (2025, lifecycle)" in reply.cards[0].replace("\u2009", " ")
    shown = [*reply.displays, *reply.updates][-1]
    assert "application/vnd.nbcarbon.v1+json" in shown["data"]


def test_other_magics_below_it_work(shared: Kernel, tmp_path: object) -> None:
    assert "hello" in shared.run("%%carbon\n%%bash\necho hello").text
    assert shared.run(f"%%carbon\n%%writefile {tmp_path}/a.txt\nabc").status == "ok"
    assert shared.run("%%capture\n%%carbon\n1").displays == []


def test_a_failing_body_is_an_error_at_its_own_line(shared: Kernel) -> None:
    reply = shared.run("%%carbon\nx = 1\n\n1/0  # here")
    assert reply.status == "error"
    assert reply.ename == "ZeroDivisionError"
    assert len(reply.cards) == 1
    assert "ended in an error" in shared.run_to_card("%%carbon\n1/0").cards[0]
    arrow = next(line for line in reply.errors[0]["traceback"] if "# here" in line)
    assert "4" in arrow


def test_a_syntax_error_is_at_its_own_line(shared: Kernel) -> None:
    reply = shared.run("%%carbon\nx = 1\ny = = 2")
    assert reply.status == "error"
    assert "line 3" in "".join(reply.errors[0]["traceback"])


def test_a_wrong_option_stops_the_cell_before_its_body(shared: Kernel) -> None:
    reply = shared.run("%%carbon train --nonsense\nran = True")
    assert (reply.status, reply.ename) == ("error", "UsageError")
    assert reply.text.strip() == (
        f"UsageError: %%carbon has no option '--nonsense'. Options: {', '.join(CELL_OPTIONS)}."
    )
    assert shared.run("ran").ename == "NameError"


def test_a_card_that_awaits_as_a_function_is_refused_in_a_sentence(shared: Kernel) -> None:
    reply = shared.run("get_ipython().run_cell_magic('carbon', '', 'await asyncio.sleep(0)')")
    assert reply.ename == "UsageError"
    assert "cannot await" in reply.text


# %carbon


def test_what_the_line_magic_says(shared: Kernel) -> None:
    assert "France" in shared.run("%carbon zone").text
    assert "Germany" in shared.run("%carbon region de").text
    assert "Germany" in shared.run("%carbon status").text
    assert "France" in shared.run("%carbon zone France").text
    assert "PUE 1.2" in shared.run("%carbon pue 1.2").text
    assert "PUE 1" in shared.run("%carbon pue 1").text
    assert "share" in shared.run("%carbon attribution share").text
    assert "machine" in shared.run("%carbon attribution machine").text
    assert "%%carbon [NAME]" in shared.run("%carbon help").text
    report = shared.run("%carbon report").displays[0]["data"]
    assert "total" in report["text/plain"]
    assert "<table" in report["text/html"]


def test_hardware_is_said_and_stands_in_the_report(shared: Kernel) -> None:
    assert "Dell PowerEdge R740, 1.31 t" in shared.run("%carbon hardware dell-r740").text
    shared.run("%%carbon bought\nsum(range(100_000))")
    report = shared.run("%carbon report").displays[0]["data"]["text/plain"]
    assert "embodied: Dell PowerEdge R740" in report
    assert "idle: not known" in report
    assert (
        "queries" in shared.run("%carbon amortize --per-query bought/1000 --training bought").text
    )
    shared.run("%carbon hardware auto")


def test_a_bad_line_is_one_sentence(shared: Kernel) -> None:
    for line, expected in {
        "%carbon nonsense": "%carbon help lists all.",
        "%carbon bugdet 5Wh": "Did you mean %carbon budget?",
        "%carbon zone Atlantis": "There is no zone",
        "%carbon pue -1": "Use a number from 1 to 5",
        "%carbon pue nan": "Use a number from 1 to 5",
        "%carbon attribution me": "Use machine or share",
        "%carbon export": "takes one path",
        "%carbon export a.xyz": "Let it end in",
        "%carbon status now": "takes nothing behind it",
        "%carbon 'open": "Close every quotation mark",
        "%carbon name": "takes a name",
        "%carbon hardware toaster": "There is no embodied figure",
        "%carbon amortize": "needs --per-query",
        "%carbon on --force": "It takes no options",
    }.items():
        reply = shared.run(line)
        assert (reply.status, reply.ename) == ("error", "UsageError")
        assert expected in reply.text
        assert "Traceback" not in reply.text
        assert len(reply.text.strip().splitlines()) == 1


def test_names_and_exports(shared: Kernel, tmp_path: object) -> None:
    before = len(shared.cells(0))
    shared.run("%carbon name from within\nx = 1")
    assert shared.cells(before + 1)[-1].name == "from within"
    path = f"{tmp_path}/summary.json"
    assert f"Written: {path}" in shared.run(f"%carbon export {path}").text
    assert "exists already" in shared.run(f"%carbon export {path}").text
    assert f"Written: {path}" in shared.run(f"%carbon export {path} --force").text


def test_off_and_on(shared: Kernel) -> None:
    before = len(shared.cells(0)) + 1
    shared.run("%carbon off")
    assert len(shared.cells(before)) == before
    assert shared.run("x = 1").status == "ok"
    shown = shared.run("%%carbon\nx = 1")
    assert shown.status == "ok"
    assert "Not measured: measuring is off." in shown.text
    shared.run("%carbon on")
    shared.run("y = 1")
    # The one that said `on` was not seen to begin; the ones before it were not measured.
    assert len(shared.cells(before + 1)) == before + 1


def test_help_is_real_and_completion_knows(shared: Kernel) -> None:
    for code, said in {
        "%carbon?": "%carbon [COMMAND]: ask nbcarbon",
        "%%carbon?": "%%carbon [NAME] [OPTIONS]: show what this cell cost",
    }.items():
        paged = shared.run(code).paged
        assert said in paged
        assert "%carbon zone" in paged
        assert "--no-sync" in paged
    shared.client.complete("%carbon sta", 11)
    found = shared.client.get_shell_msg(timeout=10)["content"]["matches"]
    assert "status" in found
    shared.client.complete("%carbon zone F", 14)
    assert "FR" in shared.client.get_shell_msg(timeout=10)["content"]["matches"]


def test_doctor_answers_from_a_process_of_its_own(shared: Kernel) -> None:
    text = shared.run("%carbon doctor").text
    assert "nbcarbon" in text
    assert "zone" in text
    assert "sessions" in text


# Beside and after each other


def test_work_that_outlives_its_cell_is_background(shared: Kernel) -> None:
    count(shared)
    before_j = shared.session().figures().background.energy_j
    shared.run(
        "import threading, time\n"
        "def burn():\n"
        "    end = time.thread_time() + 1\n"
        "    while time.thread_time() < end: pass\n"
        "threading.Thread(target=burn).start()"
    )
    time.sleep(1.3)
    count(shared)
    figures = shared.session().figures()
    # Of a second at full load of one thread, modelled at no less than a quarter of a watt.
    assert figures.background.energy_j - before_j > 0.25


@pytest.mark.skipif(ipykernel.version_info[0] < 7, reason="subshells came with ipykernel 7")
def test_cells_side_by_side_share_what_was_used(shared: Kernel) -> None:
    control = shared.client.control_channel
    message = shared.client.session.msg("create_subshell_request", {})
    control.send(message)
    subshell = shared.client.get_control_msg(timeout=10)["content"]["subshell_id"]
    before = len(shared.cells(0))
    machine_before_j = shared.session().figures().machine_j
    long = shared.send("%carbon name long\nimport time; time.sleep(1.0)")
    time.sleep(0.3)
    request = shared.client.session.msg(
        "execute_request",
        {"code": "%carbon name beside\ntime.sleep(0.3)", "silent": False, "store_history": True,
         "user_expressions": {}, "allow_stdin": False, "stop_on_error": True},
    )  # fmt: skip
    request["header"]["subshell_id"] = subshell
    shared.client.shell_channel.send(request)
    assert shared.wait(long).status == "ok"
    assert wait_for(lambda: len(shared.cells(0)) == before + 2)
    cells = {each.name: each for each in shared.cells(before + 2)[before:]}

    assert set(cells) == {"long", "beside"}
    assert all("overlap" in each.flags for each in cells.values())
    assert cells["beside"].duration_s < cells["long"].duration_s
    shared.run("x = 1")
    figures = shared.session().figures()
    outer_j = sum(each.energy_j for each in figures.cells if each.parent_index is None)
    parts = (figures.front_end, figures.background, figures.between_cells, figures.others)
    assert outer_j + sum(each.energy_j for each in parts) == pytest.approx(
        figures.machine_j, rel=1e-3
    )
    assert figures.machine_j > machine_before_j


def test_interrupts_at_any_moment_stop_the_cell_and_leave_no_pair_open(shared: Kernel) -> None:
    rng = random.Random(3)
    before = len(shared.cells(0))
    count = 30
    for _ in range(count):
        sent = shared.send("while True: pass")
        assert wait_for(lambda: bool(shared.session().open))
        time.sleep(rng.random() * 0.004)
        shared.manager.interrupt_kernel()
        reply = shared.wait(sent)
        assert (reply.status, reply.ename) == ("error", "KeyboardInterrupt")
        assert "nbcarbon" not in reply.text
    cells = shared.cells(before + count)[before:]
    assert [each.outcome for each in cells] == ["interrupted"] * count
    assert not shared.session().open


# A body that is run again and again


def test_a_body_runs_so_many_times_and_each_run_is_told(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        running.run("n = 0")
        reply = running.run_to_card(
            "%%carbon quick --repeat 25\nimport time\nn += 1\ntime.sleep(0.02)\nn"
        )
        assert reply.results[0]["data"]["text/plain"] == "25"
        (card,) = reply.cards
        assert "each of 25 runs:" in card
        assert "quick" in card
        cells = running.cells(12)
        batches = [each for each in cells if each.parent_index is not None]
        (whole,) = [each for each in cells if each.name == "quick" and each.parent_index is None]
        assert len(batches) <= 10
        assert sum(each.energy_j for each in batches) <= whole.energy_j * 1.01
        session = running.session()
        assert sum(session.cells[each.index].run.repeat_count for each in batches) == 25


def test_a_body_runs_for_so_long(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        reply = running.run_to_card("%%carbon --min-time 600ms\nimport time\ntime.sleep(0.01)")
        assert "runs:" in reply.cards[0]
        (whole,) = [each for each in running.cells(1) if each.parent_index is None]
        assert 0.6 <= whole.duration_s < 3.0


@pytest.mark.parametrize(
    ("body", "ename", "said"),
    [
        ("await thing()", "UsageError", "A body that awaits cannot be run again and again."),
        ("1 +", "SyntaxError", "invalid syntax"),
        ("1/0", "ZeroDivisionError", "division by zero"),
    ],
)
def test_a_body_that_cannot_be_run_again_ends_the_cell(
    tmp_path: Path, body: str, ename: str, said: str
) -> None:
    with kernel(tmp_path) as running:
        reply = running.run(f"%%carbon again --repeat 3\n{body}")
        assert reply.status == "error"
        assert reply.ename == ename
        assert said in reply.evalue
        assert running.run("2 + 2").results[0]["data"]["text/plain"] == "4"


def test_a_wish_that_cannot_be_met_ends_the_cell_before_its_body(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        reply = running.run("%%carbon --repeat many\nran = True")
        assert reply.status == "error"
        assert "--repeat cannot be 'many'" in reply.evalue
        assert "ran" not in running.run("print('ran' in dir())").text.replace("True", "ran")


# Why a figure is unsure


def test_a_cells_range_is_explained_the_biggest_reason_first(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        running.run_to_card("%%carbon train\nsum(range(10**7))")
        running.run_to_card("%%carbon other\nx = 1")
        named = running.run("%carbon explain train").text
        assert named.startswith("energy ")
        assert "95 % within" in named
        assert "it is modelled" in named
        assert "grid: " in named
        assert "in none of this" in named
        assert "energy " in running.run("%carbon explain").text
        refused = running.run("%carbon explain nobody")
        assert refused.status == "error"
        assert "No cell 'nobody' has been measured." in refused.evalue


@pytest.mark.parametrize("where", ["run_ast_nodes", "transform_cell"])
def test_an_interrupt_in_the_shells_own_code_ends_its_cell_and_no_other(
    shared: Kernel, where: str
) -> None:
    reply = shared.run(
        f"%%carbon around {where}\n"
        "shell = get_ipython()\n"
        f"def hit(*args, **options): del shell.{where}; raise KeyboardInterrupt\n"
        f"shell.{where} = hit\n"
        "try: shell.run_cell('1 + 1', store_history=True)\n"
        "except KeyboardInterrupt: pass\n"
        "'outer goes on'"
    )
    assert "Error in callback" not in reply.text
    assert reply.status == "ok"
    assert wait_for(lambda: any(each.name == f"around {where}" for each in shared.cells(0)))
    cells = shared.cells(0)
    outer = next(each for each in cells if each.name == f"around {where}")
    assert outer.outcome == "ok"
    inner = [each.outcome for each in cells if each.parent_index == outer.index]
    # Before it began nothing was opened.
    assert inner == (["interrupted"] if where == "run_ast_nodes" else [])
