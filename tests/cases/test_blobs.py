"""Stored bytes: durable before their row, once per content, deleted only when nobody needs them."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from moto.server import ThreadedMotoServer

from cases import blobs
from cases.models import Attachment, Blob, RawBody
from tests.factories import EmailMessageFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(hours=24)
CONTENT = b"some bytes"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def grow_old(sha256: str, storage: Path | None = None, *, hours: int = 25) -> None:
    Blob.objects.filter(pk=sha256).update(created_at=timezone.now() - timedelta(hours=hours))
    if storage is not None:
        age(storage / blobs.name_of(sha256), hours=hours)


def age(path: Path, *, hours: int = 25) -> None:
    then = time.time() - hours * 3600
    os.utime(path, (then, then))


def content_of(blob: Blob) -> bytes:
    with blobs.open_blob(blob) as stream:
        return stream.read()


def test_content_is_stored_under_its_hash(own_storage: Path) -> None:
    blob = blobs.put(CONTENT)

    assert (blob.sha256, blob.size) == (SHA256, len(CONTENT))
    assert (own_storage / SHA256[:2] / SHA256[2:4] / SHA256).read_bytes() == CONTENT
    assert content_of(Blob.objects.get()) == CONTENT


def test_stream_is_stored_from_its_start() -> None:
    stream = BytesIO(CONTENT)
    stream.read(3)

    assert content_of(blobs.put(stream)) == CONTENT


def test_empty_content_is_a_content() -> None:
    assert content_of(blobs.put(b"")) == b""


def test_same_content_is_stored_once(own_storage: Path) -> None:
    blobs.put(CONTENT)
    blobs.put(CONTENT)

    assert Blob.objects.count() == 1
    assert [path.name for path in own_storage.rglob("*") if path.is_file()] == [SHA256]


def test_many_contents_cost_two_statements_and_one_when_known() -> None:
    contents = [b"a", b"b", b"c", b"a"]

    with CaptureQueriesContext(connection) as first:
        stored = blobs.put_many(contents)
    with CaptureQueriesContext(connection) as second:
        again = blobs.put_many(contents)

    assert stored.keys() == again.keys() == {hashlib.sha256(content).hexdigest() for content in contents}
    assert [query["sql"].split()[0] for query in first] == ["SELECT", "INSERT"]
    assert len(second) == 1


def test_nothing_to_store_costs_nothing(django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        assert blobs.put_many([]) == {}


def test_file_is_durable_before_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    real_fsync, real_replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: (done.append("fsync"), real_fsync(descriptor))[1])
    monkeypatch.setattr(os, "replace", lambda source, target: (done.append("rename"), real_replace(source, target))[1])
    with connection.execute_wrapper(lambda run, sql, *rest: (done.append(sql.split()[0]), run(sql, *rest))[1]):
        blobs.put(CONTENT)

    interesting = [step for step in done if step in ("fsync", "rename", "INSERT")]
    # Three new folders, then the file, its name, its folder's entry, and only then the row.
    assert interesting[-4:] == ["fsync", "rename", "fsync", "INSERT"]


def test_failed_write_leaves_neither_row_nor_file(monkeypatch: pytest.MonkeyPatch, own_storage: Path) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    blobs.put(b"makes the folders")
    monkeypatch.setattr(os, "fsync", full)

    with pytest.raises(OSError, match="No space"):
        blobs.put(CONTENT)

    assert not Blob.objects.filter(pk=SHA256).exists()
    assert list(own_storage.rglob(".partial-*")) == []


def test_lost_file_of_an_old_row_is_written_again(own_storage: Path) -> None:
    blobs.put(CONTENT)
    grow_old(SHA256)
    default_storage.delete(blobs.name_of(SHA256))

    assert content_of(blobs.put(CONTENT)) == CONTENT


def test_file_deleted_between_write_and_row_is_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    real = blobs._insert_or_make_young

    def sweeper_was_faster(rows: list[Blob]) -> None:
        default_storage.delete(blobs.name_of(SHA256))
        real(rows)

    monkeypatch.setattr(blobs, "_insert_or_make_young", sweeper_was_faster)

    assert content_of(blobs.put(CONTENT)) == CONTENT


def test_using_an_old_content_again_keeps_it(own_storage: Path) -> None:
    blobs.put(CONTENT)
    grow_old(SHA256, own_storage)

    blobs.put(CONTENT)

    assert blobs.delete_unreferenced(DAY) == 0
    assert content_of(Blob.objects.get()) == CONTENT


# --- the sweeper ---


def test_old_content_that_nobody_points_at_is_deleted(own_storage: Path) -> None:
    blobs.put(CONTENT)
    grow_old(SHA256, own_storage)

    assert blobs.delete_unreferenced(DAY) == 1

    assert Blob.objects.count() == 0
    assert not (own_storage / blobs.name_of(SHA256)).exists()


def test_young_content_stays(own_storage: Path) -> None:
    blobs.put(CONTENT)
    grow_old(SHA256, own_storage, hours=23)

    assert blobs.delete_unreferenced(DAY) == 0


def test_content_of_an_attachment_or_a_raw_body_stays(own_storage: Path) -> None:
    attached, raw = blobs.put(b"attached"), blobs.put(b"raw")
    Attachment.objects.create(email_message=EmailMessageFactory(), blob=attached, position=0, file_name="a")
    RawBody.objects.create(sha256=raw.sha256, size=3, blob=raw)
    for blob in (attached, raw):
        grow_old(blob.sha256, own_storage)

    assert blobs.delete_unreferenced(DAY) == 0
    assert {content_of(blob) for blob in Blob.objects.all()} == {b"attached", b"raw"}


def test_old_file_without_a_row_is_deleted(own_storage: Path) -> None:
    default_storage.save(blobs.name_of(SHA256), ContentFile(CONTENT))
    assert blobs.delete_unreferenced(DAY) == 0
    age(own_storage / blobs.name_of(SHA256))

    assert blobs.delete_unreferenced(DAY) == 1

    assert not (own_storage / blobs.name_of(SHA256)).exists()
    assert Blob.objects.count() == 0


def test_rest_of_a_killed_writer_is_deleted_and_a_stranger_s_file_is_not(own_storage: Path) -> None:
    folder = own_storage / "ab" / "cd"
    folder.mkdir(parents=True)
    for name in (".partial-x1", "README"):
        (folder / name).write_bytes(b"x")
        age(folder / name)

    assert blobs.delete_unreferenced(DAY) == 1
    assert [path.name for path in folder.iterdir()] == ["README"]


def test_sweeper_of_an_empty_storage_finds_nothing() -> None:
    assert blobs.delete_unreferenced(DAY) == 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_writers_and_sweepers_at_once_lose_nothing(own_storage: Path) -> None:
    contents = [str(n).encode() for n in range(20)]
    errors: list[Exception] = []

    def work(action: Any) -> None:
        try:
            for _ in range(5):
                action()
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            errors.append(error)
        finally:
            connection.close()

    def write() -> None:
        blobs.put_many(contents)

    def sweep() -> None:
        Blob.objects.update(created_at=timezone.now() - timedelta(hours=25))
        blobs.delete_unreferenced(DAY)

    threads = [threading.Thread(target=work, args=(action,)) for action in (write, write, write, sweep)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = blobs.put_many(contents)

    assert errors == []
    assert {content_of(blob) for blob in kept.values()} == set(contents)


# --- S3 ---


@pytest.fixture(scope="module")
def moto_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3_storage(moto_url: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3", endpoint_url=moto_url)
    client.create_bucket(Bucket="mail")
    for listed in client.list_objects_v2(Bucket="mail").get("Contents", []):
        client.delete_object(Bucket="mail", Key=listed["Key"])
    options = {"bucket_name": "mail", "location": "folder", "endpoint_url": moto_url, "file_overwrite": True}
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    }
    return client


def test_content_is_stored_in_s3_under_its_hash(s3_storage: Any) -> None:
    stored = blobs.put_many([CONTENT, b"other"])

    assert {content_of(blob) for blob in stored.values()} == {CONTENT, b"other"}
    body = s3_storage.get_object(Bucket="mail", Key=f"folder/{blobs.name_of(SHA256)}")["Body"].read()
    assert body == CONTENT


def test_stream_is_stored_in_s3(s3_storage: Any) -> None:
    assert content_of(blobs.put(BytesIO(CONTENT))) == CONTENT


def test_sweeper_deletes_unreferenced_content_from_s3(s3_storage: Any) -> None:
    blobs.put_many([CONTENT, b"young"])
    grow_old(SHA256)

    assert blobs.delete_unreferenced(DAY) == 1
    assert [content_of(blob) for blob in Blob.objects.all()] == [b"young"]
    assert s3_storage.list_objects_v2(Bucket="mail")["KeyCount"] == 1


def test_s3_that_is_down_stores_no_row(s3_storage: Any, settings: Any) -> None:
    options = settings.STORAGES["default"]["OPTIONS"] | {"endpoint_url": "http://127.0.0.1:9"}
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    }

    with pytest.raises(Exception, match="Could not connect"):
        blobs.put(CONTENT)

    assert Blob.objects.count() == 0
