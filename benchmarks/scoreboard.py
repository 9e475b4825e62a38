"""How mails of other projects are read, against what those projects' own tests state: `make scoreboard`.

A folder has mails and, in one or more *.jsonl files, a line for each: {"file", "kind", "expect": {field: value}}.
Every mail goes through the code of `manage.py ingest` into an instance of its own in a temporary folder; what is
compared is the line that `ingest --full` would print. Differences are facts to look at, not faults: projects disagree
with each other.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.scoreboard_fields import FIELDS, NOT_COMPARED, implied_by_kind

Json = dict[str, Any]
# The bytes of a mail -> the line of `ingest --full` for it.
IngestMail = Callable[[str, bytes], Json]
DEFAULT_FOLDER = Path(__file__).parents[1] / "tests" / "corpus"
ADDRESS = "support@scoreboard.example"


@dataclass(frozen=True, slots=True)
class Score:
    """One statement about one mail: verdict is "agree", "differ" or "crashed"."""

    file: str
    kind: str
    field: str
    verdict: str
    stated: Any = None
    read: Any = None


def read_manifests(folder: Path) -> list[Json]:
    """The rows of every manifest in the folder; rows about one file are made one."""
    rows: dict[str, Json] = {}
    for manifest in sorted(folder.glob("*.jsonl")):
        for line in manifest.read_text(encoding="utf-8").splitlines():
            if line.strip():
                row = json.loads(line)
                earlier = rows.setdefault(row["file"], {"expect": {}} | row)
                earlier["expect"] = earlier["expect"] | (row.get("expect") or {})
    return list(rows.values())


def score_folder(folder: Path, ingest: IngestMail) -> Iterator[Score]:
    for row in read_manifests(folder):
        line = ingest(row["file"], (folder / row["file"]).read_bytes())
        yield from score_mail(row, line)


def score_mail(row: Json, line: Json) -> Iterator[Score]:
    """Every statement of one row. A mail that could not be read or written makes each of them "crashed"."""
    file, kind = row["file"], row.get("kind", "")
    expect = flat(row["expect"]) | implied_by_kind(kind, row["expect"])
    message = line.get("message")
    if line["outcome"] is None or line["reason"] in ("failed", "parse_failed", "too_complex") or message is None:
        for field in expect or ("must_not_crash",):
            if field not in NOT_COMPARED:
                yield Score(file, kind, field, "crashed", expect.get(field), line["reason"])
        return
    yield Score(file, kind, "read and written", "agree")
    for field, stated in expect.items():
        compare = FIELDS.get(field)
        if compare is not None:
            agrees, read = compare(stated, message, line)
            yield Score(file, kind, field, "agree" if agrees else "differ", stated, read)
        elif field not in NOT_COMPARED:
            yield Score(file, kind, field, "differ", stated, "the scoreboard does not know this field")


def flat(expect: Json) -> Json:
    """The statements with those of `bounce` and `forwarded` beside the others, as "bounce.status"."""
    found: Json = {}
    for field, stated in expect.items():
        if field in ("bounce", "forwarded") and isinstance(stated, dict):
            found |= {f"{field}.{name}": value for name, value in stated.items()}
        else:
            found[field] = stated
    return found


def table(scores: Iterable[Score], *, by_kind: bool = True) -> str:
    """Counts by field and kind of mail, as Markdown; without `by_kind` one row a field."""
    scores = list(scores)
    kinds: dict[str, set[str]] = {}
    for each in scores:
        kinds.setdefault(each.field, set()).add(each.kind)
    counts: Counter[tuple[str, str, str]] = Counter(
        (each.field, each.kind if by_kind else ", ".join(sorted(kinds[each.field])), each.verdict) for each in scores
    )
    rows = sorted({(field, kind) for field, kind, _verdict in counts})
    lines = ["| field | kind of mail | agree | differ | crashed |", "|---|---|---|---|---|"]
    verdicts = ("agree", "differ", "crashed")
    lines += [
        f"| {field} | {kind} | " + " | ".join(str(counts[field, kind, verdict]) for verdict in verdicts) + " |"
        for field, kind in rows
    ]
    totals = [sum(number for (_f, _k, each), number in counts.items() if each == verdict) for verdict in verdicts]
    return "\n".join([*lines, "| **all** | | " + " | ".join(f"**{total}**" for total in totals) + " |"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="scoreboard", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    parser.add_argument("--differences", action="store_true", help="list each statement that is not agreed with")
    parser.add_argument("--by-field", action="store_true", help="one row for all kinds of mail")
    options = parser.parse_args()
    if not any(options.folder.glob("*.jsonl")):
        parser.error(f"{options.folder} has no manifest.jsonl")
    with tempfile.TemporaryDirectory(prefix="e2c-scoreboard-") as scratch:
        ingest = ingest_into_new_instance(Path(scratch))
        started = time.perf_counter()
        scores = list(score_folder(options.folder, ingest))
        seconds = time.perf_counter() - started
    sys.stdout.write(f"{table(scores, by_kind=not options.by_field)}\n")
    sys.stderr.write(f"{len({each.file for each in scores})} mails in {seconds:.1f} s\n")
    if options.differences:
        for each in scores:
            if each.verdict != "agree":
                stated, read = (shortened(value) for value in (each.stated, each.read))
                sys.stdout.write(f"\n{each.file} ({each.kind}) {each.field}: {each.verdict}\n")
                sys.stdout.write(f"  stated  {stated}\n  read    {read}\n")
    return 1 if any(each.verdict == "crashed" for each in scores) else 0


def shortened(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 600 else f"{text[:600]}… ({len(text)} characters)"


def ingest_into_new_instance(folder: Path) -> IngestMail:
    """An instance in that folder, with one routing address; nothing of another instance is read or written."""
    for name in [name for name in os.environ if name.startswith("E2C_") or name in ("DATABASE_URL", "SECRET_KEY")]:
        del os.environ[name]
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "e2c_project.settings",
        "E2C_MODE": "local",
        "E2C_DATA_DIR": str(folder),
        "E2C_DNS": "0",
        "E2C_LOG_LEVEL": "ERROR",
        "CELERY_BROKER_URL": "memory://",
    }
    import django  # the settings read the environment when Django starts

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return ingest_here()


def ingest_here() -> IngestMail:
    """Ingest into the instance of the settings."""
    from cases.inbound.ingesting import Ingest
    from cases.representation import settled_json
    from cases.setup import set_up_instance
    from routing.models import EmailToCaseSettings, RoutingAddress

    set_up_instance()
    EmailToCaseSettings.objects.update(daily_limit=0)
    RoutingAddress.objects.get_or_create(email_address=ADDRESS, defaults={"routing_name": "Scoreboard"})
    run = Ingest(envelope_recipients=[ADDRESS])

    def ingest(file: str, raw: bytes) -> Json:
        return settled_json(run.ingest(raw), file=file, sha256="", full=True)

    return ingest


if __name__ == "__main__":
    sys.exit(main())
