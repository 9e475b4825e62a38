"""Stored bytes, each content once under its SHA-256: attachments and large raw requests. Files here, or S3.

The order is what makes a 2xx a promise: the bytes are durable before the row that names them commits, and they go only
together with it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, cast

from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage
from django.db import connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from cases.models import Attachment, Blob, DraftFile, RawBody

__all__ = ["DurableFileStorage", "delete_unreferenced", "name_of", "open_blob", "put", "put_many"]

logger = logging.getLogger(__name__)

CHUNK = 256 * 1024  # bytes
# A row younger than this is taken as it stands; an older one is made young again, so that the sweeper leaves it alone.
# It must stay far below the age at which the sweeper deletes (24 h).
REFRESH_AFTER = timedelta(hours=1)
DELETE_AT_ONCE = 1000  # rows of one delete_unreferenced call
PARTIAL_PREFIX = ".partial-"
INSERT_OR_MAKE_YOUNG = (
    "INSERT INTO cases_blob (sha256, size, created_at) VALUES {rows}"
    " ON CONFLICT (sha256) DO UPDATE SET created_at = EXCLUDED.created_at"
)
_CONTENT_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{2}/[0-9a-f]{64}")


class DurableFileStorage(FileSystemStorage):
    """Files that survive a crash once `save` returns. Names are content addresses: saving a name again is a no-op.

    A file is written beside its place, fsynced and renamed, then its folder is fsynced: readers see all of it or none.
    """

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name

    def _save(self, name: str, content: File[bytes]) -> str:
        target = Path(self.path(name))
        self._make_folder(target.parent)
        try:
            os.utime(target)  # young again: the sweeper must not take it for an orphan
        except FileNotFoundError:
            self._write(target, content)
        # Also for a file that was there: its writer may not have come this far yet.
        fsync_folder(target.parent)
        return name

    def _write(self, target: Path, content: File[bytes]) -> None:
        descriptor, draft = tempfile.mkstemp(prefix=PARTIAL_PREFIX, dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                content.seek(0)
                while chunk := content.read(CHUNK):
                    stream.write(chunk)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(draft, target)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise

    def _make_folder(self, folder: Path) -> None:
        """Make a folder and what is missing above it; each new name is fsynced in its parent."""
        if folder.is_dir():
            return
        self._make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        fsync_folder(folder.parent)


def fsync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def name_of(sha256: str) -> str:
    """Where the storage keeps a content: two levels of folders keep each of them small."""
    return f"{sha256[:2]}/{sha256[2:4]}/{sha256}"


def put(content: bytes | BinaryIO) -> Blob:
    """Store one content. A stream is read from its start; it must be seekable."""
    if isinstance(content, bytes):
        (blob,) = put_many([content]).values()
        return blob
    sha256, size = hash_of_stream(content)
    return _put_all({sha256: (size, content)})[sha256]


def put_many(contents: Iterable[bytes]) -> dict[str, Blob]:
    """Store contents, keyed by SHA-256 in the result; one SQL statement when all are known, else two.

    Best called with no transaction open: on PostgreSQL an open one keeps other writers of the same content waiting.
    """
    by_sha256 = {hashlib.sha256(content).hexdigest(): content for content in contents}
    return _put_all({sha256: (len(content), content) for sha256, content in by_sha256.items()})


def _put_all(contents: dict[str, tuple[int, bytes | BinaryIO]]) -> dict[str, Blob]:
    if not contents:
        return {}
    fresh_since = timezone.now() - REFRESH_AFTER
    known = {blob.sha256: blob for blob in Blob.objects.filter(pk__in=list(contents), created_at__gte=fresh_since)}
    missing = sorted(contents.keys() - known.keys())  # sorted: two writers lock shared rows in the same order
    for sha256 in missing:
        _save(sha256, contents[sha256][1])
    now = timezone.now()
    rows = [Blob(sha256=sha256, size=contents[sha256][0], created_at=now) for sha256 in missing]
    _insert_or_make_young(rows)
    for sha256 in missing:
        # The sweeper deletes a file while it holds the row, and the statement above waited for it: look again.
        if not default_storage.exists(name_of(sha256)):
            _save(sha256, contents[sha256][1])
    return known | {row.sha256: row for row in rows}


def _insert_or_make_young(blobs: list[Blob]) -> None:
    """One statement, which commits by itself; `bulk_create` would open a transaction for it: two statements more."""
    if blobs:
        rows = ", ".join(["(%s, %s, %s)"] * len(blobs))
        now = connection.ops.adapt_datetimefield_value(blobs[0].created_at)
        values = [value for blob in blobs for value in (blob.sha256, blob.size, now)]
        with connection.cursor() as cursor:
            cursor.execute(INSERT_OR_MAKE_YOUNG.format(rows=rows), values)


def _save(sha256: str, content: bytes | BinaryIO) -> None:
    if isinstance(content, bytes):
        default_storage.save(name_of(sha256), ContentFile(content))
        return
    content.seek(0)
    default_storage.save(name_of(sha256), File(content))


def hash_of_stream(stream: BinaryIO) -> tuple[str, int]:
    """(SHA-256, size) of a stream, read from its start."""
    stream.seek(0)
    digest = hashlib.sha256()
    size = 0
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def open_blob(blob: Blob) -> BinaryIO:
    """The bytes as a stream, to be closed by the caller. Raises OSError when the storage does not give them."""
    return cast(BinaryIO, default_storage.open(name_of(blob.sha256), "rb"))


def delete_unreferenced(older_than: timedelta) -> int:
    """Delete contents that nothing has pointed at for `older_than`, and files without a row. Returns how many.

    Bounded: what is left over goes with the next call. Walks the whole storage: for a sweeper, hourly or rarer.
    """
    before = timezone.now() - older_than
    unreferenced = list(_unreferenced().filter(created_at__lt=before).values_list("pk", flat=True)[:DELETE_AT_ONCE])
    deleted = sum(_delete(sha256, before=before) for sha256 in unreferenced)
    for name in _old_files(before):
        if not _CONTENT_NAME.fullmatch(name):
            if Path(name).name.startswith(PARTIAL_PREFIX):  # of a writer that was killed
                default_storage.delete(name)
                deleted += 1
        elif _delete(name.rpartition("/")[2], before=before):
            deleted += 1
        if deleted >= DELETE_AT_ONCE:
            break
    return deleted


def _unreferenced() -> QuerySet[Blob]:
    return Blob.objects.filter(
        ~Exists(Attachment.objects.filter(blob=OuterRef("pk"))),
        ~Exists(RawBody.objects.filter(blob=OuterRef("pk"))),
        ~Exists(DraftFile.objects.filter(blob=OuterRef("pk"))),
    )


def _delete(sha256: str, *, before: datetime) -> bool:
    """Delete one content, row and file, unless somebody needs it. True if it is gone.

    The row is locked - made first, for a file without one - while the file goes: a writer of the same content waits
    for this transaction, and then finds that it has to write the file again.
    """
    with transaction.atomic():
        lock = Blob(sha256=sha256, size=0)
        Blob.objects.bulk_create([lock], ignore_conflicts=True)
        rows = _unreferenced().filter(pk=sha256)
        if not (rows.filter(created_at__lt=before) | rows.filter(created_at=lock.created_at)).delete()[0]:
            return False
        default_storage.delete(name_of(sha256))
    return True


def _old_files(before: datetime) -> Iterator[str]:
    """Names of stored files without a young row, untouched since `before`."""
    for first in _folders(""):
        for second in _folders(first):
            folder = f"{first}/{second}"
            names = [f"{folder}/{name}" for name in default_storage.listdir(folder)[1]]
            known = set(Blob.objects.filter(pk__startswith=first + second).values_list("pk", flat=True))
            for name in names:
                if name.rpartition("/")[2] not in known and _is_older(name, before):
                    yield name


def _is_older(name: str, before: datetime) -> bool:
    try:
        return default_storage.get_modified_time(name) < before
    except FileNotFoundError:  # a writer's draft has got its name meanwhile, or another sweeper was here
        return False


def _folders(folder: str) -> list[str]:
    try:
        return sorted(name for name in default_storage.listdir(folder)[0] if len(name) == 2)
    except FileNotFoundError:  # nothing was stored yet
        return []
