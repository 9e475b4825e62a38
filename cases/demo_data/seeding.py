"""Write the demonstration's organisation, and send its mails through the pipeline that every other mail takes."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Permission, User
from django.db import transaction

from cases.assignment import assign
from cases.demo import DEMO_PASSWORDS
from cases.demo_data.mails import BILLING, SALES, SUPPORT, Thread, compose
from cases.demo_data.templates import write_demo_templates
from cases.demo_data.threads import CONTACTS, FIRST_THREADS, WITHOUT_CASE
from cases.demo_data.variations import further_threads
from cases.inbound.ingesting import ingest_mail
from cases.inbound.settled import Settled
from cases.lifecycle import set_status
from cases.models import Case, CaseEvent, CaseStatus, Contact, EmailMessage, InboundEmail, RoutingDecision
from cases.setup import set_up_instance
from routing import audit, permission_sets, queues
from routing.choices import Priority
from routing.models import AuditEvent, PermissionSet, Queue, RecordType, RepPresence, RoutingAddress
from routing.owners import OwnerChoice
from routing.registration import save_routing_address
from routing.verification import mark_verified

SETTLING_TIME = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class DemoOrganisation:
    support: RoutingAddress
    billing: RoutingAddress
    sales: RoutingAddress

    def address(self, email_address: str) -> RoutingAddress | None:
        for address in (self.support, self.billing, self.sales):
            if address.email_address == email_address:
                return address
        return None


@transaction.atomic
def set_up_demo_organisation() -> DemoOrganisation:
    """Users, queues, addresses and contacts of the demonstration where they are missing; what is there stays."""
    set_up_instance()
    _user("admin", "Demo", "Admin", is_superuser=True)
    rep = _user("rep", "Demo", "Rep")
    rep.user_permissions.add(*Permission.objects.filter(content_type__app_label="cases", codename="reply_case"))
    lead = _user("lead", "Demo", "Lead")
    lead.user_permissions.add(
        *Permission.objects.filter(
            content_type__app_label="cases", codename__in=["reply_case", "approve_reply", "view_all_cases"]
        )
    )
    for user, capacity in ((rep, 20), (lead, 5)):
        RepPresence.objects.get_or_create(
            user=user, defaults={"status": RepPresence.Status.AVAILABLE, "capacity": capacity}
        )
    support_queue, billing_queue = _queue("Support", rep), _queue("Billing", rep)
    record_types = {name: RecordType.objects.get_or_create(name=name)[0] for name in ("Support", "Billing", "Sales")}
    organisation = DemoOrganisation(
        support=_address(
            RoutingAddress(
                routing_name="Support",
                email_address=SUPPORT,
                display_name="Demo Support",
                owner_queue=support_queue,
                case_record_type=record_types["Support"],
                save_email_headers=True,
                signature="Demo Support\nhttps://demo.example/help",
                priority_order=10,
            ),
            is_verified=True,
        ),
        billing=_address(
            RoutingAddress(
                routing_name="Billing",
                email_address=BILLING,
                display_name="Demo Billing",
                owner_queue=billing_queue,
                case_record_type=record_types["Billing"],
                case_priority=Priority.HIGH,
                controlled_by_permission_set=True,
                create_task=True,
                block_email_from="prizes.example",
                priority_order=20,
            ),
            is_verified=True,
        ),
        sales=_address(
            RoutingAddress(
                routing_name="Sales",
                email_address=SALES,
                display_name="Demo Sales",
                owner_user=rep,
                case_record_type=record_types["Sales"],
                case_priority=Priority.LOW,
                priority_order=30,
            ),
            is_verified=False,
        ),
    )
    _permission_set("Billing senders", rep, organisation.billing)
    write_demo_templates(billing=organisation.billing)
    if not Contact.objects.exists():
        Contact.objects.bulk_create(
            Contact(name=person.name, email=person.address, company=person.company) for person in CONTACTS
        )
    return organisation


def _user(username: str, first_name: str, last_name: str, *, is_superuser: bool = False) -> User:
    user = User.objects.filter(username=username).first()
    if user is not None:
        return user
    user = User(
        username=username,
        first_name=first_name,
        last_name=last_name,
        email=f"{username}@demo.example",
        is_staff=True,
        is_superuser=is_superuser,
    )
    # A password that everybody can read exists in demo mode alone.
    user.set_password(DEMO_PASSWORDS[username] if settings.E2C_MODE == "demo" else None)
    user.save()
    return user


def _queue(name: str, member: User) -> Queue:
    queue, is_new = Queue.objects.get_or_create(name=name)
    if is_new:
        queues.add_member(queue, member, by=None)
    return queue


def _address(address: RoutingAddress, *, is_verified: bool) -> RoutingAddress:
    existing = RoutingAddress.objects.not_deleted().filter(email_address=address.email_address).first()
    if existing is not None:
        return existing
    address.full_clean()
    save_routing_address(address, by=None)
    if is_verified:
        mark_verified(address, by=None, because="demonstration data")
    return address


def _permission_set(label: str, member: User, address: RoutingAddress) -> None:
    if not PermissionSet.objects.filter(label=label).exists():
        permission_set = permission_sets.create_permission_set(
            label, by=None, description="Reps who may send from the billing address."
        )
        permission_sets.add_member(permission_set, member, by=None)
        permission_sets.grant(permission_set, address, by=None)


# --- mails -----------------------------------------------------------------------------------------------------------


def threads_for(first: int, last: int) -> list[Thread]:
    """The threads that open cases number `first` (from 0) up to, not including, `last`, and those that open none."""
    curated = list(FIRST_THREADS[first:last])
    further = further_threads(max(first, len(FIRST_THREADS)), last)
    extra = WITHOUT_CASE if first == 0 and last >= len(FIRST_THREADS) else ()
    return [*curated, *further, *extra]


def ingest_threads(
    threads: Iterable[Thread], organisation: DemoOrganisation, *, now: datetime, progress: Callable[[], None]
) -> None:
    """Store and settle every mail, in the order they would have come. `progress` is called after each."""
    for sent_at, _order, thread, index in _by_time(threads, now):
        address = organisation.address(thread.address)
        # The company's mail system forwards mail for a verified address; the other one is written to directly.
        recipient = address.services_address if address is not None and address.is_verified else thread.address
        settled = ingest_mail(compose(thread, index, sent_at=sent_at), envelope_recipients=[recipient])
        backdate(settled, sent_at)
        progress()


def _by_time(threads: Iterable[Thread], now: datetime) -> Iterator[tuple[datetime, int, Thread, int]]:
    """(when, order of the thread, thread, which of its mails), oldest first."""
    return heapq.merge(*(_times(order, thread, now) for order, thread in enumerate(threads)))


def _times(order: int, thread: Thread, now: datetime) -> list[tuple[datetime, int, Thread, int]]:
    moment = now - thread.mails[0].after
    entries = []
    for index, mail in enumerate(thread.mails):
        moment += mail.after if index else timedelta()
        entries.append((moment, order, thread, index))
    return entries


@transaction.atomic
def backdate(settled: Settled, moment: datetime) -> None:
    """Let the rows of a mail that was just settled tell the time it was sent at: a demonstration has a past."""
    inbound = settled.inbound
    InboundEmail.objects.filter(pk=inbound.pk).update(received_at=moment, settled_at=moment + SETTLING_TIME)
    message, case = settled.message, settled.case
    if message is None or case is None:
        return
    EmailMessage.objects.filter(pk=message.pk).update(received_at=moment)
    CaseEvent.objects.filter(email_message=message).update(at=moment + SETTLING_TIME)
    if case.source_id == message.pk:
        RoutingDecision.objects.filter(case=case).update(at=moment + SETTLING_TIME)
        Case.objects.filter(pk=case.pk).update(created_at=moment)
    Case.objects.filter(pk=case.pk).update(last_activity_at=moment, last_inbound_at=moment)


# What the rep did since: (thread, its new status or None to take the case).
WORK_DONE = (
    ("demo-sign-in", None),
    ("demo-chart", "Working"),
    ("demo-arabic", "Escalated"),
    ("demo-japanese", "Closed"),
    ("demo-newsletter", "Closed"),
)


def do_some_work(rep: User, *, now: datetime) -> None:
    """Move some of the first cases on as a rep would, so that lists show more than new cases."""
    statuses = {status.label: status for status in CaseStatus.objects.all()}
    for key, label in WORK_DONE:
        message = EmailMessage.objects.filter(message_identifier__startswith=f"{key}.0@").first()
        if message is None:
            continue
        case = message.case
        if label in statuses:
            set_status(case=case, status=statuses[label], by=rep, now=now)
        elif case.owner_user is None:
            owner = OwnerChoice(rep, None, "took the case")
            kind = RoutingDecision.Kind.MANUAL
            assign(case=case, owner=owner, kind=kind, expected_version=case.routing_version, decided_by=rep)


# --- what was seeded, in the audit log -------------------------------------------------------------------------------

STARTED, ADDED = "demo-data-started", "demo-data-added"


def started_at() -> datetime:
    """The moment all demonstration mail is dated from: a mail that is sent in again is the same mail, a duplicate."""
    event = AuditEvent.objects.filter(action=STARTED).order_by("id").first()
    return (event or audit.record(STARTED, "demonstration data", by=None)).at


def seeded_cases() -> int:
    """How many demonstration cases were added so far, whatever became of them."""
    event = AuditEvent.objects.filter(action=ADDED).order_by("-id").first()
    return int(event.detail["cases"]) if event else 0


def note_seeded(count: int) -> None:
    audit.record(ADDED, "demonstration data", by=None, cases=count)


def seed(count: int, *, progress: Callable[[], None] = lambda: None) -> int:
    """Send mails in until `count` demonstration cases were added. Returns how many were missing; 0 adds none."""
    organisation = set_up_demo_organisation()
    first, now = seeded_cases(), started_at()
    if first >= count:
        return 0
    ingest_threads(threads_for(first, count), organisation, now=now, progress=progress)
    if first < len(FIRST_THREADS) <= count:
        do_some_work(User.objects.get(username="rep"), now=now)
    note_seeded(count)
    return count - first
