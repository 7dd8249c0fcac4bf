"""A Jupyter server of this environment with a home of its own, and a browser that reaches nothing else."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

START_S = 60.0
END_S = 20.0
CHROMIUM = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    "",
)
CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
QUIET_NEWS = {
    "@jupyterlab/apputils-extension/notification.jupyterlab-settings": {"fetchNews": "false"},
}
"""JupyterLab asks whether to fetch news, over whatever one wants to click on."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """JupyterLab and Notebook 7 on one port of this machine, for the notebooks of one folder."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self.root = folder / "notebooks"
        self.root.mkdir(parents=True)
        self.port = free_port()
        self._settings = folder / "settings"
        self.configure(QUIET_NEWS)
        environment = {
            **environ,
            "HOME": str(folder),
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "data"),
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTERLAB_SETTINGS_DIR": str(self._settings),
            "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
            "IPYTHONDIR": str(folder / "ipython"),
            "NBCARBON_ZONE": "FR",
        }
        self._log = (folder / "server.log").open("wb")
        self.process = subprocess.Popen(
            [
                sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root",
                "--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0",
                "--IdentityProvider.token=", f"--ServerApp.root_dir={self.root}",
                "--ServerApp.terminals_enabled=False", "--LabApp.extension_manager=readonly",
                "--LanguageServerManager.autodetect=False", "--LabApp.expose_app_in_browser=True",
                "--JupyterNotebookApp.expose_app_in_browser=True", "--ServerApp.disable_check_xsrf=True", "--LabApp.news_url=None",
            ],
            env=environment, stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._wait_until_up()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _wait_until_up(self) -> None:
        deadline_s = time.monotonic() + START_S
        while time.monotonic() < deadline_s:
            try:
                self.get("/api/status")
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            else:
                return
            if self.process.poll() is not None:
                break
        raise RuntimeError(f"no Jupyter server: {Path(self._log.name).read_text()[-2000:]}")

    def configure(self, settings: Mapping[str, Mapping[str, Any]]) -> None:
        """Settings as a user would have saved them, by their file's path."""
        for name, values in settings.items():
            path = self._settings / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values), encoding="utf-8")

    def tidy(self) -> None:
        """Settings as on a new machine again."""
        shutil.rmtree(self._settings)
        self.configure(QUIET_NEWS)

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def end_kernels(self) -> None:
        """Shut every kernel down, as its user would."""
        for each in self.get("/api/sessions"):
            deadline_s = time.monotonic() + END_S
            # One that died is being restarted: the server can end it a moment later.
            while not self._ended(each["id"]):
                if time.monotonic() > deadline_s:
                    raise TimeoutError(f"{each['path']} does not end")
                time.sleep(0.2)

    def _ended(self, session: str) -> bool:
        request = urllib.request.Request(f"{self.url}/api/sessions/{session}", method="DELETE")
        try:
            with urllib.request.urlopen(request, timeout=20):
                return True
        except urllib.error.HTTPError as error:
            error.close()
            return error.code in (404, 410)

    def close(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._log.close()


def server_environment() -> dict[str, str]:
    """This process's, without what pytest or a person has set up for themselves."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NBCARBON_", "XDG_", "JPY_", "JUPYTER"))
    }
