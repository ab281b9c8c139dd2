"""`stellwerk demo`: a whole organisation to look at, on this machine only, in a folder of its own."""

import argparse
import os
import shutil
from pathlib import Path

import django
from django.core.management import call_command

from stellwerk.operations.preflight import OperatorError, require_free_port
from stellwerk.site import data_folder, serving
from stellwerk.site.configuration import PREFIX
from stellwerk.site.supervisor import run_apart

DATA_DIR = "var/demo"
PORT = 8765
LOADED = "loaded"
LEAST_SPACE_MB = 200


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--port", type=port, default=PORT, help=f"port to listen on (default {PORT})")
    parser.add_argument(
        "--data-dir", default=DATA_DIR, help=f"folder of the demo's data (default {DATA_DIR})"
    )
    parser.add_argument("--reset", action="store_true", help="throw the demo's data away and begin anew")


def port(given: str) -> int:
    if not given.isdecimal() or not 0 < int(given) < 65536:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1 to 65535, not {given!r}")
    return int(given)


def run(options: argparse.Namespace) -> None:
    """Set up the demo where there is none, say how to sign in, and serve it."""
    data_dir = Path(options.data_dir).absolute()
    require_free_port("127.0.0.1", options.port)
    if options.reset:
        throw_away(data_dir)
    data_folder.make(data_dir, "--data-dir")
    require_space(data_dir)
    choose_settings(data_dir, options.port)
    django.setup()
    with data_folder.in_use():
        run_apart(set_up)
        serving.run_tree()


def choose_settings(data_dir: Path, port: int) -> None:
    """Let the demo see its own settings only: never another installation's database or mail server."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[name]
    own = {
        "MODE": "demo",
        "DATA_DIR": str(data_dir),
        "LISTEN": f"127.0.0.1:{port}",
        "URL": f"http://127.0.0.1:{port}",
        "LOG_FORMAT": "text",
        "LOG_LEVEL": "WARNING",
    }
    os.environ.update({PREFIX + name: value for name, value in own.items()})


def set_up() -> None:
    """Migrate, load the organisation once, and print the sign-ins."""
    from stellwerk.demo import sign_ins  # imports models, which need the settings above

    call_command("migrate", interactive=False, verbosity=0)
    loaded = Path(os.environ["STELLWERK_DATA_DIR"]) / LOADED
    if not loaded.exists():
        print("Loading the demo organisation", flush=True)
        call_command("load_demo")
        loaded.touch()
    serving.collect_static_files()
    print(announcement(os.environ["STELLWERK_URL"], sign_ins()), flush=True)


def announcement(url: str, people: list[tuple[str, str, str]]) -> str:
    """Return what the terminal shows: the address, then role, user name and password of each sign-in."""
    rows = [f"  {role:<15} {name:<12} {password}" for role, name, password in people]
    return "\n".join(["", f"Stellwerk runs at {url}", "", *rows, "", "End it with Ctrl-C.", ""])


def throw_away(data_dir: Path) -> None:
    """Remove the folder, but only one that a demo has made."""
    if not data_dir.exists():
        return
    if not (data_dir / "secret-key").exists():
        raise OperatorError(
            f"{data_dir} does not look like a demo's folder: remove it yourself if it is one."
        )
    shutil.rmtree(data_dir)


def require_space(data_dir: Path) -> None:
    free = shutil.disk_usage(data_dir).free // 1_000_000
    if free < LEAST_SPACE_MB:
        raise OperatorError(
            f"The disk under {data_dir} has {free} MB free, {LEAST_SPACE_MB} MB are needed: free some space."
        )
