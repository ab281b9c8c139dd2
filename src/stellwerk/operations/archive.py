"""The file format of a backup: a ZIP whose comment, its last 64 bytes, is the SHA-256 of all bytes before.

So any flipped byte is found by reading the file once, and the file still opens in any ZIP program.
"""

import hashlib
import json
import os
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import BinaryIO

from stellwerk.operations.preflight import OperatorError

FORMAT = 1
MANIFEST = "manifest.json"
ATTACHMENTS = "attachments/"
SEAL_LENGTH = 64
CHUNK = 1024 * 1024


@dataclass(frozen=True)
class Member:
    """One file in the archive."""

    sha256: str
    size: int


@dataclass
class Manifest:
    """What a backup holds: where it came from, rows per table, by what the journal's key is known, a hash per file."""

    version: str
    made_at: str
    engine: str
    tables: dict[str, int]
    journal_key: str = ""
    files: dict[str, Member] = field(default_factory=dict)
    format: int = FORMAT


def write(path: Path, manifest: Manifest, members: Iterable[tuple[str, Path]]) -> None:
    """Write the archive under a provisional name and rename it when it is complete and on disk."""
    provisional = path.with_name(path.name + ".partial")
    try:
        with _opened_for_owner(provisional) as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for name, source in members:
                    manifest.files[name] = _add(archive, name, source)
                archive.writestr(MANIFEST, json.dumps(asdict(manifest), indent=1))
                archive.comment = b"0" * SEAL_LENGTH
            _seal(file)
        os.replace(provisional, path)
    finally:
        provisional.unlink(missing_ok=True)


@contextmanager
def verified(path: Path) -> Iterator[tuple[zipfile.ZipFile, Manifest]]:
    """Open an archive after checking its seal and the hash of every file in it."""
    with _opened(path) as file:
        _check_seal(path, file)
        try:
            archive = zipfile.ZipFile(file)
            manifest = _read_manifest(archive)
            _check_members(path, archive, manifest)
        except (zipfile.BadZipFile, KeyError, ValueError, TypeError) as error:
            raise OperatorError(
                f"{path} is not a backup of Stellwerk ({error}): nothing was changed."
            ) from error
        with archive:
            yield archive, manifest


def extract(archive: zipfile.ZipFile, name: str, target: Path) -> None:
    """Write one file of a verified archive to target."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, _opened_for_owner(target) as copy:
        while chunk := source.read(CHUNK):
            copy.write(chunk)


def _opened(path: Path) -> BinaryIO:
    try:
        return open(path, "rb")
    except OSError as error:
        raise OperatorError(f"{path} cannot be read ({error.strerror}): name a backup.") from None


def _opened_for_owner(path: Path) -> BinaryIO:
    return open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b")


def _add(archive: zipfile.ZipFile, name: str, source: Path) -> Member:
    digest, size = hashlib.sha256(), 0
    with open(source, "rb") as original, archive.open(name, "w", force_zip64=True) as copy:
        while chunk := original.read(CHUNK):
            digest.update(chunk)
            size += len(chunk)
            copy.write(chunk)
    return Member(digest.hexdigest(), size)


def _seal(file: BinaryIO) -> None:
    file.flush()
    length = os.fstat(file.fileno()).st_size - SEAL_LENGTH
    seal = _hash(file, length)
    file.seek(length)
    file.write(seal)
    file.flush()
    os.fsync(file.fileno())


def _check_seal(path: Path, file: BinaryIO) -> None:
    length = os.fstat(file.fileno()).st_size - SEAL_LENGTH
    if length <= 0 or _hash(file, length) != file.read(SEAL_LENGTH):
        raise OperatorError(
            f"{path} is damaged or not a backup of Stellwerk: take another copy of it. Nothing was changed."
        )
    file.seek(0)


def _hash(file: BinaryIO, length: int) -> bytes:
    """Return the hash of the first length bytes in hexadecimal, and leave the file after them."""
    digest = hashlib.sha256()
    file.seek(0)
    while length > 0:
        chunk = file.read(min(CHUNK, length))
        if not chunk:
            break
        digest.update(chunk)
        length -= len(chunk)
    return digest.hexdigest().encode()


def _read_manifest(archive: zipfile.ZipFile) -> Manifest:
    content = json.loads(archive.read(MANIFEST))
    if content["format"] > FORMAT:
        raise OperatorError(
            "The backup was made by a newer Stellwerk: install that version. Nothing was changed."
        )
    content["files"] = {name: Member(**member) for name, member in content["files"].items()}
    return Manifest(**content)


def _check_members(path: Path, archive: zipfile.ZipFile, manifest: Manifest) -> None:
    names = {name for name in archive.namelist() if name != MANIFEST}
    different = names ^ set(manifest.files)
    for name in sorted(names - different):
        digest = hashlib.sha256()
        with archive.open(name) as source:
            while chunk := source.read(CHUNK):
                digest.update(chunk)
        if digest.hexdigest() != manifest.files[name].sha256:
            different.add(name)
    unsafe = {name for name in names if name.startswith("/") or ".." in Path(name).parts}
    if different or unsafe:
        raise OperatorError(
            f"{path} is damaged at {', '.join(sorted(different | unsafe)[:3])}. Nothing was changed."
        )
