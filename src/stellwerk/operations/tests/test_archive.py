"""A backup file proves itself: whatever is changed in it is found before anything else happens."""

import json
import random
import zipfile
from pathlib import Path

import pytest

from stellwerk.operations import archive
from stellwerk.operations.preflight import OperatorError


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    attachment = tmp_path / "report.pdf"
    attachment.write_bytes(bytes(range(256)) * 20)
    path = tmp_path / "backup.zip"
    manifest = archive.Manifest("0.1.0", "2026-11-22T20:00:00+00:00", "sqlite", {"kernel_record": 3})
    archive.write(path, manifest, [("attachments/ab/report.pdf", attachment)])
    return path


def test_what_goes_in_comes_out(backup: Path, tmp_path: Path) -> None:
    with archive.verified(backup) as (opened, manifest):
        archive.extract(opened, "attachments/ab/report.pdf", tmp_path / "out" / "report.pdf")
    assert manifest.tables == {"kernel_record": 3}
    assert manifest.files["attachments/ab/report.pdf"].size == 5120
    assert (tmp_path / "out" / "report.pdf").read_bytes() == bytes(range(256)) * 20


def test_only_its_owner_may_read_it_and_nothing_provisional_is_left(backup: Path) -> None:
    assert backup.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in backup.parent.iterdir()) == ["backup.zip", "report.pdf"]


def test_any_flipped_byte_is_detected(backup: Path) -> None:
    intact = backup.read_bytes()
    places = {0, len(intact) - 1, *random.Random(7).sample(range(len(intact)), 300)}  # noqa: S311  places to try
    for place in places:
        backup.write_bytes(intact[:place] + bytes([intact[place] ^ 1]) + intact[place + 1 :])
        with pytest.raises(OperatorError, match="is damaged or not a backup"), archive.verified(backup):
            pass


def test_a_cut_off_file_and_another_file_are_refused(backup: Path) -> None:
    intact = backup.read_bytes()
    for content in (intact[:-1000], intact[:10], b"", b"PK" * 500):
        backup.write_bytes(content)
        with pytest.raises(OperatorError, match="is damaged or not a backup"), archive.verified(backup):
            pass


def test_a_file_that_was_put_in_later_is_refused_even_with_a_right_seal(backup: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(backup) as old, zipfile.ZipFile(other, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
        new.writestr("../escaped", b"x")
        new.comment = b"0" * archive.SEAL_LENGTH
    with open(other, "r+b") as file:
        archive._seal(file)
    with pytest.raises(OperatorError, match=r"is damaged at \.\./escaped"), archive.verified(other):
        pass


def test_a_backup_of_a_newer_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "newer.zip"
    archive.write(path, archive.Manifest("9.0", "", "sqlite", {}, format=2), [])
    assert json.loads(zipfile.ZipFile(path).read("manifest.json"))["format"] == 2
    with pytest.raises(OperatorError, match="made by a newer Stellwerk"), archive.verified(path):
        pass


def test_a_fault_of_what_is_done_with_a_backup_is_not_blamed_on_the_backup(backup: Path) -> None:
    with pytest.raises(ValueError, match="our own"), archive.verified(backup):
        raise ValueError("our own")
