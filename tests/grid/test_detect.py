"""Where this machine is, by what it says of itself: never by a guess."""

from __future__ import annotations

import json
import sys
import warnings
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from nbcarbon.core.intensity import Confidence
from nbcarbon.grid.averages import YearlyAverages
from nbcarbon.grid.detect import Detector, system_timezone
from nbcarbon.grid.locate import locate
from nbcarbon.grid.tables import rows
from nbcarbon.grid.zones import load_zones
from nbcarbon.testing import FixedIntensity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nbcarbon.core.intensity import Zone

HIGH, MEDIUM, LOW, NONE = Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW, Confidence.NONE


def find(
    root: Path,
    environ: dict[str, str] | None = None,
    *,
    timezone: str | None = None,
    wanted: str = "auto",
) -> Zone:
    return locate(wanted, environ or {}, root=root, timezone=lambda: timezone)[0]


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


PLATFORMS = {
    "Azure ML": (
        {"AZUREML_RUN_ID": "1", "AZUREML_SERVICE_ENDPOINT": "https://westeurope.api.azureml.ms"},
        "NL",
    ),
    "Databricks": ({"DATABRICKS_RUNTIME_VERSION": "15", "AWS_REGION": "eu-west-3"}, "FR"),
    "Vertex": (
        {"VERTEX_PRODUCT": "WORKBENCH_INSTANCE", "GOOGLE_CLOUD_REGION": "europe-west9"},
        "FR",
    ),
    "RunPod": ({"RUNPOD_POD_ID": "1", "RUNPOD_DC_ID": "EU-RO-1"}, "RO"),
    "RunPod in America": ({"RUNPOD_POD_ID": "1", "RUNPOD_DC_ID": "US-NE-1"}, "US"),
    "RunPod after a continent": ({"RUNPOD_POD_ID": "1", "RUNPOD_DC_ID": "EUR-IS-1"}, "IS"),
    "RunPod in Oceania, by its centre alone": ({"RUNPOD_DC_ID": "OC-AU-1"}, "AU"),
    "Colab Enterprise": (
        {
            "VERTEX_PRODUCT": "COLAB_ENTERPRISE",
            "GOOGLE_CLOUD_REGION": "europe-west9",
            "COLAB_RELEASE_TAG": "1",
        },
        "FR",
    ),
    "Modal": ({"MODAL_REGION": "eu-west-3"}, "FR"),
    "Fly": ({"FLY_REGION": "cdg"}, "FR"),
    "Fly in Virginia": ({"FLY_REGION": "iad"}, "US-MIDA-PJM"),
}


@pytest.mark.parametrize(("environ", "zone"), PLATFORMS.values(), ids=PLATFORMS)
def test_platforms_that_say_where_they_are(
    tmp_path: Path, environ: dict[str, str], zone: str
) -> None:
    found = find(tmp_path, environ, timezone="UTC")
    assert (found.id, found.confidence) == (zone, HIGH)


def test_sagemaker_says_it_in_a_file(tmp_path: Path) -> None:
    arn = "arn:aws:sagemaker:eu-west-3:123456789012:notebook-instance/mine"
    put(tmp_path, "opt/ml/metadata/resource-metadata.json", json.dumps({"ResourceArn": arn}))
    found = find(tmp_path)
    assert (found.id, found.how) == ("FR", "SageMaker region eu-west-3")
    assert "123456789012" not in repr(found)


NOT_SAYING = {
    "Azure ML": {"AZUREML_RUN_ID": "1"},
    "Databricks": {"DATABRICKS_RUNTIME_VERSION": "15"},
    "Vertex AI": {"VERTEX_PRODUCT": "WORKBENCH_INSTANCE"},
    "RunPod": {"RUNPOD_POD_ID": "1", "RUNPOD_DC_ID": "??"},
    "Modal": {"MODAL_REGION": "us-east"},
    "Fly": {"FLY_REGION": "xxx"},
}


@pytest.mark.parametrize(("name", "environ"), NOT_SAYING.items(), ids=NOT_SAYING)
def test_the_clock_of_a_platform_that_does_not_say_is_half_trusted(
    tmp_path: Path, name: str, environ: dict[str, str]
) -> None:
    assert find(tmp_path, environ, timezone="UTC").id is None
    found = find(tmp_path, environ, timezone="Europe/Paris")
    assert (found.id, found.confidence) == ("FR", MEDIUM)
    assert found.how == f"time zone Europe/Paris, on {name}"
    assert find(tmp_path, environ, timezone="America/New_York").confidence is LOW


