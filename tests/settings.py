"""Settings of the tests: one database per run, chosen by STELLWERK_TEST_DATABASE_URL, cheap passwords."""

import os
import tempfile
from pathlib import Path

for _name in [name for name in os.environ if name.startswith("STELLWERK_") and "_TEST_" not in name]:
    del os.environ[_name]  # a developer's own settings must not decide what a test sees

_data_dir = Path(tempfile.gettempdir()) / f"stellwerk-test-{os.getpid()}"
(_data_dir / "static").mkdir(parents=True, exist_ok=True)
os.environ["STELLWERK_MODE"] = "test"
os.environ["STELLWERK_SECRET_KEY"] = "only for tests, only for tests, only for tests, only for tests"
os.environ["STELLWERK_DATA_DIR"] = str(_data_dir)
os.environ["STELLWERK_LOG_LEVEL"] = "WARNING"
os.environ["STELLWERK_URL"] = "http://testserver"
if os.environ.get("STELLWERK_TEST_DATABASE_URL"):
    os.environ["STELLWERK_DATABASE_URL"] = os.environ["STELLWERK_TEST_DATABASE_URL"]

from stellwerk.site.settings import *  # noqa: E402, F403  the environment above must be set before
from stellwerk.site.settings import DATABASES, INSTALLED_APPS, ON_SQLITE, STORAGES  # noqa: E402

if ON_SQLITE:
    # A file rather than memory: browsers and threads get connections of their own, as in production.
    DATABASES["default"]["TEST"] = {"NAME": f"{_data_dir}.sqlite3"}
    DATABASES["default"]["OPTIONS"]["init_command"] += ";PRAGMA synchronous=OFF"
else:
    # Threads of a live server would otherwise hold the pool's connections when the test database is dropped.
    DATABASES["default"]["OPTIONS"].pop("pool")
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
# pytest-django's live server serves the static files of browsers' tests only where the app has its own name.
INSTALLED_APPS[INSTALLED_APPS.index("stellwerk.site.static.StaticFiles")] = "django.contrib.staticfiles"
