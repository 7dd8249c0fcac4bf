"""What the sampler process runs, as a file: `python -P .../nbcarbon/_sampler.py FOLDER PID FD`.

FOLDER is the folder that holds the package, PID the kernel's, FD our end of the channel (or `stdio`
where there are only pipes).
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    # Behind site-packages: only where the package is not installed does this find anything.
    sys.path.append(sys.argv[1])
    from nbcarbon.app import serve

    serve(kernel_pid=int(sys.argv[2]), channel=sys.argv[3])
