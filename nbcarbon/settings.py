"""Every option, in one line each. The environment name, the file's key and the docs come from here.

Order of precedence: an explicit argument, then `NBCARBON_<NAME>`, then `config.toml` in
`$XDG_CONFIG_HOME/nbcarbon/`, then the default. A bad value never stops anything: its default is
used and a sentence in `problems` says which key of which source was wrong.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nbcarbon.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT_PREFIX = "NBCARBON_"
ALIASES = {"region": "zone"}
SHORTEST_INTERVAL_S = 0.1
"""Faster reading of power is a known side channel (PLATYPUS): it is refused, not just not offered."""


def _option(default: Any, help: str, *, low: float | None = None, high: float | None = None,
            choices: tuple[str, ...] = ()) -> Any:  # fmt: skip
    return field(
        default=default, metadata={"help": help, "low": low, "high": high, "choices": choices}
    )


@dataclass(frozen=True)
class Settings:
    zone: str = _option("auto", "grid zone or cloud region, or auto to detect it offline")
    pue: float = _option(1.0, "power usage effectiveness of the building", low=1.0, high=5.0)
    attribution: str = _option(
        "auto", "who is charged for shared devices", choices=("auto", "machine", "share")
    )
    interval_s: float = _option(
        0.1, "seconds between readings at the start of a cell", low=SHORTEST_INTERVAL_S, high=60.0
    )
    sync_gpu: bool = _option(True, "wait for queued GPU work at both ends of a %%carbon cell")
    panel: bool = _option(True, "live figures and the panel in notebook pages")
    nudge: bool = _option(True, "name the cleanest sensible place, once a session")
    hardware: str = _option(
        "auto", "this machine for its embodied emissions: auto, none, a name or kilograms"
    )
    hardware_share: float = _option(1.0, "the part of it that is yours", low=0.0, high=1.0)
    lifetime_years: float = _option(
        0.0, "years that hardware lasts; 0: as the figure's source has it", low=0.0, high=50.0
    )
    utilisation: float = _option(
        0.0,
        "the part of them in which it works; 0: 0.2 at home, 0.85 in a server",
        low=0.0,
        high=1.0,
    )
    water_site_l_per_kwh: float = _option(
        0.0,
        "litres for cooling, for each kWh of IT energy (WUE); 0: not counted",
        low=0.0,
        high=100.0,
    )
    water_grid_l_per_kwh: float = _option(
        0.0, "litres for making electricity, for each kWh; 0: not counted", low=0.0, high=1000.0
    )
    keep_days: int = _option(400, "delete sessions older than this many days", low=1, high=36_500)
    state_dir: str = _option("", "where sessions are kept, instead of $XDG_STATE_HOME/nbcarbon")
    powercap_root: str = _option("/sys/class/powercap", "root of the Linux powercap tree")
    replay: str = _option("", "play the power trace in this file instead of reading sensors")


class Loaded(NamedTuple):
    """Settings with what was wrong on the way: each problem names its source, key and remedy."""

    settings: Settings
    problems: tuple[str, ...] = ()


def parse(name: str, text: str) -> Any:
    """The value of one setting from text.

    Raises SettingError with the allowed values where the name or the value cannot be used.
    """
    option = {each.name: each for each in fields(Settings)}.get(name)
    if option is None:
        known = ", ".join(each.name for each in fields(Settings))
        raise SettingError(f"There is no setting {name!r}.", hint=f"Settings: {known}.")
    text = text.strip()
    if isinstance(option.default, bool):
        truth = {"1": True, "true": True, "on": True, "yes": True,
                 "0": False, "false": False, "off": False, "no": False}.get(text.lower())  # fmt: skip
        if truth is None:
            raise SettingError(f"{name} cannot be {text!r}.", hint="Use on or off.")
        return truth
    if isinstance(option.default, (int, float)):
        low, high = option.metadata["low"], option.metadata["high"]
        try:
            number = type(option.default)(text)
        except (ValueError, OverflowError):
            number = float("nan")
        if not isfinite(number) or not low <= number <= high:
            raise SettingError(
                f"{name} cannot be {text[:40]!r}.", hint=f"Use a number from {low:g} to {high:g}."
            )
        return number
    choices = option.metadata["choices"]
    if choices and text not in choices:
        raise SettingError(f"{name} cannot be {text[:40]!r}.", hint=f"Use {', '.join(choices)}.")
    return text


def config_path(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_CONFIG_HOME") or str(
        Path(environ.get("HOME", "~")).expanduser() / ".config"
    )
    return Path(home) / "nbcarbon" / "config.toml"


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where what can be made again is kept."""
    home = environ.get("XDG_CACHE_HOME") or str(
        Path(environ.get("HOME", "~")).expanduser() / ".cache"
    )
    return Path(home) / "nbcarbon"


def load(environ: Mapping[str, str] | None = None) -> Loaded:
    """Settings from the environment and the configuration file. Raises nothing."""
    environ = os.environ if environ is None else environ
    settings, problems = Settings(), []
    given: list[tuple[str, str, str]] = []
    path = config_path(environ)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        text = ""
    except (OSError, UnicodeDecodeError) as error:
        text = ""
        problems.append(f"{path} cannot be read ({error}): its settings are ignored.")
    if text:
        given += _from_file(path, text, problems)
    names = {each.name for each in fields(Settings)}
    for key, value in environ.items():
        name = key.removeprefix(ENVIRONMENT_PREFIX).lower()
        name = ALIASES.get(name, name)
        if key.startswith(ENVIRONMENT_PREFIX) and name in names:
            given.append((key, name, value))
    for source, name, value in given:
        try:
            settings = replace(settings, **{name: parse(name, value)})
        except SettingError as error:
            used = f" Using {getattr(settings, name)!r}." if name in names else ""
            problems.append(f"{source}: {error}{used}")
    return Loaded(settings, tuple(problems))


def _from_file(path: Path, text: str, problems: list[str]) -> list[tuple[str, str, str]]:
    import tomllib  # only where there is a file to read

    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        problems.append(f"{path} is not valid TOML ({error}): its settings are ignored.")
        return []
    return [
        (f"{path}, key {key!r}", ALIASES.get(key, key), str(value)) for key, value in table.items()
    ]