def test_sagemaker_without_a_region_in_its_file_has_it_in_a_variable(tmp_path: Path) -> None:
    put(tmp_path, "opt/ml/metadata/resource-metadata.json", '{"ResourceArn": "arn"}')
    found = find(tmp_path, {"AWS_REGION": "eu-west-3"}, timezone="Europe/Berlin")
    assert (found.id, found.confidence) == ("FR", HIGH)
    assert find(tmp_path, timezone="Europe/Berlin").confidence is MEDIUM


@pytest.mark.parametrize(
    ("file", "says", "region", "zone"),
    [
        ("sys_vendor", "Amazon EC2", {"AWS_DEFAULT_REGION": "eu-west-3"}, "FR"),
        ("product_name", "Google Compute Engine", {"GOOGLE_CLOUD_REGION": "europe-west9"}, "FR"),
        ("product_name", "Google Compute Engine", {"AWS_REGION": "eu-west-3"}, None),
        ("chassis_asset_tag", "OracleCloud.com", {"AWS_REGION": "eu-west-3"}, None),
    ],
)
def test_a_machine_of_one_cloud_heeds_that_clouds_variables_alone(
    tmp_path: Path, file: str, says: str, region: dict[str, str], zone: str | None
) -> None:
    put(tmp_path, f"sys/class/dmi/id/{file}", f"{says}\n")
    assert find(tmp_path, region, timezone="UTC").id == zone


def test_cloud_init_says_it(tmp_path: Path) -> None:
    v1 = {"cloud_name": "gce", "region": "europe-west9", "instance_id": "secret"}
    put(tmp_path, "run/cloud-init/instance-data.json", json.dumps({"v1": v1}))
    found = find(tmp_path, {"COLAB_RELEASE_TAG": "1"}, timezone="America/New_York")
    assert (found.id, found.confidence) == ("FR", HIGH)


def test_a_region_variable_counts_only_where_the_machine_says_it_is_there(tmp_path: Path) -> None:
    environ = {"AWS_REGION": "eu-west-3"}
    assert find(tmp_path, environ).id is None
    assert find(tmp_path, environ, timezone="Europe/Berlin").id == "DE"
    put(tmp_path, "sys/class/dmi/id/sys_vendor", "Amazon EC2\n")
    assert find(tmp_path, environ, timezone="Europe/Berlin").id == "FR"
    assert find(tmp_path, {"GOOGLE_CLOUD_REGION": "europe-west9"}).id is None


def test_a_cloud_machines_clock_is_half_trusted(tmp_path: Path) -> None:
    put(tmp_path, "sys/class/dmi/id/chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77\n")
    assert find(tmp_path, timezone="UTC").id is None
    found = find(tmp_path, timezone="Europe/Paris")
    assert (found.id, found.confidence) == ("FR", MEDIUM)
    assert found.how == "time zone Europe/Paris, on azure"


@pytest.mark.parametrize(
    "mark",
    ["COLAB_RELEASE_TAG", "KAGGLE_KERNEL_RUN_TYPE", "SPACE_ID", "CODESPACES", "BINDER_SERVICE_HOST",
     "DEEPNOTE_PROJECT_ID", "PAPERSPACE_FQDN"],
)  # fmt: skip
def test_hosts_without_a_place_are_unknown_whatever_their_clock(tmp_path: Path, mark: str) -> None:
    assert find(tmp_path, {mark: "1"}, timezone="Europe/Paris").id is None


@pytest.mark.parametrize(
    "name",
    [
        "UTC",
        "Etc/UTC",
        "Etc/GMT+5",
        "GMT",
        "Zulu",
        "EST",
        "CET",
        "Nowhere/City",
        "CST",
        "",
        None,
    ],
)
def test_utc_and_its_like_are_no_place(tmp_path: Path, name: str | None) -> None:
    found = find(tmp_path, {"LANG": "fr_FR.UTF-8"}, timezone=name)
    assert (found.id, found.confidence) == (None, NONE)


@pytest.mark.parametrize(
    ("name", "zone", "confidence"),
    [
        ("Europe/Paris", "FR", HIGH),
        ("Australia/Melbourne", "AU-VIC", HIGH),
        ("America/New_York", "US", LOW),
        ("America/Toronto", "CA-ON", LOW),
        ("America/Montreal", "CA-QC", HIGH),
    ],
)
def test_a_time_zone_says_as_much_as_it_can(
    tmp_path: Path, name: str, zone: str, confidence: Confidence
) -> None:
    found = find(tmp_path, timezone=name)
    assert found.id == zone
    assert found.confidence is confidence


