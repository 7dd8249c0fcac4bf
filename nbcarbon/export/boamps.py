"""A report by BoAmps, Boavizta's data model for the energy of AI tasks.

What was measured is ours to fill in; what the task was only its owner knows: `--task-stage`, `--task-family`,
`--algorithm` and `--data-type`. The schema asks for all four. A report that lacks one is marked as a draft, and
nothing is made up in its place.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core.escape import label
from nbcarbon.errors import ExportError
from nbcarbon.export import shown
from nbcarbon.export.countries import country_of

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "BoAmps (JSON)"
AS: Final = "boamps"
ENDINGS: Final = (".boamps.json",)
OPTIONS: Final = {
    "task_stage": "for BoAmps: training, finetuning, inference, ...",
    "task_family": "for BoAmps: text classification, image generation, ...",
    "algorithm": "for BoAmps: the algorithm or model by name",
    "data_type": "for BoAmps: tabular, text, image, audio, video, token, ...",
}

SPECIFICATION: Final = "https://github.com/Boavizta/BoAmps/tree/main/model"
VERSION: Final = "0.1"
DATA_TYPES: Final = (
    "tabular", "audio", "boolean", "image", "video", "object", "text", "token", "word", "other",
)  # fmt: skip
_COMPONENTS: Final = {"memory": "ram", "dram": "ram"}
_QUALITY: Final = ((0.10, "high"), (0.25, "medium"), (0.50, "low"))
"""By the error that each stands for in the model."""
_ROUNDING: Final = 1e-9


def render(
    summary: Mapping[str, Any],
    *,
    task_stage: str = "",
    task_family: str = "",
    algorithm: str = "",
    data_type: str = "",
) -> bytes:
    """The report as JSON. Raises ExportError for a kind of data that the model has not, and without energy."""
    if data_type and data_type not in DATA_TYPES:
        raise ExportError(
            f"--data-type cannot be {label(data_type)[:40]!r}.",
            hint=f"Use {', '.join(DATA_TYPES)}.",
        )
    totals = shown.totals(summary)
    if totals["energy_kwh"] is None:
        raise ExportError(
            "BoAmps needs energy, and this session has none.",
            hint="nbcarbon doctor says what can be measured here.",
        )
    task = _task(summary, task_stage, task_family, algorithm, data_type)
    complete = {"taskStage", "taskFamily", "algorithms", "dataset"} <= task.keys()
    session = summary["session"]
    report: dict[str, Any] = {
        "header": {
            "formatVersion": VERSION,
            "formatVersionSpecificationUri": SPECIFICATION,
            "reportId": session["id"],
            "reportDatetime": _moment(summary),
            "reportStatus": "final" if complete else "draft",
        },
        "task": task,
        "measures": [_measure(summary)],
        "software": {"language": "python", "version": session["python"]},
        "infrastructure": {"infraType": "other", "components": _components(summary)},
    }
    country = country_of(summary["zone"]["id"])
    if country is not None:
        report["environment"] = {
            "country": country.name,
            "location": summary["zone"]["name"],
            "powerSourceCarbonIntensity": summary["intensity"]["g_per_kwh"],
        }
    quality = _quality(totals)
    if quality:
        report["quality"] = quality
    return (json.dumps(report, indent=2, allow_nan=False) + "\n").encode("ascii")


def _task(
    summary: Mapping[str, Any], stage: str, family: str, algorithm: str, data_type: str
) -> dict[str, Any]:
    said = {"taskStage": label(stage), "taskFamily": label(family)}
    task: dict[str, Any] = {key: value for key, value in said.items() if value}
    if algorithm:
        task["algorithms"] = [{"algorithmName": label(algorithm)}]
    if data_type:
        task["dataset"] = [{"dataUsage": "input", "dataType": data_type}]
    queries = shown.noted(summary, "query")
    if queries:
        task["nbRequest"] = queries
    return task


def _measure(summary: Mapping[str, Any]) -> dict[str, Any]:
    """Energy at the machine in kilowatt-hours, which the model calls power consumption."""
    session, totals = summary["session"], shown.totals(summary)
    measure = {
        "measurementMethod": "nbcarbon",
        "version": session["nbcarbon"],
        "cpuTrackingMode": _method(summary, "cpu"),
        "gpuTrackingMode": _method(summary, "gpu"),
        "powerConsumption": totals["energy_kwh"],
        "measurementDuration": totals["duration_s"],
        "measurementDateTime": _time(datetime.fromisoformat(session["started_at"])),
    }
    return {key: value for key, value in measure.items() if value not in ("", None)}


def _method(summary: Mapping[str, Any], kind: str) -> str:
    methods = [each["method"] for each in summary["devices"] if each["kind"] == kind]
    return ", ".join(dict.fromkeys(each for each in methods if each))


def _components(summary: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each kind of device by name, and how many there are."""
    names = Counter(
        (_COMPONENTS.get(each["kind"], each["kind"]), each["name"])
        for each in summary["devices"]
        if each.get("counted", True)
    )
    return [
        {"componentType": kind, "componentName": name, "nbComponent": count}
        for (kind, name), count in names.items()
    ]


def _quality(totals: Mapping[str, Any]) -> str:
    """How far the interval reaches, in the model's three steps; nothing beyond them."""
    value, low, high = shown.values(totals, "energy_j", "low_j", "high_j")
    if not value > 0:
        return ""
    error = max(value - low, high - value) / value
    return next((name for most, name in _QUALITY if error <= most + _ROUNDING), "")


def _moment(summary: Mapping[str, Any]) -> str:
    """When the session was as the report says."""
    session = summary["session"]
    if session["ended_at"]:
        return _time(datetime.fromisoformat(session["ended_at"]))
    began = datetime.fromisoformat(session["started_at"])
    return _time(began + timedelta(seconds=shown.totals(summary)["duration_s"] or 0.0))


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S")
