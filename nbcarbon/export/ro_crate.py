"""RO-Crate 1.1 metadata: the session as an action that used energy, for whoever packs a study's files.

The file belongs into the crate's folder under the name that the specification gives it. It describes the run
and its figures with their ranges; files beside it are for whoever knows what they are. `--license` names the
crate's own.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core.escape import label
from nbcarbon.export import shown
from nbcarbon.export.report.inputs import recomputed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAME: Final = "RO-Crate metadata"
AS: Final = "rocrate"
ENDINGS: Final = ("ro-crate-metadata.json",)
OPTIONS: Final = {"license": "for an RO-Crate: the address of its licence"}

FILE: Final = "ro-crate-metadata.json"
CONTEXT: Final = "https://w3id.org/ro/crate/1.1/context"
SPECIFICATION: Final = "https://w3id.org/ro/crate/1.1"
SOFTWARE: Final = "https://github.com/nbcarbon/nbcarbon"


def render(summary: Mapping[str, Any], *, license: str = "") -> bytes:
    """The metadata as JSON-LD."""
    figures = list(_figures(summary))
    graph = [
        {
            "@id": FILE,
            "@type": "CreativeWork",
            "conformsTo": {"@id": SPECIFICATION},
            "about": {"@id": "./"},
        },
        _root(summary, label(license)),
        *([{"@id": label(license), "@type": "CreativeWork"}] if license else []),
        _action(summary, figures),
        {
            "@id": SOFTWARE,
            "@type": "SoftwareApplication",
            "name": "nbcarbon",
            "url": SOFTWARE,
            "softwareVersion": summary["session"]["nbcarbon"],
        },
        *_place(summary),
        *figures,
    ]
    return (
        json.dumps({"@context": CONTEXT, "@graph": graph}, indent=2, allow_nan=False) + "\n"
    ).encode("ascii")


def _root(summary: Mapping[str, Any], license: str) -> dict[str, Any]:
    name = summary["session"]["notebook"] or "a notebook session"
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Energy and CO2e of {name}",
        "description": "What a notebook session used and emitted, with the ends of 95 % intervals.",
        "datePublished": _ended_at(summary)[:10],
        "mentions": [{"@id": "#session"}],
    }
    return {**root, "license": {"@id": license}} if license else root


def _action(summary: Mapping[str, Any], figures: list[dict[str, Any]]) -> dict[str, Any]:
    session, zone = summary["session"], summary["zone"]
    action = {
        "@id": "#session",
        "@type": "CreateAction",
        "name": f"Session {session['id']}",
        "description": recomputed(summary),
        "startTime": session["started_at"],
        "endTime": _ended_at(summary),
        "instrument": {"@id": SOFTWARE},
        "additionalProperty": [{"@id": each["@id"]} for each in figures],
    }
    return {**action, "location": {"@id": f"#zone-{zone['id']}"}} if zone["id"] else action


def _place(summary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    zone = summary["zone"]
    if zone["id"]:
        yield {
            "@id": f"#zone-{zone['id']}",
            "@type": "Place",
            "name": zone["name"],
            "identifier": zone["id"],
        }


def _figures(summary: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    totals, intensity, settings = shown.totals(summary), summary["intensity"], summary["settings"]
    yield from _value(
        "energy", totals["energy_j"], totals["low_j"], totals["high_j"], "J", "JOU", _how(summary)
    )
    yield from _value(
        "emissions", totals["emissions_g"], totals["low_g"], totals["high_g"], "gCO2e", "GRM", ""
    )
    kind = ", ".join(
        str(intensity[key]) for key in ("basis", "scope", "accounting", "source", "year")
    )
    ends = intensity["g_per_kwh"], intensity["low"], intensity["high"]
    yield from _value("carbon-intensity", *ends, "gCO2e/kWh", "", kind)
    yield from _value("pue", settings["pue"], None, None, "", "", "")
    yield from _value("duration", totals["duration_s"], None, None, "s", "SEC", "")
    made = (summary.get("lifecycle") or {}).get("embodied")
    if made:
        yield from _value(
            "embodied", made["emissions_g"], made["low_g"], made["high_g"], "gCO2e", "GRM", ""
        )
    for each in summary["devices"]:
        if each.get("energy_j") is not None:
            how = ", ".join(filter(None, (each["provenance"], each["method"])))
            name = f"energy of {each['name']}"
            yield from _value(
                f"energy-{each['id']}", each["energy_j"], None, None, "J", "JOU", how, name
            )


def _value(
    key: str,
    value: float | None,
    low: float | None,
    high: float | None,
    unit: str,
    code: str,
    technique: str,
    name: str = "",
) -> Iterator[dict[str, Any]]:
    """One figure; what is not known is left out. Codes of units are UN/CEFACT's."""
    if value is None:
        return
    found = {
        "@id": f"#{label(key).replace(' ', '-')}",
        "@type": "PropertyValue",
        "name": name or key,
        "value": value,
        "minValue": low,
        "maxValue": high,
        "unitText": unit,
        "unitCode": code,
        "measurementTechnique": technique,
    }
    yield {key: each for key, each in found.items() if each not in (None, "")}


def _how(summary: Mapping[str, Any]) -> str:
    measured = shown.measured_fraction(summary)
    if measured is None:
        return ""
    return f"{measured:.4g} of it measured by sensors, the rest modelled"


def _ended_at(summary: Mapping[str, Any]) -> str:
    session = summary["session"]
    if session["ended_at"]:
        return str(session["ended_at"])
    began = datetime.fromisoformat(session["started_at"])
    return (began + timedelta(seconds=shown.totals(summary)["duration_s"] or 0.0)).isoformat()
