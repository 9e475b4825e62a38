"""An instance in which every table holds words that only some may read: canaries, each kind with a word of its own."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from axes.models import AccessAttempt
from django.apps import apps
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone

from cases.blobs import put_many
from cases.models import (
    Attachment,
    Case,
    CaseComment,
    CaseEvent,
    CaseField,
    Delivery,
    Draft,
    DraftFile,
    EmailAddress,
    EmailMessage,
    HookRun,
    InboundEmail,
    LoopTest,
    Notification,
    Outbox,
    PendingRouting,
    RefusedCall,
    RoutingDecision,
    SavedView,
    SendDecision,
    Tag,
    TrackingRequest,
)
from routing import permission_sets
from routing.audit import record
from routing.models import (
    AssignmentRule,
    BusinessHours,
    EmailTemplate,
    FlowStep,
    Queue,
    QuickText,
    RepPresence,
    RoutingAddress,
    RoutingFlow,
    ServiceLevel,
    Skill,
)
from tests.factories import (
    CaseFactory,
    CaseTaskFactory,
    ConnectionFactory,
    ContactFactory,
    EmailMessageFactory,
    InboundEmailFactory,
    ParticipantFactory,
    QueueFactory,
    RawBodyFactory,
    RoutingAddressFactory,
    UserFactory,
)

ON_CASE = "quartzcase"  # on a case, a mail or a file of it
OF_CUSTOMER = "quartzcustomer"  # who a customer is
IN_POST = "quartzpost"  # on stored requests and outgoing mail
IN_SETUP = "quartzsetup"  # names of addresses, queues, permission sets; the audit log
OF_COLLEAGUE = "quartzcolleague"  # other users
CANARIES = (ON_CASE, OF_CUSTOMER, IN_POST, IN_SETUP, OF_COLLEAGUE)
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


@dataclass(frozen=True)
class World:
    """`values`: for each name in a route the value that leads to what is hidden."""

    values: dict[str, Any]
    keys: dict[str, int]  # of one hidden row by model label
    users: dict[str, User]
    queue: Queue


def grant(user: User, *names: str) -> User:
    for name in names:
        app_label, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    return user


def hidden_case(address: RoutingAddress, owner: User) -> EmailMessage:
    """A case of somebody else with one mail, a canary wherever there is room for a word."""
    case = CaseFactory(
        owner_queue=None,
        owner_user=owner,
        routing_address=address,
        subject=f"{ON_CASE} subject",
        description=f"{ON_CASE} description",
        supplied_name=f"{OF_CUSTOMER} name",
        supplied_email=f"{OF_CUSTOMER}@example.net",
        contact=ContactFactory(name=f"{OF_CUSTOMER} contact", email=f"{OF_CUSTOMER}@example.net", company=OF_CUSTOMER),
    )
    inbound = InboundEmailFactory(
        state="case",
        subject=f"{IN_POST} subject",
        from_address=f"{IN_POST}@example.net",
        headers={"X-Canary": IN_POST},
        raw=RawBodyFactory(content=f"Subject: {ON_CASE}\r\n\r\n{ON_CASE} raw\r\n".encode()),
        trail=[{"step": "route", "verdict": "matched", "because": f"{ON_CASE} trail"}],
        settled_at=timezone.now(),
    )
    message = EmailMessageFactory(
        case=case,
        inbound_email=inbound,
        subject=f"{ON_CASE} mail",
        from_address=f"{OF_CUSTOMER}@example.net",
        from_name=OF_CUSTOMER,
        text_body=f"{ON_CASE} text",
        html_body=f"<p>{ON_CASE} html</p><img src=cid:a1>",
        snippet=f"{ON_CASE} snippet",
        headers=[["Subject", f"{ON_CASE} header"]],
    )
    EmailAddress.objects.create(email_message=message, role="cc", address=f"{OF_CUSTOMER}.cc@example.net")
    Delivery.objects.create(email_message=message, recipient=f"{OF_CUSTOMER}@example.net", at=timezone.now())
    ParticipantFactory(case=case, address=f"{OF_CUSTOMER}@example.net")
    CaseTaskFactory(case=case, subject=f"{ON_CASE} task", email_message=message)
    CaseEvent.objects.create(case=case, kind="case_opened", because=f"{ON_CASE} event", email_message=message)
    CaseComment.objects.create(case=case, author=owner, body=f"{ON_CASE} note")
    case.tags.add(Tag.objects.get_or_create(name="a word for all")[0])  # tags are the company's, not a case's
    RoutingDecision.objects.filter(case=case).update(because=f"{ON_CASE} decision")
    (blob,) = put_many([PNG]).values()
    Attachment.objects.create(
        email_message=message,
        blob=blob,
        position=0,
        file_name=f"{ON_CASE}.png",
        declared_type="image/png",
        content_type="image/png",
        inline=True,
        content_id="a1",
    )
    Outbox.objects.create(
        key=hashlib.sha256(str(case.pk).encode()).hexdigest(),
        kind="notice",
        case=case,
        recipient=f"{IN_POST}@example.net",
        subject=f"{IN_POST} notice",
        text_body=f"{IN_POST} text",
        state="uncertain",
    )
    return message


def quarantined_mail() -> InboundEmail:
    return InboundEmailFactory(
        state="quarantined",
        reason="no_routing_address",
        because=f"{IN_POST} because",
        subject=f"{IN_POST} lost",
        from_address=f"{IN_POST}.lost@example.net",
        last_error=f"{IN_POST} error",
        raw=RawBodyFactory(content=f"Subject: {IN_POST}\r\n\r\n{IN_POST} raw\r\n".encode()),
        settled_at=timezone.now(),
    )


def build_world() -> World:
    owner = UserFactory(username=OF_COLLEAGUE, email=f"{OF_COLLEAGUE}@company.example")
    hidden_queue = QueueFactory(name=f"{IN_SETUP} queue")
    address = RoutingAddressFactory(
        routing_name=f"{IN_SETUP} address", email_address=f"{IN_SETUP}@company.example", owner_queue=hidden_queue
    )
    connection = ConnectionFactory(name=f"{IN_SETUP} connection", account=address.email_address)
    permission_set = permission_sets.create_permission_set(f"{IN_SETUP} set", by=None)
    message = hidden_case(address, owner)
    quarantined = quarantined_mail()
    tracking = TrackingRequest.objects.create(
        received_at=timezone.now(), provider="postmark", raw=RawBodyFactory(), last_error=f"{IN_POST} tracking"
    )
    refused = RefusedCall.objects.create(
        hour=timezone.now(), provider="postmark", reason="password_wrong", last_at=timezone.now(), count=3
    )
    decision = SendDecision.objects.create(address=address, stage="form", allowed=False, because=f"{IN_SETUP} refusal")
    event = record("test", f"{IN_SETUP} audit", by=None)
    group = Group.objects.create(name=f"{IN_SETUP} role")
    attempt = AccessAttempt.objects.create(
        username=OF_COLLEAGUE, ip_address="127.0.0.9", path_info="/login/", failures_since_start=3
    )
    queue = QueueFactory(name="Repairs")
    CaseFactory(owner_queue=queue, subject="A lamp of the rep's own queue")
    rep = grant(UserFactory(username="rep"), "cases.reply_case")
    queue.members.add(rep)
    case: Case = message.case
    attachment = message.attachments.get()
    template = EmailTemplate.objects.create(name="Greeting", text_body="Hello")
    quick_text = QuickText.objects.create(shortcut="hello", name="Hello", body="Hello")
    flow = RoutingFlow.objects.create(name="Flow")
    step = FlowStep.objects.create(flow=flow, label=f"{IN_SETUP} step", queue=hidden_queue)
    hook_run = HookRun.objects.create(
        event=case.events.get(), hook="site.hooks.hear", state="failed", last_error=f"{IN_POST} hook failed"
    )
    loop_test = LoopTest.objects.create(
        routing_address=address,
        sent_to=address.email_address,
        nonce="quartz-nonce-of-a-test",
        outbox=Outbox.objects.create(key="test:quartz", kind="test", recipient=address.email_address, state="sent"),
        asked_at=timezone.now(),
        inbound_email=quarantined,
    )
    keys = {
        "auth.group": group.pk,
        "auth.user": owner.pk,
        "axes.accessattempt": attempt.pk,
        "cases.attachment": attachment.pk,
        "cases.case": case.pk,
        "cases.casecomment": case.comments.get().pk,
        "cases.casefield": CaseField.objects.create(slug="serial", label="Serial").pk,
        "cases.tag": Tag.objects.create(name="plain").pk,
        "cases.caseevent": case.events.get().pk,
        "cases.casestatus": case.status_id,
        "cases.casetask": case.tasks.get().pk,
        "cases.contact": case.contact_id,
        "cases.emailmessage": message.pk,
        "cases.hookrun": hook_run.pk,
        "cases.inboundemail": quarantined.pk,
        "cases.looptest": loop_test.pk,
        "cases.pendingrouting": PendingRouting.objects.create(
            case=case, step=step, routing_version=case.routing_version, since=timezone.now()
        ).pk,
        "cases.outbox": case.outbox.get().pk,
        "cases.refusedcall": refused.pk,
        "cases.routingdecision": RoutingDecision.objects.get(case=case).pk,
        "cases.senddecision": decision.pk,
        "cases.trackingrequest": tracking.pk,
        "routing.auditevent": event.pk,
        "routing.connection": connection.pk,
        "routing.emailtemplate": template.pk,
        "routing.emailtocasesettings": 1,
        "routing.permissionset": permission_set.pk,
        "routing.queue": hidden_queue.pk,
        "routing.quicktext": quick_text.pk,
        "routing.recordtype": case.record_type_id,
        "routing.routingaddress": address.pk,
        "routing.assignmentrule": AssignmentRule.objects.create(name="Rules").pk,
        "routing.routingflow": flow.pk,
        "routing.skill": Skill.objects.create(name="French").pk,
        "routing.reppresence": RepPresence.objects.create(user=rep).pk,
        "routing.businesshours": BusinessHours.objects.create(name="Office").pk,
        "routing.servicelevel": ServiceLevel.objects.create(name="Standard", first_response_minutes=60).pk,
    }
    draft = Draft.objects.create(
        author=owner,
        case=case,
        to=f"{OF_CUSTOMER}@example.net",
        subject=f"{ON_CASE} draft",
        text=f"{ON_CASE} draft text",
        key="quartz-draft-of-a-colleague",
    )
    DraftFile.objects.create(
        draft=draft, blob=attachment.blob, file_name=f"{ON_CASE}.png", content_type="image/png", inline=True
    )
    values = {
        "model_name": "assignmentrule",  # of a form that is tried out
        "number": f"{case.number:08d}",
        "message_id": message.pk,
        "view_id": SavedView.objects.create(owner=owner, name=f"{OF_COLLEAGUE} view", query=f"q={ON_CASE}").pk,
        "attachment_id": attachment.pk,
        "name": "a.png",
        "action": "priority",
        "note_id": case.comments.get().pk,
        "token": "eyJub25jZSI6-not-a-token",
        "inbound_id": quarantined.pk,
        "id": owner.pk,
        "content_type_id": 1,
        "template_id": template.pk,
        "address_id": address.pk,
        "user_id": owner.pk,
        "draft_id": draft.pk,
        "file_id": draft.files.get().pk,
    }
    users = {
        "outsider": UserFactory(username="outsider"),
        "rep": rep,
        "staff": UserFactory(username="staff", staff=True),
        "configurer": grant(UserFactory(username="configurer", staff=True), "routing.customize_application"),
        "inactive": UserFactory(username="gone", superuser=True),
        "root": UserFactory(username="root", superuser=True),
    }
    # Who was told of a case and lost it since reads nothing of it any more.
    event = case.events.get()
    Notification.objects.bulk_create(
        Notification(user=user, event=event, case=case, kind=Notification.Kind.ASSIGNED, at=event.at)
        for user in users.values()
    )
    return World(values, keys, users, queue)


# What looking at a page may change: a session, when somebody logged in, and what that somebody has seen of a case.
NOT_COMPARED = frozenset({"sessions.session", "cases.casevisit"})


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, to compare before with after."""
    return {
        model._meta.label: list(model._base_manager.order_by("pk").values_list())
        for model in apps.get_models()
        if model._meta.label.lower() not in NOT_COMPARED and model._meta.managed
    }
