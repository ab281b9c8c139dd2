"""What a file may be called and served as: an allow-list, checked against the content itself."""

import re
import unicodedata
from pathlib import PurePosixPath

from django.utils.translation import gettext as _

UNKNOWN = "application/octet-stream"
LONGEST_NAME = 200

# What the first bytes prove.
_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
)
_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN = "application/vnd.oasis.opendocument"

# Extension: what it is served as, and what its content must prove for that.
ALLOWED = {
    "csv": ("text/csv; charset=utf-8", "text/plain"),
    "docx": (f"{_OFFICE}.wordprocessingml.document", "application/zip"),
    "eml": ("message/rfc822", "text/plain"),
    "gif": ("image/gif", "image/gif"),
    "gz": ("application/gzip", "application/gzip"),
    "jpeg": ("image/jpeg", "image/jpeg"),
    "jpg": ("image/jpeg", "image/jpeg"),
    "json": ("application/json", "text/plain"),
    "log": ("text/plain; charset=utf-8", "text/plain"),
    "md": ("text/plain; charset=utf-8", "text/plain"),
    "odp": (f"{_OPEN}.presentation", "application/zip"),
    "ods": (f"{_OPEN}.spreadsheet", "application/zip"),
    "odt": (f"{_OPEN}.text", "application/zip"),
    "pdf": ("application/pdf", "application/pdf"),
    "png": ("image/png", "image/png"),
    "pptx": (f"{_OFFICE}.presentationml.presentation", "application/zip"),
    "txt": ("text/plain; charset=utf-8", "text/plain"),
    "webp": ("image/webp", "image/webp"),
    "xlsx": (f"{_OFFICE}.spreadsheetml.sheet", "application/zip"),
    "zip": ("application/zip", "application/zip"),
}
_NOT_IN_NAMES = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')


def proven_type(beginning: bytes) -> str:
    """Tell what content is by its first bytes; text is UTF-8 without control characters, else it is unknown."""
    for signature, kind in _SIGNATURES:
        if beginning.startswith(signature):
            return kind
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "image/webp"
    return "text/plain" if _is_text(beginning) else UNKNOWN


def served_type(name: str, proven: str) -> str:
    """Choose the type a file is served as: by its extension if that is allowed and its content agrees."""
    kind, needed = ALLOWED.get(name.rpartition(".")[2].lower(), (UNKNOWN, ""))
    return kind if proven == needed else UNKNOWN


def safe_name(name: str) -> str:
    """Return a name that every system takes and that looks like what it is: no path, no invisible characters."""
    name = name.encode("utf-8", "replace").decode().replace("\\", "/").rpartition("/")[2]
    name = unicodedata.normalize("NFC", _NOT_IN_NAMES.sub("", name))
    name = "".join(sign for sign in name if unicodedata.category(sign) not in ("Cf", "Cc", "Cs", "Zl", "Zp"))
    name = name.strip(" .") or _("file")
    suffix = PurePosixPath(name).suffix[:20]
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - len(suffix)] + suffix


def _is_text(beginning: bytes) -> bool:
    if any(octet < 32 and octet not in (9, 10, 12, 13) for octet in beginning):
        return False
    try:
        beginning.decode()
    except UnicodeDecodeError as error:
        return error.start >= len(beginning) - 3 and len(beginning) > 3  # cut inside a character
    return True
