"""Build hooks: dependencies come from the requirements file, assets from the front-end sources."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "tools"))


class Dependencies(MetadataHookInterface):
    """Take the run-time dependencies from requirements/runtime.in, the one place that names them."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        lines = (ROOT / "requirements" / "runtime.in").read_text(encoding="utf-8").splitlines()
        metadata["dependencies"] = [line for line in lines if line and not line.startswith("#")]


class Assets(BuildHookInterface):
    """Build the front-end assets into a wheel; an editable install serves what `make assets` built."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            import assets  # beside bootstrap.py; needs Node, which an editable install does not

            assets.build(ROOT / "src" / "stellwerk" / "frontend")
