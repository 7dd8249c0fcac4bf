"""`python -m tests.bench.peers_table [--quick] [--stdout] [PEER ...]`: nbcarbon beside its peers.

Writes tests/bench/RESULTS.md; a quick run, or one of some peers alone, goes to standard output.
`make bench-peers` installs the peers first.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench import plan, results
from tests.bench.measured import Measured
from tests.bench.peers import OURS, PEERS, namespace

NAME = "tests.bench.peers_table"


def main(arguments: list[str]) -> int:
    wanted = _parsed(arguments)
    absent = [each for each in wanted.peers if not PEERS[each].python.exists()]
    if absent:
        print(f"Not installed: {', '.join(absent)}. `make bench-peers` installs all peers.")
        return 2
    if not namespace.is_inside():
        print(namespace.enter(NAME, arguments))
        return 2
    namespace.prepare()
    peers = (OURS, *wanted.peers)
    chosen = plan.quick(peers) if wanted.quick else plan.full(peers)
    with tempfile.TemporaryDirectory(prefix="nbcarbon-bench-") as folder:
        found = Measured(chosen, Path(folder))
        found.measure()
    text = "\n".join(results.markdown(found))
    if wanted.stdout or wanted.quick or len(peers) < len(PEERS):
        print(text)
    else:
        results.RESULTS.write_text(text)
        print(f"Written: {results.RESULTS}")
    return 0


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {NAME}", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    others = [each for each in PEERS if each != OURS]
    parser.add_argument(
        "--quick", action="store_true", help="in minutes, and good for nothing else"
    )
    parser.add_argument("--stdout", action="store_true", help="do not write RESULTS.md")
    parser.add_argument(
        "peers", nargs="*", metavar="PEER", help=f"of {', '.join(others)}; all without"
    )
    wanted = parser.parse_args(arguments)
    unknown = set(wanted.peers) - set(others)
    if unknown:
        parser.error(f"no peer {', '.join(sorted(unknown))}")
    wanted.peers = wanted.peers or others
    return wanted


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
