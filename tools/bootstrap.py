"""Make the virtual environment .venv and install the locked packages: `bootstrap.py runtime|dev`.

Uses the standard library only, and syntax that an older Python can read, so that it can say what is missing.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST_PYTHON = (3, 11)
LOCKS = {"runtime": ["runtime", "build"], "dev": ["runtime", "build", "test", "browser"]}
# Megabytes that the virtual environment, its cache and node_modules take.
NEEDED_SPACE = {"runtime": 900, "dev": 1300}


class Obstacle(Exception):
    """Something that the person at the keyboard must put right; the message says how."""


def main(arguments):
    wanted = arguments[0] if arguments else "dev"
    try:
        require_python(sys.version_info)
        if not is_installed(wanted):
            require_venv()
            require_space(wanted, shutil.disk_usage(str(ROOT)).free)
            install(wanted)
    except Obstacle as obstacle:
        sys.exit(f"stellwerk: {obstacle}")
    except OSError as error:
        sys.exit(f"stellwerk: {error}: free some space or mend it, then run make again.")


def require_python(version):
    if tuple(version[:2]) < OLDEST_PYTHON:
        raise Obstacle(
            f"Python {version[0]}.{version[1]} is too old, 3.11 or newer is needed: install one and name it, "
            "for example `make demo PYTHON=python3.12`."
        )


def require_venv():
    try:
        import ensurepip  # noqa: F401  Debian leaves it out of python3; asking for it is the test
        import venv  # noqa: F401
    except ImportError:
        raise Obstacle(
            "This Python cannot make virtual environments: install its venv package "
            "(Debian, Ubuntu: `apt-get install python3-venv`), then run make again."
        ) from None


def require_space(wanted, free):
    needed = NEEDED_SPACE[wanted]
    if free < needed * 1_000_000:
        raise Obstacle(
            f"The disk under {ROOT} has {free // 1_000_000} MB free, {needed} MB are needed: "
            "free some space, then run make again."
        )


def is_installed(wanted):
    """Tell whether the environment holds what the locks say (dev includes runtime)."""
    if not venv_program("python").exists():
        return False
    levels = ["runtime", "dev"] if wanted == "runtime" else ["dev"]
    return any(stamp(level).exists() and stamp(level).read_text() == fingerprint(level) for level in levels)


def install(wanted):
    if not venv_program("python").exists():
        print("Making the virtual environment .venv", flush=True)
        run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    locks = [str(ROOT / "requirements" / f"{name}.txt") for name in LOCKS[wanted]]
    print("Installing the locked packages", flush=True)
    pip = [str(venv_program("python")), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    hashed = ["install", "--require-hashes"] + [part for lock in locks for part in ("-r", lock)]
    ourselves = ["install", "--no-deps", "--no-build-isolation", "-e", str(ROOT)]
    run([*pip, "install", "--require-hashes", "-r", str(ROOT / "requirements" / "installer.txt")])
    uv = [str(venv_program("uv")), "--quiet", "--no-config", "pip"]
    if not succeeds([*uv, *hashed]):
        print("uv did not reach the packages, trying pip", flush=True)
        run([*pip, *hashed])
    run([*pip, *ourselves])
    stamp(wanted).write_text(fingerprint(wanted))


def run(command):
    done = subprocess.run(command, env=environment(), cwd=str(ROOT), stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Obstacle(explain(command, done.stderr))


def succeeds(command):
    done = subprocess.run(command, env=environment(), cwd=str(ROOT), stderr=subprocess.PIPE, text=True)
    if "No space left on device" in done.stderr:
        raise Obstacle(explain(command, done.stderr))
    return done.returncode == 0


def explain(command, output):
    if "No space left on device" in output:
        return "The disk is full: free some space, then run make again."
    last = output.strip().splitlines()[-5:]
    return "`{}` failed. Mend what it says, then run make again:\n{}".format(
        " ".join(command), "\n".join(last)
    )


def environment():
    """Return the environment, aimed at .venv whatever other environment is active.

    uv trusts the certificates of the operating system, as pip does: a company's own are there.
    """
    system = {"UV_SYSTEM_CERTS": os.environ.get("UV_SYSTEM_CERTS", "true")}
    return dict(os.environ, VIRTUAL_ENV=str(VENV), PYTHONUTF8="1", **system)


def venv_program(name):
    if os.name == "nt":
        return VENV / "Scripts" / (name + ".exe")
    return VENV / "bin" / name


def stamp(wanted):
    return VENV / f".installed-{wanted}"


def fingerprint(wanted):
    """Return a hash of everything that decides what is installed, and where."""
    names = [f"requirements/{name}.txt" for name in LOCKS[wanted]] + [
        "pyproject.toml",
        "hatch_build.py",
    ]
    contents = [str(VENV).encode()] + [(ROOT / name).read_bytes() for name in names]
    return hashlib.sha256(b"\0".join(contents)).hexdigest()


if __name__ == "__main__":
    main(sys.argv[1:])
