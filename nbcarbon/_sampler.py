"""What the sampler process runs, as a file: `python -P .../nbcarbon/_sampler.py FOLDER PID FD`.

FOLDER is the folder that holds the package, PID the kernel's, FD our end of the channel (or `stdio`
where there are only pipes).
"""

from __future__ import annotations

import sys
import typing  # noqa: F401 (all that the package itself needs, so that nobody's typing.py is found below)


def use_package(folder: str) -> None:
    """Import this very package, and nothing else from its folder before what is installed.

    The folder may be somebody's notebooks, with a `json.py` in it; another version may be installed.
    """
    sys.path.insert(0, folder)
    import nbcarbon  # noqa: F401

    del sys.path[0]
    sys.path.append(folder)


if __name__ == "__main__":
    use_package(sys.argv[1])
    from nbcarbon.app import serve

    serve(kernel_pid=int(sys.argv[2]), channel=sys.argv[3])
