"""What showing a session live costs (G1, G14): CPU and bytes of an update, and silence in between."""

from __future__ import annotations

import json
import statistics
import time
from typing import TYPE_CHECKING, Any

from tests.bench.rows import Row
from tests.integration.kernels import kernel
from tests.integration.test_live import BUSY, Page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UPDATES = """
import json as _json, time as _time
from nbcarbon import app as _app
_page = _app.current().extension.page
_feed, _found = _page._feed, []
for _ in range(200):
    _start = _time.process_time()
    _feed.tell_state()
    _found.append(_time.process_time() - _start)
    _time.sleep(0.005)
print(_json.dumps({"update_ms": 1e3 * sum(_found) / len(_found)}))
"""

CPU = "import time as _time\nprint(_time.process_time())"

IMPORTS = """
import time as _time
_start = _time.process_time()
import ipywidgets, anywidget
print(_time.process_time() - _start)
"""


def live(folder: Path) -> Iterator[Row]:
    with kernel(folder, load=False) as running:
        page = Page(running)
        page.run("%load_ext nbcarbon", cell_id="load")
        page.listen(3.0)
        for number in range(50):
            page.run("x = 1", cell_id=f"cell-{number}")
        reply = running.run(UPDATES, cell_id="updates")
        cost = json.loads(reply.text.strip().splitlines()[-1])
        yield Row(
            "G14", "live view: CPU of an update, page and panel", 1.0, cost["update_ms"], "ms"
        )
        page.messages.clear()
        page.others.clear()
        page.run(BUSY.format(10), cell_id="busy")
        page.listen(0.5)
        sizes = [_size(each) for each in (*page.of("state"),)]
        yield Row("G14", "live view: bytes of a state", 2000, max(sizes), "B")
        rate = sum(sizes) / 10
        yield Row("G14", "live view: a running cell on the comm, each second", 2000, rate, "B/s")
        delays = [_delay_s(each) for each in page.raw if each["content"]["data"]["type"] == "state"]
        yield Row(
            "G14",
            "live view: kernel to client in a busy loop, median",
            50,
            1e3 * statistics.median(delays),
            "ms",
        )
        page.messages.clear()
        page.others.clear()
        page.listen(30.0)
        yield Row(
            "",
            "live view: messages in 30 s of an idle kernel",
            0,
            len(page.messages) + len(page.others),
            "",
        )


def prepared(folder: Path) -> Iterator[Row]:
    """What a kernel pays once for a page that can show the panel, on a thread beside the user's cells."""
    imported: list[float] = []
    whole: dict[str | None, list[float]] = {None: [], "load": []}
    for number in range(5):
        for cell_id, seconds in whole.items():
            below = folder / f"{number}-{cell_id}"
            below.mkdir()
            with kernel(below, load=False) as running:
                running.run("%load_ext nbcarbon", cell_id=cell_id)
                time.sleep(3.0)
                seconds.append(float(running.run(CPU).text))
                if cell_id is None:
                    imported.append(float(running.run(IMPORTS).text))
    with_page, without = (statistics.median(whole[each]) for each in ("load", None))
    yield Row(
        "G1", "importing ipywidgets and anywidget: CPU", 50, 1e3 * statistics.median(imported), "ms"
    )
    yield Row(
        "",
        "everything for a page, once: CPU in the kernel",
        None,
        1e3 * (with_page - without),
        "ms",
    )


def _size(message: dict[str, Any]) -> int:
    bare = {name: value for name, value in message.items() if name != "buffers"}
    return len(json.dumps(bare, separators=(",", ":"), ensure_ascii=False).encode())


def _delay_s(message: dict[str, Any]) -> float:
    return float(message["heard_at"] - message["header"]["date"].timestamp())
