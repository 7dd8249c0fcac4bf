"""Start a sampler process safely: own session, own folder, clean environment, no inherited stdio.

In its own process session it survives signals meant for the kernel and outlives it long enough to
write the last sample. `-P` and a folder of its own keep a user's `json.py` from being imported.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from nbcarbon.channel import PacketEnd, StreamEnd

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nbcarbon.channel import End

_KEEP = frozenset(
    """
    PATH HOME LANG LANGUAGE TZ TZDIR TMPDIR TMP TEMP LD_LIBRARY_PATH CUDA_VISIBLE_DEVICES
    CUDA_DEVICE_ORDER SYSTEMROOT USERPROFILE APPDATA LOCALAPPDATA
    AWS_REGION AWS_DEFAULT_REGION AWS_EC2_METADATA_DISABLED NO_GCE_CHECK GOOGLE_CLOUD_REGION
    VERTEX_PRODUCT AZUREML_RUN_ID AZUREML_ARM_WORKSPACE_NAME AZUREML_SERVICE_ENDPOINT
    DATABRICKS_RUNTIME_VERSION RUNPOD_POD_ID RUNPOD_DC_ID COLAB_RELEASE_TAG COLAB_GPU
    COLAB_BACKEND_VERSION KAGGLE_KERNEL_RUN_TYPE SPACE_ID CODESPACES DEEPNOTE_PROJECT_ID
    MODAL_REGION FLY_REGION BINDER_SERVICE_HOST PAPERSPACE_FQDN PAPERSPACE_CLUSTER_ID
    SM_CURRENT_HOST SLURM_JOB_ID
    """.split()  # noqa: SIM905 (a list of words is easier to read)
)
_KEEP_PREFIXES = ("LC_", "XDG_", "NVIDIA_", "SSL_CERT_", "NBCARBON_")
_KEEP_SUFFIXES = ("_proxy", "_PROXY")
_MARKS = ("JUPYTERHUB_API_URL",)
"""Variables whose presence says something and whose value is nobody's business."""


def sampler_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """What a sampler may know of the kernel's environment. Never a token, never PYTHON*."""
    kept = {
        name: value
        for name, value in environ.items()
        if (name in _KEEP or name.startswith(_KEEP_PREFIXES) or name.endswith(_KEEP_SUFFIXES))
        and "TOKEN" not in name
        and "SECRET" not in name
        and "PASSWORD" not in name
    }
    kept.update((name, "1") for name in _MARKS if name in environ)
    return kept


class Sampler:
    """A running sampler process and our end of the channel to it."""

    def __init__(self, process: subprocess.Popen[bytes], end: End) -> None:
        self.process = process
        self.end = end

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait(self, timeout_s: float) -> bool:
        """Whether it has ended within the time given."""
        try:
            self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(1.0)


def start_sampler(environ: Mapping[str, str] | None = None) -> Sampler:
    """Start the process; it says hello by itself later. Raises OSError where none can be started."""
    folder = Path(__file__).resolve().parents[2]
    environment = sampler_environment(os.environ if environ is None else environ)
    command = [sys.executable, "-P", str(folder / "nbcarbon" / "_sampler.py"), str(folder)]
    command.append(str(os.getpid()))
    if hasattr(os, "fork") and sys.platform == "linux":
        end, theirs = PacketEnd.pair()
        try:
            process = _popen([*command, str(theirs.fileno())], environment, (theirs.fileno(),))
        except OSError:
            end.close()
            raise
        finally:
            theirs.close()
        return Sampler(process, end)
    process = subprocess.Popen(  # noqa: S603 (our own interpreter, our own file)
        [*command, "stdio"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=os.path.abspath(os.sep),
        start_new_session=True,
        bufsize=0,
    )
    assert process.stdin is not None  # noqa: S101 (asked for above)
    assert process.stdout is not None  # noqa: S101 (the same)
    return Sampler(
        process, StreamEnd(os.dup(process.stdout.fileno()), os.dup(process.stdin.fileno()))
    )


def _popen(
    command: list[str], environment: dict[str, str], descriptors: tuple[int, ...]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 (our own interpreter, our own file)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=os.path.abspath(os.sep),
        pass_fds=descriptors,
        start_new_session=True,
    )
