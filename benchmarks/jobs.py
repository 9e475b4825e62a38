"""What a benchmark does in a process of its instance: `python -m benchmarks.jobs JOB ...` answers with JSON."""

from __future__ import annotations

import json
import resource
import secrets
import statistics
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import django

django.setup()

from celery import current_app  # noqa: E402
from django.conf import settings  # noqa: E402
from django.contrib.auth.models import User  # noqa: E402
from django.db import connection  # noqa: E402
from django.test import Client  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks import mails  # noqa: E402
from benchmarks.copies import multiply  # noqa: E402, F401
from benchmarks.search_jobs import fill_search, search_times  # noqa: E402, F401
from cases.inbound import accept  # noqa: E402
from cases.inbound.circumstances import load_circumstances  # noqa: E402
from cases.inbound.settle import settle_batch, settle_one  # noqa: E402
from cases.models import Case, EmailMessage, InboundEmail, RawBody  # noqa: E402
from cases.thread_keys import signing_keys  # noqa: E402
from cases.thread_token import new_message_id  # noqa: E402

KINDS: dict[str, Callable[[int], bytes]] = {
    "text": mails.text_mail,
    "html": mails.html_mail,
    "mix": mails.mix,
    "file5": lambda number: mails.mail_with_file(number, 3_700_000),  # 5 MB as base64
    "file30": lambda number: mails.mail_with_file(number, 22_000_000),  # 30 MB
}


def store(kind: str, count: str, first: str = "1") -> dict[str, Any]:
    """Store mails as if Mailgun had posted them; they wait."""
    for number in range(int(first), int(first) + int(count)):
        store_call(mails.mailgun(KINDS[kind](number), number))
    return {}


def store_call(call: Any) -> InboundEmail:
    facts = accept.RequestFacts(
        method="POST",
        path=call.path,
        query="",
        headers={"Content-Type": call.content_type},
        remote_address="127.0.0.1",
    )
    return accept.store_inbound_request(provider="mailgun", facts=facts, body=call.body)


def drain() -> dict[str, Any]:
    """Settle all that waits in one plain loop: what the sweeper does."""
    started, cpu, mails_settled = time.perf_counter(), time.process_time(), 0
    while claimed := settle_batch():
        mails_settled += claimed
    seconds = time.perf_counter() - started
    return {
        "mails": mails_settled,
        "seconds": seconds,
        "per_second": mails_settled / seconds,
        "cpu_ms": 1000 * (time.process_time() - cpu) / mails_settled,
    }


def ring(task: str, times: str) -> dict[str, Any]:
    for _ in range(int(times)):
        current_app.send_task(task, ignore_result=True)
    return {}


def workers() -> int:
    """How many Celery workers answer."""
    return len(current_app.control.ping(timeout=2))


def settling_rate(count: str) -> float:
    """Mails a second of the newest `count`, from the first that was settled to the last."""
    times = sorted(InboundEmail.objects.order_by("-pk").values_list("settled_at", flat=True)[: int(count)])
    if {state for (state,) in InboundEmail.objects.values_list("state")[: int(count)]} != {"case"}:
        raise RuntimeError("not every mail became a case")
    return (len(times) - 1) / (times[-1] - times[0]).total_seconds()


def lags(count: str) -> list[float]:
    """Seconds from the commit of each of the newest mails to its outcome."""
    times = InboundEmail.objects.order_by("-pk").values_list("received_at", "settled_at")[: int(count)]
    return [(settled - received).total_seconds() for received, settled in times]


def statements() -> dict[str, int]:
    """SQL statements of one mail of each kind, as the worker runs them in a batch; transaction control included."""
    counted = {}
    first = store_call(mails.mailgun(mails.text_mail(1), 1))
    settle_batch()
    case = EmailMessage.objects.get(inbound_email=first).case
    answered = f"\r\nIn-Reply-To: <{new_message_id(case.pk, 'company.example', signing_keys())}>"
    reply = mails.raw_mail(900, text="Still waiting.").replace(b"customer900@", b"customer1@")
    reply = reply.replace(b"\r\nMIME-Version", f"{answered}\r\nMIME-Version".encode())
    raws = {
        "new text mail": mails.text_mail(901),
        "new HTML mail": mails.html_mail(902),
        "new mail with a file": mails.mail_with_file(903, 100_000),
        "reply": reply,
        "duplicate": mails.raw_mail(1, text="again"),
    }
    for name, raw in raws.items():
        row = store_call(mails.mailgun(raw, 1))
        InboundEmail.objects.filter(pk=row.pk).update(
            state="processing", claim_token="t" * 32, lease_until=timezone.now() + timedelta(minutes=1)
        )
        inbound = InboundEmail.objects.select_related("raw__blob").get(pk=row.pk)
        circumstances = load_circumstances()
        with CaptureQueriesContext(connection) as captured:
            settled = settle_one(inbound, circumstances)
        counted[f"{name} ({settled.state})"] = len(captured)
    return counted


