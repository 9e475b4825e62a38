"""What reps did with the demonstration: notes, tags, links, and mail in every state on its way out.

Everything goes through the use cases that the pages call, except the ends of mails: no mail service refuses or falls
silent here, so those rows are written as `cases.outbound.delivery` would leave them; and the longest conversation.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from cases.assignment import assign
from cases.case_fields import set_field
from cases.comments import add_note
from cases.demo_data.bulk import write_threads
from cases.demo_data.lived_in_service import ask_and_hear, promise
from cases.demo_data.lived_in_threads import LIVED_IN_THREADS, THREADS_FOR_THE_TABLES
from cases.demo_data.seeding import DemoOrganisation, ingest_threads, set_up_demo_organisation, started_at
from cases.lifecycle import default_status
from cases.linking import link_cases
from cases.merging import merge_case
from cases.models import Case, CaseEvent, CaseField, Draft, EmailMessage, Outbox, RoutingDecision
from cases.outbound.composed import Composed
from cases.outbound.drafts import Typed, open_draft
from cases.outbound.outcomes import note_sent, note_unsent
from cases.outbound.sending import queue_mail
from cases.saved_views import save_view
from cases.snoozing import preset_moment, snooze
from cases.tags import add_tag
from routing.models import RecordType, RoutingAddress
from routing.owners import OwnerChoice

State = Outbox.State
STATUS_OF_END = {
    State.SENT: EmailMessage.Status.SENT,
    State.FAILED: EmailMessage.Status.FAILED,
    State.UNCERTAIN: EmailMessage.Status.UNCERTAIN,
}
NO_SUCH_PERSON = "550 5.1.1 The mailbox does not exist."
SILENT = "The mail service did not answer after it had the whole mail. It may have sent it."


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply that was written `ago` before the demonstration began, and how it ended. `key` names its thread."""

    key: str
    ago: float  # hours
    text: str
    html: str = ""
    end: Outbox.State = State.SENT
    detail: str = "accepted"


ANSWERS = (
    Answer(
        "demo-sign-in",
        3.5,
        "Hello Casey,\n\nthank you for the error message. It is a known fault of the update; "
        "a corrected version comes this afternoon.\n\nDemo Rep",
    ),
    Answer("demo-alert", 3, "We look into it.", end=State.FAILED, detail=NO_SUCH_PERSON),
    Answer(
        "demo-training",
        28,
        "Hello Alex,\n\nyes, on the 12th of January. I have reserved four places until Friday.\n\nDemo Rep",
        html="<p>Hello Alex,</p><p>yes, on the <b>12th of January</b>. I have reserved:</p>"
        "<ul><li>four places</li><li>until Friday</li></ul><p>Demo Rep</p>",
    ),
    Answer("demo-long-name", 6, "Hello,\n\nour caretaker calls you today.", end=State.UNCERTAIN, detail=SILENT),
)
WAITS_FOR_APPROVAL = (
    "demo-refund",
    "Hello Alex,\n\nwe refund the second payment today. It takes three working days to arrive.\n\nDemo Rep",
)
LEAVES_LATER = (
    "demo-japanese-thanks",
    "見本 様\n\nご連絡ありがとうございます。明日、手順書をお送りします。\n\nDemo Rep",
)
TAGS = (
    ("demo-sign-in", ["login", "regression"]),
    ("demo-chart", ["dashboard"]),
    ("demo-import", ["import", "roadmap"]),
    ("demo-printer", ["hardware", "waits for supplier"]),
    ("demo-order-html", ["prices"]),
)


def live_in(*, now: datetime | None = None) -> bool:
    """Once, after `seed`; False when the instance has been lived in before."""
    if EmailMessage.objects.filter(message_identifier__startswith=f"{LIVED_IN_THREADS[0].key}.0@").exists():
        return False
    organisation, began = set_up_demo_organisation(), started_at()
    rep, lead = (User.objects.get(username=name) for name in ("rep", "lead"))
    with transaction.atomic():
        write_threads(list(THREADS_FOR_THE_TABLES), organisation, [default_status()], began)
    ingest_threads(LIVED_IN_THREADS, organisation, now=began, progress=lambda: None)
    _configure()
    promise(began=began)
    for answer in ANSWERS:
        _send(answer, organisation, by=rep, at=began - timedelta(hours=answer.ago))
    _write_what_waits(organisation, rep, now=now or timezone.now())
    _organise(rep, lead, now=now or timezone.now())
    ask_and_hear(organisation.support, by=rep, now=now or timezone.now())
    return True


