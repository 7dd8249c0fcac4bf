"""Loading and unloading, dying in every way, forking: nothing left behind and nothing lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from nbcarbon import recorded
from nbcarbon.ledger.reader import is_live
from tests.integration.kernels import kernel, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.integration.kernels import Kernel

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(120)]

SNAPSHOT = """
def _snapshot():
    import threading
    shell = get_ipython()
    return {
        "callbacks": {name: list(map(str, each)) for name, each in shell.events.callbacks.items()},
        "magics": {kind: sorted(each) for kind, each in shell.magics_manager.magics.items()},
        "transformers": list(map(str, shell.input_transformers_cleanup)),
        "completers": sorted(shell.strdispatchers["complete_command"].strs)
        if "complete_command" in shell.strdispatchers else [],
        "threads": sorted(each.name for each in threading.enumerate()),
        "children": _children(),
    }
def _children():
    import os
    return sorted(open(f"/proc/{os.getpid()}/task/{task}/children").read()
                  for task in os.listdir(f"/proc/{os.getpid()}/task"))
_before = _snapshot()
"""


def samplers_of(pid: int) -> list[psutil.Process]:
    found = []
    for each in psutil.Process(pid).children():
        try:
            if any("_sampler.py" in part for part in each.cmdline()):
                found.append(each)
        except psutil.Error:
            continue
    return found


def test_unload_is_the_exact_inverse_of_load_however_often(tmp_path: Path) -> None:
    with kernel(tmp_path, load=False) as running:
        running.run(SNAPSHOT)
        code = "\n".join(
            ["%load_ext nbcarbon", "%unload_ext nbcarbon"] * 3
            + ["%load_ext nbcarbon", *["%reload_ext nbcarbon"] * 5, "%unload_ext nbcarbon"]
        )
        reply = running.run(code)
        assert (reply.status, reply.text) == ("ok", "")
        # As if it had never been there: registries, completers, threads, processes.
        same = "_after = _snapshot()\n{name: (value, _before[name]) for name, value in _after.items() if value != _before[name]}"
        assert wait_for(lambda: running.run(same).results[0]["data"]["text/plain"] == "{}"), (
            running.run(same).results
        )


def test_loading_twice_is_harmless(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        assert "already loaded" in running.run("%load_ext nbcarbon").text
        running.run("x = 1")
        running.run("x = 1")
        assert len(running.cells(3)) == 3
        assert wait_for(lambda: len(samplers_of(running.pid)) == 1)


def test_what_loading_imports(tmp_path: Path) -> None:
    with kernel(tmp_path, load=False) as running:
        running.run("import sys; before = set(sys.modules)")
        running.run("%load_ext nbcarbon")
        running.run("x = 1")
        heavy = (
            "sorted({'numpy', 'pandas', 'bokeh', 'ipywidgets', 'httpx', 'requests', 'psutil', "
            "'pynvml', 'anywidget', 'urllib.request', 'http.client'} & (set(sys.modules) - before))"
        )
        assert running.run(heavy).results[0]["data"]["text/plain"] == "[]"


def test_hooks_that_somebody_cleared_come_back_and_say_so_once(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        running.run("get_ipython().events.callbacks['pre_run_cell'].clear()")
        running.run("x = 1")
        assert "hooks had been removed" in running.run("%carbon status").text
        assert "removed" not in running.run("%carbon status").text
        before = len(running.cells(0))
        running.run("x = 1")
        assert len(running.cells(before + 1)) >= before + 1


def test_a_users_namespace_may_be_in_any_state(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        running.run("time = print = open = len = None")
        running.run("%reset -f")
        reply = running.run("%%carbon x\n1 + 1")
        assert reply.status == "ok"
        assert reply.results[0]["data"]["text/plain"] == "2"
        assert running.cells(3)[-1].name == "x"


def test_a_hook_that_fails_is_counted_and_given_up_in_one_line(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        running.run(
            "from nbcarbon import app\ndef broken(*a, **k): raise RuntimeError('boom')\n"
            "app.current().meter.open = broken"
        )
        replies = [running.run(f"{number}") for number in range(6)]
        assert [each.status for each in replies] == ["ok"] * 6
        said = "".join(each.text for each in replies)
        assert said.count("nbcarbon stopped measuring") == 1
        assert "RuntimeError: boom" in said
        assert not any(each.errors for each in replies)
        assert "failed 3 times" in running.run("%carbon status").text


def test_folders_full_of_traps_are_not_imported(tmp_path: Path) -> None:
    """The notebook's own folder may hold a json.py: neither kernel side nor sampler takes it."""
    for name in ("json", "signal", "select", "struct", "typing", "psutil", "zlib"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('trapped')")
    code = "import sys; sys.path.remove('') if '' in sys.path else None\nimport nbcarbon\nwith nbcarbon.measure('a') as m: sum(range(10**6))\nprint(m.report.coverage_fraction > 0)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "True", done.stderr


# Death


def die(running: Kernel, how: Callable[[int], None]) -> None:
    """Let the kernel die in the middle of a cell."""
    running.run("x = 1")
    running.send(
        "%%carbon doomed\nimport time\nend = time.monotonic() + 30\nwhile time.monotonic() < end: pass"
    )
    assert wait_for(lambda: any(run.name == "doomed" for run in running.session().open.values()))
    time.sleep(0.3)
    how(running.pid)


WAYS = {
    "SIGKILL": lambda pid: os.kill(pid, signal.SIGKILL),
    "SIGKILL to its group": lambda pid: os.killpg(os.getpgid(pid), signal.SIGKILL),
    "SIGTERM": lambda pid: os.kill(pid, signal.SIGTERM),
    "SIGHUP": lambda pid: os.kill(pid, signal.SIGHUP),
    "SIGSEGV": lambda pid: os.kill(pid, signal.SIGSEGV),
    "SIGABRT": lambda pid: os.kill(pid, signal.SIGABRT),
}


@pytest.mark.parametrize("how", WAYS.values(), ids=WAYS)
def test_a_kernel_that_dies_leaves_a_whole_session(
    tmp_path: Path, how: Callable[[int], None]
) -> None:
    with kernel(tmp_path) as running:
        sampler = samplers_of(running.pid)[0]
        die(running, how)
        died_s = time.monotonic()
        assert wait_for(lambda: not sampler.is_running() or sampler.status() == "zombie", 2.0)
        assert time.monotonic() - died_s < 1.5
        session = recorded.read_session(running.ledger)

        doomed = next(each for each in session.figures().cells if each.name == "doomed")
        assert doomed.outcome == "kernel_died"
        assert 0.2 < doomed.duration_s < 3
        assert doomed.energy_j > 0
        assert doomed.coverage_fraction > 0.9
        assert session.ended is not None
        assert not session.open


def test_kernel_and_sampler_killed_together_lose_two_samples_at_most(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        sampler = samplers_of(running.pid)[0]

        def both(pid: int) -> None:
            time.sleep(2.0)
            os.kill(sampler.pid, signal.SIGKILL)
            os.kill(pid, signal.SIGKILL)

        die(running, both)
        assert wait_for(lambda: not is_live(running.ledger), 2.0)
        session = recorded.read_session(running.ledger)
        doomed = next(each for each in session.figures().cells if each.name == "doomed")
        assert doomed.outcome == "kernel_died"
        assert 1.0 <= doomed.duration_s <= 2.6
        assert doomed.energy_j > 0
        assert session.ended is not None


def test_a_killed_sampler_is_replaced_and_the_cell_goes_on(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        first = samplers_of(running.pid)[0]
        sent = running.send("%%carbon long\nimport time; time.sleep(3)")
        assert wait_for(lambda: any(run.name == "long" for run in running.session().open.values()))
        time.sleep(0.5)
        first.kill()
        assert running.wait(sent).status == "ok"
        cell = next(each for each in running.cells(1) if each.name == "long")

        assert cell.outcome == "ok"
        assert cell.duration_s == pytest.approx(3.0, abs=0.2)
        # A counter that is a file bridges the gap; this model is one.
        assert cell.coverage_fraction > 0.5
        assert running.session().sampler_count == 2


def test_a_stopped_sampler_does_not_hold_up_the_kernel(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        running.run("x = 1")
        sampler = samplers_of(running.pid)[0]
        sampler.suspend()
        try:
            began_s = time.monotonic()
            for _ in range(20):
                assert running.run("x = 1").status == "ok"
            assert running.run("%%carbon\n1").status == "ok"
            assert time.monotonic() - began_s < 2.0
            running.client.shutdown()
            assert wait_for(lambda: not running.manager.is_alive(), 3.0)
        finally:
            sampler.resume()


def test_shutdown_ends_the_session_and_everything_of_ours(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        running.run("x = 1")
        sampler = samplers_of(running.pid)[0]
        running.client.shutdown()
        assert wait_for(lambda: not running.manager.is_alive(), 3.0)
        session = running.ended()
        assert [each.outcome for each in session.figures().cells] == ["ok"]
        assert wait_for(lambda: not sampler.is_running() or sampler.status() == "zombie", 1.0)


# Forks and descriptors


def test_forked_children_neither_hang_nor_record(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        reply = running.run(
            "import multiprocessing, os\n"
            "context = multiprocessing.get_context('fork')\n"
            "def work(n): return sum(range(n))\n"
            "with context.Pool(2) as pool: total = sum(pool.map(work, [10**5] * 20))\n"
            "pid = os.fork()\n"
            "if pid == 0:\n"
            "    get_ipython().run_cell('1')\n"
            "    os._exit(0)\n"
            "os.waitpid(pid, 0)[1]"
        )
        assert reply.status == "ok"
        assert reply.results[0]["data"]["text/plain"] == "0"
        running.run("x = 1")
        cells = running.cells(2)
        assert len(cells) == 2
        assert recorded.FollowedSession(running.ledger).update().sampler_count == 1


def test_descriptors_the_user_closed_are_not_written_to(tmp_path: Path) -> None:
    with kernel(tmp_path) as running:
        precious = tmp_path / "precious"
        running.run(
            "import os\nfrom nbcarbon import app\n"
            "fd = app.current().meter.link.handle.end._fd\n"
            "os.close(fd)\n"
            f"mine = os.open({str(precious)!r}, os.O_RDWR | os.O_CREAT)\n"
            "while mine != fd and mine < fd: mine = os.dup(mine)\n"
        )
        for _ in range(3):
            assert running.run("x = 1").status == "ok"
        assert precious.read_bytes() == b""


def test_no_socket_is_opened_by_a_default_install(tmp_path: Path) -> None:
    """Neither the kernel's side nor the sampler connects to anything."""
    with kernel(tmp_path, load=False) as running:
        running.run(
            "import sys\nconnected = []\n"
            "sys.addaudithook(lambda event, arguments: connected.append(str(arguments))"
            " if event in ('socket.connect', 'socket.bind', 'socket.getaddrinfo') else None)"
        )
        running.run("%load_ext nbcarbon")
        running.run("%%carbon\nsum(range(10**6))")
        running.run("%carbon zone auto")
        sampler = samplers_of(running.pid)[0]
        # What it has is its end of a pair without a name: no address, no peer elsewhere.
        assert sampler.net_connections(kind="inet") == []
        assert running.run("connected").results[0]["data"]["text/plain"] == "[]"
