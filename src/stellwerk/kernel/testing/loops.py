"""Running coroutines in tests."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Never, TypeVar

R = TypeVar("R")


def run_apart(coroutine: Coroutine[object, Never, R]) -> R:
    """Run a coroutine in a thread of its own: a browser of the same run keeps a loop in the tests' thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()