def _configure() -> None:
    RecordType.objects.filter(name="Billing").update(requires_approval=True)
    CaseField.objects.get_or_create(
        slug="product",
        defaults={"label": "Product", "kind": CaseField.Kind.CHOICE, "choices": "Dashboard\nImport\nPrinting"},
    )
    CaseField.objects.get_or_create(
        slug="order-number",
        defaults={"label": "Order number", "help_text": "As in the mail that confirmed the order.", "position": 1},
    )


def _case(key: str) -> Case:
    return EmailMessage.objects.select_related("case").get(message_identifier__startswith=f"{key}.0@").case


def _send(answer: Answer, organisation: DemoOrganisation, *, by: User, at: datetime) -> None:
    with _dated(at):
        outbox = _queue(answer.key, answer.text, organisation.support, by=by, now=at, html=answer.html)
        _end(outbox, answer, at=at)
    Case.objects.filter(outbox=outbox).update(last_activity_at=at)


def _queue(
    key: str,
    text: str,
    address: RoutingAddress,
    *,
    by: User,
    now: datetime,
    html: str = "",
    send_at: datetime | None = None,
) -> Outbox:
    case = _case(key)
    mail = Composed(send_from=address, to=[case.supplied_email], text=text, html=html, send_at=send_at)
    message = queue_mail(mode=Draft.Mode.REPLY, case=case, author=by, composed=mail, now=now)
    return Outbox.objects.select_related("email_message").get(email_message=message)


@transaction.atomic
def _end(outbox: Outbox, answer: Answer, *, at: datetime) -> None:
    outbox.state, outbox.detail = answer.end, answer.detail
    outbox.sent_at = at if answer.end == State.SENT else None
    outbox.save(update_fields=["state", "detail", "sent_at"])
    EmailMessage.objects.filter(outbox=outbox).update(status=STATUS_OF_END[answer.end])
    if answer.end == State.SENT:
        note_sent(outbox, refused={})
    else:
        note_unsent(outbox)


@contextmanager
def _dated(moment: datetime) -> Iterator[None]:
    """Lines of history that are written inside tell the past."""
    before = CaseEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    yield
    CaseEvent.objects.filter(pk__gt=before).update(at=moment)


def _write_what_waits(organisation: DemoOrganisation, rep: User, *, now: datetime) -> None:
    key, text = WAITS_FOR_APPROVAL
    _queue(key, text, organisation.billing, by=rep, now=now)
    key, text = LEAVES_LATER
    tomorrow = preset_moment("tomorrow", now=now, zone=UTC)
    _queue(key, text, organisation.support, by=rep, now=now, send_at=tomorrow)
    case = _case("demo-quote")
    typed = Typed(to=case.supplied_email, text="Hello Alex,\n\nthe price for 25 seats and one year is ")
    open_draft(author=rep, case=case, mode=Draft.Mode.REPLY, answers=case.source, typed=typed)


def _organise(rep: User, lead: User, *, now: datetime) -> None:
    for key, names in TAGS:
        for name in names:
            add_tag(case=_case(key), name=name, by=rep)
    add_note(
        case=_case("demo-order-html"),
        author=lead,
        body="@rep the new prices count since the first. Please ask Kim before we change the order.",
    )
    add_note(
        case=_case("demo-sign-in"), author=rep, body="Reproduced with the version of yesterday. @lead: who fixes it?"
    )
    link_cases(case=_case("demo-sign-in"), other=_case("demo-no-subject"), by=rep)
    set_field(case=_case("demo-import"), slug="product", text="Import", by=rep)
    set_field(case=_case("demo-order-html"), slug="order-number", text="7731", by=rep)
    snooze(case=_case("demo-address-change"), until=preset_moment("monday", now=now, zone=UTC), by=rep, now=now)
    merge_case(case=_case("demo-export-again"), into=_case("demo-export"), by=rep, now=now)
    for key in ("demo-printer", "demo-training"):
        _take(_case(key), rep)
    save_view(owner=rep, name="Urgent and ours", query="view=open&priority=High&awaiting=us", is_shared=True)


def _take(case: Case, rep: User) -> None:
    assign(
        case=case,
        owner=OwnerChoice(rep, None, "took the case"),
        kind=RoutingDecision.Kind.MANUAL,
        expected_version=case.routing_version,
        decided_by=rep,
    )
