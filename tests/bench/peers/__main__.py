"""`python -m tests.bench.peers [NAME]`: what pip is to install for a peer; without one, whether we can."""

from __future__ import annotations

import sys

from tests.bench.peers import PEERS, namespace


def main(names: list[str]) -> int:
    for name in names:
        print(PEERS[name].requirement)
    if not names and namespace.way() is None:
        print(namespace.NEEDED)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