def test_language_breaks_a_tie_and_nothing_else(tmp_path: Path) -> None:
    found = find(tmp_path, {"LANG": "fr_CA.UTF-8"}, timezone="America/Toronto")
    assert (found.id, found.confidence) == ("CA-QC", MEDIUM)
    assert find(tmp_path, {"LANG": "fr_FR.UTF-8"}, timezone="Europe/Berlin").id == "DE"
    assert find(tmp_path, {"LANG": "fr_FR.UTF-8"}).id is None


def test_every_time_zone_of_the_table_is_found(tmp_path: Path) -> None:
    zones = load_zones()
    names = ""
    detector = Detector(zones, {}, root=tmp_path, timezone=lambda: names)
    for names, zone, confidence, alternates in rows("timezones.csv"):  # noqa: B007 (the lambda reads it)
        found = detector.detect()
        assert (found.id, found.confidence) == (zone, confidence)
        assert found.alternates == tuple(alternates.split())


def test_a_place_without_a_figure_is_unknown(tmp_path: Path) -> None:
    found = find(tmp_path, timezone="Arctic/Longyearbyen")
    assert (found.id, found.how) == (None, "time zone Arctic/Longyearbyen has no zone")


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"v1": 3}', "[" * 100_000, "\x00" * 100])
def test_broken_files_are_passed_over(tmp_path: Path, text: str) -> None:
    for name in ("opt/ml/metadata/resource-metadata.json", "run/cloud-init/instance-data.json"):
        put(tmp_path, name, text)
    assert find(tmp_path, timezone="Europe/Paris").id == "FR"


@pytest.mark.parametrize(
    "name", ["opt/ml/metadata/resource-metadata.json", "run/cloud-init/instance-data.json"]
)
def test_files_that_are_too_large_or_no_files_are_passed_over(tmp_path: Path, name: str) -> None:
    said = {"ResourceArn": "a:b:c:eu-west-3", "v1": {"cloud_name": "aws", "region": "eu-west-3"}}
    put(tmp_path, name, json.dumps(said))
    assert find(tmp_path).id == "FR"
    put(tmp_path, name, json.dumps({"more": "x" * 70_000, **said}))
    assert find(tmp_path).id is None
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    assert find(tmp_path).id is None


def timezone_by(monkeypatch: pytest.MonkeyPatch, ask: Callable[[], str]) -> str | None:
    module = ModuleType("tzlocal")
    module.get_localzone_name = ask  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tzlocal", module)
    return system_timezone()


def test_a_clock_set_in_two_ways_warns_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask() -> str:
        warnings.warn("the time zones disagree", stacklevel=1)
        return "Europe/Paris"

    assert timezone_by(monkeypatch, ask) == "Europe/Paris"


def test_a_clock_that_cannot_be_asked_has_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask() -> str:
        raise LookupError("conflicting time zones")

    assert timezone_by(monkeypatch, ask) is None


def test_what_is_set_wins_over_everything(tmp_path: Path) -> None:
    found = find(tmp_path, {"MODAL_REGION": "eu-west-3"}, timezone="Europe/Paris", wanted="de")
    assert (found.id, found.confidence) == ("DE", Confidence.SET)


def test_what_the_user_is_told(tmp_path: Path) -> None:
    def told(wanted: str, timezone: str | None) -> dict[str, str]:
        return dict(locate(wanted, {}, root=tmp_path, timezone=lambda: timezone)[2])

    assert told("auto", "Europe/Paris") == {}
    assert told("auto", None) == {
        "zone": "Where is this machine? Using the world average (458 g/kWh). "
        "Set it with %carbon zone FR."
    }
    assert told("auto", "America/New_York") == {
        "zone": "Zone guessed from the time zone America/New_York: United States. "
        "Set it with %carbon zone US if that is wrong."
    }
    assert told("frnce", None)["zone"].startswith("There is no zone 'frnce'.")
    assert "of 2009" in told("EH", None)["intensity"]


def test_a_low_confidence_spans_its_alternates(tmp_path: Path) -> None:
    _, found, _ = locate("auto", {}, root=tmp_path, timezone=lambda: "America/New_York")
    assert found.low_g_per_kwh < 300 < 414 < found.high_g_per_kwh


def test_another_source_is_asked_first(tmp_path: Path) -> None:
    live = YearlyAverages().intensity(find(tmp_path, wanted="PL"))
    for answer, expected in ((live, 565), (None, 31)):
        _, found, _ = locate(
            "FR", {}, root=tmp_path, timezone=lambda: None, providers=[FixedIntensity(answer)]
        )
        assert found.g_per_kwh == expected
