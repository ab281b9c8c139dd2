"""Make the small files that people attach: a picture of a screen, the tail of a log."""

from __future__ import annotations

import struct
import zlib
from random import Random

from stellwerk.demo.organisation import Attachment

WIDTH, HEIGHT = 320, 180
PALETTE = ((246, 247, 249), (52, 73, 94), (205, 212, 220), (192, 57, 43), (255, 255, 255), (120, 132, 146))


def screenshot(rng: Random) -> Attachment:
    """Draw a window with a few lines of text and an error box, as a PNG."""
    rows = [bytearray(WIDTH) for _ in range(HEIGHT)]
    _box(rows, 10, 10, 300, 160, 4)
    _box(rows, 10, 10, 300, 16, 1)
    for line in range(rng.randint(4, 8)):
        _box(rows, 22, 36 + 14 * line, rng.randint(60, 270), 6, rng.choice((2, 5)))
    _box(rows, 70, 70, 180, 56, 3)
    _box(rows, 74, 84, 172, 38, 4)
    _box(rows, 84, 96, rng.randint(60, 150), 6, 5)
    return Attachment(f"screenshot-{rng.randint(1, 99):02}.png", "image/png", _png(rows))


def log_tail(rng: Random, host: str) -> Attachment:
    """Write some lines of a log that end badly."""
    minute = rng.randint(0, 1380)
    lines = [
        f"{(minute + number) // 60:02}:{(minute + number) % 60:02}:{rng.randint(0, 59):02} {host} "
        f"step {1000 * (number + 1)} residual {10 ** -rng.uniform(2, 6):.3e}"
        for number in range(rng.randint(8, 20))
    ]
    lines.append(
        rng.choice(("Killed", "Segmentation fault (core dumped)", "Connection reset by peer", "timeout"))
    )
    return Attachment("log.txt", "text/plain", ("\n".join(lines) + "\n").encode())


def _box(rows: list[bytearray], left: int, top: int, width: int, height: int, colour: int) -> None:
    for row in rows[top : top + height]:
        row[left : left + width] = bytes([colour]) * width


def _png(rows: list[bytearray]) -> bytes:
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
    palette = bytes(value for colour in PALETTE for value in colour)
    pixels = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows), 9)
    chunks = ((b"IHDR", header), (b"PLTE", palette), (b"IDAT", pixels), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
