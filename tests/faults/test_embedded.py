"""The embedded default, all in one folder: several writers of one SQLite file, and a disk that is full."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.harness import Provider, faults, numbered
from tests.faults.instance import Instance, Program

MEGABYTE = 1024 * 1024


def test_four_writers_of_one_sqlite_file_show_no_error_to_the_provider(embedded_instance: Instance) -> None:
    embedded_instance.start_web(web_workers=2)
    embedded_instance.start_worker()
    embedded_instance.start_sweeper()
    provider = Provider(embedded_instance)

    provider.burst(numbered(range(1, 201)), clients=4)

    embedded_instance.wait_until_settled()
    assert provider.ledger.statuses == {200}
    assert embedded_instance.count("SELECT count(*) FROM cases_case") == 200
    assert faults(embedded_instance, provider.ledger) == []


def test_full_disk_gives_no_2xx_without_bytes_and_drains_when_there_is_space(embedded_instance: Instance) -> None:
    provider = Provider(embedded_instance)
    calls = numbered(range(1, 31), text=("x" * 70 + "\r\n") * 14_000)  # 1 MB each

    with small_disk(embedded_instance, size=20 * MEGABYTE) as disk:
        disk.watch(embedded_instance.start_web())
        provider.burst(calls, clients=4)
        assert provider.ledger.statuses == {200, 503}
        disk.make_space()
        for call in calls:
            if call.number not in provider.ledger.accepted_numbers:
                provider.post_until_accepted(call)
        embedded_instance.start_sweeper()
        embedded_instance.wait_until_settled()

        assert provider.ledger.accepted_numbers == set(range(1, 31))
        assert faults(embedded_instance, provider.ledger) == []


class SmallDisk:
    """A file system of its own for the data folder."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder, self.size = folder, size

    def watch(self, program: Program) -> None:
        """Nothing to do: the file system is full for everybody."""

    def make_space(self) -> None:
        options = f"remount,size={self.size * 10}"
        subprocess.run(["mount", "-o", options, str(self.folder)], check=True)


class SmallFiles(SmallDisk):
    """Where nobody may mount: a program whose files cannot grow beyond a size, which is full in its own way."""

    def watch(self, program: Program) -> None:
        self.pids = program.tree()
        self._limit(400_000)

    def make_space(self) -> None:
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        for pid in self.pids:
            _soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


@contextmanager
def small_disk(instance: Instance, *, size: int) -> Iterator[SmallDisk]:
    """Move the instance's folder onto a disk of `size` bytes, before anything of it runs."""
    folder = instance.folder
    kept = folder.with_name("kept")
    folder.rename(kept)
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=False, capture_output=True
    )
    subprocess.run(["cp", "-a", f"{kept}/.", str(folder)], check=True)
    try:
        yield SmallDisk(folder, size) if mounted.returncode == 0 else SmallFiles(folder, size)
    finally:
        if mounted.returncode == 0:
            for program in instance.programs:
                program.kill()
            subprocess.run(["umount", str(folder)], check=True)
