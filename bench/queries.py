"""Count the queries of each scenario: `python bench/queries.py KNOWN.json [MODULE]`, the database in the environment.

MODULE has the scenarios, bench.scenarios unless another one is named.
"""

import importlib
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "stellwerk.site.settings")

import django

django.setup()

from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from bench.load import Request  # noqa: E402


def count(request: Request) -> int:
    client = Client(headers=request.headers)
    kind = request.headers.get("Content-Type", "text/plain")
    for _ in range(2):  # the first fills what a process keeps
        with CaptureQueriesContext(connection) as queries:
            client.generic(
                request.method, request.path, request.body or b"", content_type=kind, SERVER_NAME="127.0.0.1"
            )
    if os.environ.get("STELLWERK_BENCH_SHOW"):
        for query in queries.captured_queries:
            print(query["time"], query["sql"][:2000], file=sys.stderr)
    return len(queries)


def main() -> None:
    known = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    scenarios = importlib.import_module(sys.argv[2] if len(sys.argv) > 2 else "bench.scenarios").scenarios
    print(json.dumps({scenario.name: count(scenario.request(1)) for scenario in scenarios(known)}))


if __name__ == "__main__":
    main()