def sizes(*kilobytes: str) -> dict[str, Any]:
    """Milliseconds to store a body of each size as a row, as a file, and with Django's own BinaryField; medians."""
    found = {}
    for text in kilobytes:
        size = int(text) * 1024
        runs = 40 if size <= 1024 * 1024 else 7
        body = secrets.token_bytes(size)
        times: dict[str, list[float]] = {"row": [], "file": []}
        for run in range(runs):
            for where, limit in (("row", 1 << 40), ("file", -1)):
                accept.RAW_BODY_IN_ROW = limit
                content = run.to_bytes(4, "big") + where.encode() + body  # never stored before
                started = time.perf_counter()
                accept.store_inbound_request(provider="ingest", facts=FACTS, body=content)
                times[where].append(time.perf_counter() - started)
        found[text] = {where: 1000 * statistics.median(measured) for where, measured in times.items()}
    return found


FACTS = accept.RequestFacts(method="POST", path="/", query="")


def read_back(*kilobytes: str) -> dict[str, Any]:
    """Milliseconds for a worker to fetch a body that stands in its row or in a file; medians."""
    found = {}
    for text in kilobytes:
        times: dict[str, float] = {}
        for where, limit in (("row", 1 << 40), ("file", -1)):
            accept.RAW_BODY_IN_ROW = limit
            rows = [
                accept.store_inbound_request(
                    provider="ingest", facts=FACTS, body=secrets.token_bytes(int(text) * 1024)
                )
                for _ in range(20)
            ]
            measured = []
            for row in rows:
                started = time.perf_counter()
                accept.raw_bytes(RawBody.objects.select_related("blob").get(pk=row.raw_id))
                measured.append(time.perf_counter() - started)
            times[where] = 1000 * statistics.median(measured)
        found[text] = times
    return found


def settle_times(count: str, first: str) -> dict[str, float]:
    """Milliseconds of a new mail and of a customer's reply to an open case, each with its transaction; medians."""
    first_number, runs = int(first), int(count)
    support = Case.objects.exclude(routing_address=None).order_by("pk")[0].routing_address
    assert support is not None
    answerable = Case.objects.filter(status__is_closed=False, merged_into=None).select_related("source")
    known = [case.source for case in answerable.order_by("?")[:runs] if case.source]
    new = [
        mails.text_mail(first_number + n).replace(b"support@company.example", support.email_address.encode())
        for n in range(runs)
    ]
    replies = [
        mails.raw_mail(first_number + runs + n, text="Still waiting.")
        .replace(f"customer{first_number + runs + n}@example.net".encode(), message.from_address.encode())
        .replace(b"\r\nMIME-Version", f"\r\nIn-Reply-To: <{message.message_identifier}>\r\nMIME-Version".encode())
        for n, message in enumerate(known)
    ]
    return {"new": timed_settle(new, "case"), "reply": timed_settle(replies, "appended")}


def timed_settle(raws: list[bytes], expected: str) -> float:
    until = timezone.now() + timedelta(minutes=5)
    times, states = [], []
    circumstances = load_circumstances()
    for raw in raws:
        row = accept.store_raw_mail(
            provider="ingest", raw=raw, envelope_sender="", envelope_recipients=[], lease=("t" * 32, until)
        )
        inbound = InboundEmail.objects.select_related("raw__blob").get(pk=row.pk)
        started = time.perf_counter()
        states.append(settle_one(inbound, circumstances).state)
        times.append(time.perf_counter() - started)
    if states.count(expected) < 0.9 * len(states):
        raise RuntimeError(f"expected {expected}, got {set(states)}")
    return 1000 * statistics.median(times)


LISTS = {
    "list": "",
    "list of all open, by priority": "?view=open&sort=priority",
    "list of all open, due next": "?view=open&sort=due",
    "list of a customer's domain": "?view=all&domain=example.net",
    "list of a domain that nobody has": "?view=all&domain=nobody.example",
    "search for a frequent word": "?q=hello",
    "search for a rare word": "?q=zanzibar",
}


def pages(runs: str) -> dict[str, Any]:
    """Milliseconds and SQL statements of lists of cases and of a case, as a superuser sees them; medians."""
    settings.ALLOWED_HOSTS = ["*"]
    user, _is_new = User.objects.get_or_create(username="measure", defaults={"is_superuser": True, "is_staff": True})
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    cases = Case.objects.order_by("?")[: int(runs)]
    urls = {name: [f"/cases/{asked}"] * int(runs) for name, asked in LISTS.items()}
    urls["case"] = [f"/cases/{case.number}/" for case in cases]
    found: dict[str, Any] = {}
    for name, paths in urls.items():
        client.get(paths[0])
        times = []
        for path in paths:
            started = time.perf_counter()
            answer = client.get(path)
            times.append(time.perf_counter() - started)
            if answer.status_code != 200:
                raise RuntimeError(f"{path}: {answer.status_code}")
        with CaptureQueriesContext(connection) as captured:
            client.get(paths[0])
        found[name] = {"ms": 1000 * statistics.median(times), "statements": len(captured)}
    return found


def analyze() -> dict[str, Any]:
    """Fresh statistics for the planner, as autovacuum would make them."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return {"cases": Case.objects.count(), "messages": EmailMessage.objects.count()}


def peak_memory(kind: str) -> dict[str, float]:
    """Megabytes that settling one mail adds to the peak of a process that has settled a small one."""
    store("text", "1", "1")
    settle_batch()
    store(kind, "1", "2")
    size = RawBody.objects.latest("pk").size
    before = peak()
    settle_batch()
    return {"mail": size / 1e6, "before": before, "after": peak()}


def peak() -> float:
    """Peak resident megabytes since the last call, of this process and of the largest one it started."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1000
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    return max(own, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000)


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
