"""A model card of the Hugging Face Hub: `co2_eq_emissions` in its metadata, in grams.

An existing card keeps every other byte. huggingface_hub (extra `card`) reads its metadata and writes ours; a
card whose metadata would come out different in anything else is left alone. Nothing is ever sent anywhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core import humanize
from nbcarbon.errors import ExportError
from nbcarbon.export import shown
from nbcarbon.export.paper_markdown import paragraph
from nbcarbon.export.paragraph import hardware

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME: Final = "Model card (Hugging Face)"
AS: Final = "modelcard"
ENDINGS: Final = (".modelcard.md",)
ALSO: Final = (".md", ".markdown")
OPTIONS: Final = {"training_type": "for a model card: pre-training or fine-tuning"}

KEY: Final = "co2_eq_emissions"
TRAINING_TYPES: Final = ("pre-training", "fine-tuning")

_END: Final = r"(?:\r\n|\r|\n)"
_BLOCK: Final = re.compile(rf"\s*---(?P<end>{_END})(?P<data>[\S\s]*?){_END}---[ \t]*(?:\r\n|\n|$)")
"""The Hub's own idea of where metadata stands."""
_OURS: Final = re.compile(
    rf"^['\"]?{KEY}['\"]?[ \t]*:[^\r\n]*(?:{_END}(?:[ \t]*{_END})*[ \t]+[^\s][^\r\n]*)*",
    re.MULTILINE,
)
"""Our key with all that is indented below it."""
_MARK: Final = "\ufeff"
"""Some editors begin a file with it."""


def render(summary: Mapping[str, Any], *, training_type: str = "") -> bytes:
    """A new card: metadata, and a paragraph on the model's environmental impact."""
    block = _yaml({KEY: _entry(summary, training_type)}, "\n")
    body = paragraph(summary)
    text = f"---\n{block}\n---\n\n# Model card\n\n## Environmental impact\n\n{body}"
    return text.encode("utf-8")


def merge(
    summary: Mapping[str, Any], found: bytes, *, force: bool, training_type: str = ""
) -> bytes:
    """A card that is there already, with our key in its metadata and all else as it was.

    Raises ExportError where it has that key and `force` is not given, and where its metadata cannot be read or
    would not come out as it was.
    """
    try:
        text = found.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ExportError(
            "This card is not UTF-8, so it was left as it is.", hint="Save it as UTF-8 first."
        ) from error
    mark = _MARK if text.startswith(_MARK) else ""
    text = text.removeprefix(mark)
    before = _metadata(text)
    if KEY in before and not force:
        raise ExportError(
            f"This card has {KEY} already.", hint="Replace it with --force, the rest stays."
        )
    entry = _entry(summary, training_type)
    made = _placed(text, entry)
    try:
        as_it_was = _metadata(made) == {**before, KEY: entry}
    except ExportError:
        as_it_was = False
    if not as_it_was:
        raise ExportError(
            "This card’s metadata is written in a way that cannot be added to, so it was left as it is.",
            hint=f"Write it as one key a line, or put {KEY} in yourself.",
        )
    return f"{mark}{made}".encode()


def _entry(summary: Mapping[str, Any], training_type: str) -> dict[str, Any]:
    """What the Hub shows. What is not known is left out."""
    if training_type and training_type not in TRAINING_TYPES:
        raise ExportError(
            f"--training-type cannot be {training_type[:40]!r}.",
            hint=f"Use {' or '.join(TRAINING_TYPES)}.",
        )
    totals, zone = shown.totals(summary), summary["zone"]
    if totals["emissions_g"] is None:
        raise ExportError(
            "A model card needs emissions, and this session has none.",
            hint="nbcarbon doctor says what can be measured here.",
        )
    entry = {
        "emissions": float(f"{totals['emissions_g']:.4g}"),
        "source": _source(summary),
        "training_type": training_type,
        "geographical_location": zone["name"] if zone["id"] else "",
        "hardware_used": humanize.plain(hardware(summary)),
    }
    return {key: value for key, value in entry.items() if value != ""}


def _source(summary: Mapping[str, Any]) -> str:
    """Who says so and how it is known, with the range that the metadata has no place for."""
    measured = shown.measured_fraction(summary)
    known = [] if measured is None else [humanize.known(measured_fraction=measured)]
    ends = shown.emissions(shown.totals(summary)).range
    range_ = [f"95 % interval {ends}"] if ends else []
    return humanize.plain(
        ", ".join([f"nbcarbon {summary['session']['nbcarbon']}", *known, *range_])
    )


def _placed(text: str, entry: Mapping[str, Any]) -> str:
    """The card with our key: in its own place, at the end of the metadata, or in new metadata."""
    found = _BLOCK.match(text)
    if found is None:
        ending = "\r\n" if "\r\n" in text else "\n"
        block = _yaml({KEY: entry}, ending)
        return f"---{ending}{block}{ending}---{ending}{ending if text else ''}{text}"
    ending, data = found["end"], found["data"]
    block = _yaml({KEY: entry}, ending)
    if _OURS.search(data):
        data = _OURS.sub(lambda _: block, data, count=1)
    else:
        data = f"{data}{ending}{block}" if data.strip() else block
    return f"{text[: found.start('data')]}{data}{text[found.end('data') :]}"


def _yaml(data: Mapping[str, Any], ending: str) -> str:
    from_hub = _hub()
    made: str = from_hub.CardData(**data).to_yaml(line_break=ending)
    return made.rstrip("\r\n")


def _metadata(text: str) -> dict[str, Any]:
    """All metadata of a card, none where it has none."""
    if _BLOCK.match(text) is None:
        return {}
    try:
        data: dict[str, Any] = dict(
            _hub().RepoCard(text, ignore_metadata_errors=True).data.__dict__
        )
    except Exception as error:
        raise ExportError(
            "This card’s metadata cannot be read, so it was left as it is.",
            hint="Mend the lines between --- and --- first.",
        ) from error
    return data


def _hub() -> Any:
    try:
        import huggingface_hub
    except ImportError as error:
        raise ExportError(
            "A model card needs huggingface_hub, which is not installed here.",
            hint="Run: pip install 'nbcarbon[card]'",
        ) from error
    return huggingface_hub
