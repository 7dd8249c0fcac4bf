"""Which zone is this machine in? What it says of itself, in order of trust; never the network.

A zone set by the user; the platform's own files and variables; cloud-init and the machine's DMI
names; the time zone, with the language as tie-break. If none of these says, the zone is unknown: UTC
is where servers are set to, not where they are. A variable such as AWS_REGION counts only where the
platform itself says that we run there: many laptops set it for a command-line client.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from nbcarbon.core.escape import label
from nbcarbon.core.intensity import Confidence, Zone
from nbcarbon.grid.tables import rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from nbcarbon.grid.zones import ZoneTable

LARGEST_FILE: Final = 65_536
SAGEMAKER_FILE: Final = "opt/ml/metadata/resource-metadata.json"
CLOUD_INIT_FILE: Final = "run/cloud-init/instance-data.json"
DMI_FOLDER: Final = "sys/class/dmi/id"

NOWHERE: Final = {
    "COLAB_RELEASE_TAG": "Colab",
    "KAGGLE_KERNEL_RUN_TYPE": "Kaggle",
    "SPACE_ID": "Hugging Face Spaces",
    "CODESPACES": "Codespaces",
    "BINDER_SERVICE_HOST": "Binder",
    "DEEPNOTE_PROJECT_ID": "Deepnote",
    "PAPERSPACE_FQDN": "Paperspace",
    "PAPERSPACE_CLUSTER_ID": "Paperspace",
}
"""Hosts that say who they are and not where: their clock is no witness."""

CLOUD_INIT_NAMES: Final = {
    "aws": "aws", "gce": "gcp", "azure": "azure", "oracle": "oci", "hetzner": "hetzner",
    "scaleway": "scaleway", "digitalocean": "digitalocean", "ovh": "ovhcloud",
}  # fmt: skip

DMI_MARKS: Final = {
    "amazon ec2": "aws",
    "google compute engine": "gcp",
    "7783-7084-3265-9085-8269-3286-77": "azure",
    "oraclecloud.com": "oci",
    "alibaba cloud": "alibaba",
    "scaleway": "scaleway",
    "hetzner": "hetzner",
    "digitalocean": "digitalocean",
}
DMI_FILES: Final = (
    "sys_vendor", "product_name", "bios_vendor", "bios_version", "chassis_asset_tag",
    "board_asset_tag",
)  # fmt: skip

REGION_VARIABLES: Final = {
    "aws": ("AWS_REGION", "AWS_DEFAULT_REGION"),
    "gcp": ("GOOGLE_CLOUD_REGION",),
}
BY_LANGUAGE: Final = {("America/Toronto", "fr"): "CA-QC"}
"""Where one time zone spans zones that speak different languages."""


class Detector:
    """Looks once. `root` is the file system's, `timezone` tells this system's IANA name."""

    def __init__(
        self,
        zones: ZoneTable,
        environ: Mapping[str, str],
        *,
        root: Path,
        timezone: Callable[[], str | None],
    ) -> None:
        self._zones = zones
        self._environ = environ
        self._root = root
        self._timezone = timezone

    def detect(self) -> Zone:
        """The zone, unknown where nothing tells. Raises nothing."""
        platform, found = self._platform()
        found = found or self._cloud_init()
        if found is not None:
            return found
        host = next((name for mark, name in NOWHERE.items() if mark in self._environ), "")
        if host:
            return unknown(f"{host} does not say where it runs")
        cloud = self._dmi_cloud()
        if cloud:
            found = self._from_variables(cloud, f"{cloud} machine")
            if found is not None:
                return found
        return self._from_timezone(platform or cloud)

    # Platforms

    def _platform(self) -> tuple[str, Zone | None]:
        """The platform that says we run on it, and the zone where its region is one we know."""
        environ = self._environ
        data = self._json(SAGEMAKER_FILE)
        if isinstance(data, dict) and isinstance(data.get("ResourceArn"), str):
            name = "SageMaker"
            region = [*data["ResourceArn"].split(":"), "", "", ""][3]
            return name, self._region("aws", region, name) or self._from_variables("aws", name)
        if "AZUREML_RUN_ID" in environ:
            host = environ.get("AZUREML_SERVICE_ENDPOINT", "").rpartition("//")[2]
            return "Azure ML", self._region("azure", host.partition(".")[0], "Azure ML")
        if "DATABRICKS_RUNTIME_VERSION" in environ:
            name = "Databricks"
            return name, self._from_variables("aws", name) or self._from_variables("gcp", name)
        if "VERTEX_PRODUCT" in environ:
            return "Vertex AI", self._from_variables("gcp", "Vertex AI")
        if "RUNPOD_POD_ID" in environ or "RUNPOD_DC_ID" in environ:
            return "RunPod", self._data_centre(environ.get("RUNPOD_DC_ID", ""), "RunPod")
        if "MODAL_REGION" in environ:
            # Modal rents from several clouds, and says the region by the cloud's own name.
            return "Modal", self._region("", environ["MODAL_REGION"], "Modal")
        if "FLY_REGION" in environ:
            return "Fly", self._region("fly", environ["FLY_REGION"], "Fly")
        return "", None

    def _from_variables(self, provider: str, name: str) -> Zone | None:
        for variable in REGION_VARIABLES.get(provider, ()):
            found = self._region(provider, self._environ.get(variable, ""), name)
            if found is not None:
                return found
        return None

    def _region(self, provider: str, region: str, name: str) -> Zone | None:
        zone = self._zones.region(region, provider)
        return self._high(zone, f"{name} region {label(region)}") if zone else None

    def _data_centre(self, said: str, name: str) -> Zone | None:
        # US-NE-1, EU-RO-1, EUR-IS-1: a country first, or after a continent, which is no zone.
        first = said.upper().split("-")[:2]
        country = next((each for each in first if each in self._zones), None)
        return self._high(country, f"{name} data centre {label(said)}") if country else None

    def _high(self, zone: str, how: str) -> Zone:
        return self._zones.zone(zone, how, Confidence.HIGH)

    # The machine

    def _cloud_init(self) -> Zone | None:
        data = self._json(CLOUD_INIT_FILE)
        found = data.get("v1") if isinstance(data, dict) else None
        if not isinstance(found, dict):
            return None
        cloud = CLOUD_INIT_NAMES.get(str(found.get("cloud_name", "")).casefold(), "")
        region = str(found.get("region") or "")
        return self._region(cloud, region, f"cloud-init: {cloud}") if cloud and region else None

    def _dmi_cloud(self) -> str:
        said = [self._text(f"{DMI_FOLDER}/{name}").strip().casefold() for name in DMI_FILES]
        return next(
            (cloud for mark, cloud in DMI_MARKS.items() if any(mark in each for each in said)), ""
        )

    # The clock

    def _from_timezone(self, cloud: str) -> Zone:
        name = self._timezone()
        if not name:
            return unknown("the system has no time zone by name")
        row = next((each for each in rows("timezones.csv") if each[0] == name), None)
        if row is None:
            return unknown(f"time zone {label(name)} has no zone")
        _, zone, confidence, alternates = row
        others = tuple(alternates.split())
        sure = Confidence(confidence)
        how = f"time zone {name}"
        spoken = BY_LANGUAGE.get((name, self._language()))
        if spoken in others:
            others = (zone, *(each for each in others if each != spoken))
            zone, sure, how = str(spoken), Confidence.MEDIUM, f"{how} and language"
        if cloud:
            # Somebody set it there, and it may be where they are.
            how = f"{how}, on {cloud}"
            sure = Confidence.MEDIUM if sure is Confidence.HIGH else sure
        return self._zones.zone(zone, how, sure, others)

    def _language(self) -> str:
        for variable in ("LC_ALL", "LC_MESSAGES", "LANG"):
            said = self._environ.get(variable, "")
            if said:
                return said.partition("_")[0].casefold()
        return ""

    # Files

    def _text(self, name: str) -> str:
        try:
            with open(self._root / name, encoding="utf-8", errors="replace") as file:
                return file.read(LARGEST_FILE)
        except OSError:
            return ""

    def _json(self, name: str) -> Any:
        try:
            return json.loads(self._text(name))
        except (ValueError, RecursionError):
            return None


def unknown(why: str) -> Zone:
    """No zone, and why."""
    return Zone(None, "unknown", why, Confidence.NONE)


def system_timezone() -> str | None:
    """This system's IANA time zone by name, None where it has none."""
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import tzlocal

            return tzlocal.get_localzone_name()
    except Exception:  # noqa: BLE001 (a broken clock setting is no reason to stop: unknown)
        return None
