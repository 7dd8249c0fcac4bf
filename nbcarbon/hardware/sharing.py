"""Whether this machine is plainly shared with other people's work."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


def why_shared(environ: Mapping[str, str], *, limited: bool) -> str:
    """What says so, empty where nothing does. `limited`: we may use a part of the CPUs alone."""
    if "JUPYTERHUB_API_URL" in environ:
        return "JupyterHub"
    if "SLURM_JOB_ID" in environ:
        return "Slurm"
    return "a container with a part of the CPUs" if limited else ""
