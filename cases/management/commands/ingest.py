"""Read mail from files, folders, mbox, Maildir or stdin (docs/commands.md)."""

from __future__ import annotations

import hashlib
import mailbox
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import CommandError

from cases.inbound.ingesting import Ingest
from cases.management.base import EXIT_TEMPORARY, ContractCommand, UsageError
from cases.representation import settled_json

STDIN = "-"
MAILDIR_FOLDERS = ("cur", "new", "tmp")
# A mail in name, then a function that gives its bytes: thousands of files are named before one of them is read.
NamedMail = tuple[str, Callable[[], bytes]]


class Command(ContractCommand):
    help = "Store mails as a provider's webhook would and settle them here and now, in order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "paths", nargs="+", metavar="PATH", help="file, folder, mbox, Maildir, or - for one mail on stdin"
        )
        parser.add_argument(
            "--to", action="append", default=[], metavar="ADDRESS", help="envelope recipient; may be repeated"
        )
        parser.add_argument("--envelope-from", default="", metavar="A", help="envelope sender")
        parser.add_argument("--dry-run", action="store_true", help="say what would happen, write nothing")
        parser.add_argument("--full", action="store_true", help="add the mail as read to each line (jsonl)")
        parser.add_argument("--format", choices=["text", "jsonl"], default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        for path in options["paths"]:
            if path != STDIN and not Path(path).exists():
                raise UsageError(f"{path}: no such file or folder.")
        run = Ingest(
            envelope_recipients=options["to"], envelope_sender=options["envelope_from"], dry_run=options["dry_run"]
        )
        not_stored = 0
        for file, read in named_mails(options["paths"]):
            line = self.ingest_one(run, file, read, full=options["full"])
            not_stored += line["outcome"] is None
            self.report(line, options["format"])
        if not_stored:
            raise CommandError(f"{not_stored} mail(s) could not be stored; try again.", returncode=EXIT_TEMPORARY)

    def ingest_one(self, run: Ingest, file: str, read: Callable[[], bytes], *, full: bool) -> dict[str, Any]:
        """One line. A mail that cannot be read from its file or stored has outcome null; the run goes on."""
        sha256 = None
        try:
            raw = read()
            sha256 = hashlib.sha256(raw).hexdigest()
            if len(raw) > settings.E2C_MAX_BODY:
                return not_stored_json(file, sha256, f"larger than E2C_MAX_BODY_MB ({settings.E2C_MAX_BODY_MB} MB)")
            return settled_json(run.ingest(raw), file=file, sha256=sha256, full=full)
        except Exception as fault:  # noqa: BLE001 - whatever hinders storing: the mail server keeps the mail
            return not_stored_json(file, sha256, f"{type(fault).__name__}: {fault}")

    def report(self, line: dict[str, Any], form: str) -> None:
        if form == "jsonl":
            self.write_json(line)
            return
        what = line["outcome"] or "not stored"
        case = f" {line['case']}" if line["case"] else ""
        because = f" ({line['because']})" if line["because"] else ""
        self.stdout.write(f"{line['file']}: {what}{case}{because}")


def not_stored_json(file: str, sha256: str | None, because: str) -> dict[str, Any]:
    absent = "inbound_id outcome case message_id routing_address thread_basis is_automatic automatic_kind is_bounce"
    return {
        "file": file,
        "sha256": sha256,
        "reason": "not_stored",
        "because": because,
        "also_received_by": [],
        "trail": [],
    } | dict.fromkeys([*absent.split(), "auto_response_allowed"])


def named_mails(paths: list[str]) -> Iterator[NamedMail]:
    for path in paths:
        if path == STDIN:
            yield STDIN, sys.stdin.buffer.read
        elif Path(path).is_dir():
            for file in files_below(Path(path)):
                yield from mails_of_file(file)
        else:
            yield from mails_of_file(Path(path))


def files_below(folder: Path) -> Iterator[Path]:
    """Every file in name order; of a Maildir not what is being delivered (tmp)."""
    is_maildir = all((folder / name).is_dir() for name in MAILDIR_FOLDERS)
    for entry in sorted(folder.iterdir()):
        if entry.is_dir():
            if not (is_maildir and entry.name == "tmp"):
                yield from files_below(entry)
        elif entry.is_file() and not entry.name.startswith("."):
            yield entry


def mails_of_file(path: Path) -> Iterator[NamedMail]:
    """The mails of one file: an mbox begins with "From " (RFC 4155), anything else is one mail."""
    try:
        with path.open("rb") as file:
            is_mbox = file.read(5) == b"From "
    except OSError:  # reading it fails again, and is told of this one file
        is_mbox = False
    if not is_mbox:
        yield str(path), path.read_bytes
        return
    box = mailbox.mbox(path, create=False)
    keys = list(box.iterkeys())
    for number, key in enumerate(keys, start=1):
        yield f"{path}#{number}", lambda key=key: box.get_bytes(key)  # type: ignore[misc]
    box.close()
