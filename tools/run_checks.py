"""Run every check, all of them even when one fails: `python tools/run_checks.py`."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = [
    name
    for name in ("src", "tests", "bench", "tools", "manage.py", "conftest.py", "hatch_build.py")
    if (ROOT / name).exists()
]
PYTHON = [sys.executable, "-m"]
BANDIT = ["bandit", "--quiet", "--recursive", "--severity-level", "medium"]
CHECKS = {
    "format": [*PYTHON, "ruff", "format", "--check", "--quiet", *SOURCES],
    "lint": [*PYTHON, "ruff", "check", "--quiet", *SOURCES],
    "types": [*PYTHON, "mypy"],
    "script types": [sys.executable, "tools/assets.py", "--types"],
    "API document": [sys.executable, "tools/lint_api.py"],
    "import rules": [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
    "migrations": [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"],
    "declarations": [sys.executable, "manage.py", "check", "--fail-level", "WARNING"],
    "shape": [sys.executable, "tools/shape.py"],
    "security": [*PYTHON, *BANDIT, "--configfile", "pyproject.toml", "src"],
}


def main() -> int:
    failed = []
    for name, command in CHECKS.items():
        started = time.monotonic()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        print(
            f"{name}: {'ok' if done.returncode == 0 else 'FAILED'} ({time.monotonic() - started:.1f} s)",
            flush=True,
        )
        if done.returncode:
            failed.append(name)
            print(done.stdout + done.stderr, flush=True)
    print("All checks passed." if not failed else f"Failed: {', '.join(failed)}.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
