"""Settings of an installation with made-up types: those that STELLWERK_BENCH_SETTINGS names, and the package `dummies`."""

import importlib
import os

_base = importlib.import_module(os.environ.get("STELLWERK_BENCH_SETTINGS", "stellwerk.site.settings"))
globals().update({name: value for name, value in vars(_base).items() if name.isupper()})
INSTALLED_APPS = [*_base.INSTALLED_APPS, "dummies"]
