"""What the composer on the case page shows: filled in for a new reply, or as it was posted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max
from django.http import HttpRequest
from django.utils.functional import Promise

from cases.forms.reply import ReplyForm, new_key
from cases.models import Case, EmailAddress, EmailMessage, Outbox
from cases.outbound.allowed_senders import Senders, allowed_senders, default_sender
from cases.outbound.composing import one_line
from cases.outbound.quoting import reply_subject
from cases.outbound.recipients import offered_recipients, split_recipients
from routing.addresses import MailAddress
from routing.models import RoutingAddress


@dataclass(frozen=True, slots=True)
class Composer:
    form: ReplyForm
    senders: Senders
    key: str
    last_seen: int
    draft: int | None
    recipient_count: int
    sender: RoutingAddress | None
    passed_over: str = ""
    notices: tuple[str | Promise, ...] = ()  # why it was not sent

    @property
    def sender_name(self) -> str:
        return (self.sender.display_name or self.sender.routing_name) if self.sender is not None else ""

    @property
    def sender_because(self) -> str:
        return next((why for each, why in self.senders.allowed if self.sender and each.pk == self.sender.pk), "")


def newest_message(case: Case) -> int:
    """The id that "seen until here" means; 0 without mail. Asked before the mails are read, never after."""
    newest: int | None = EmailMessage.objects.filter(case=case).aggregate(newest=Max("pk"))["newest"]
    return newest or 0


def wants_composer(request: HttpRequest) -> bool:
    return any(name in request.GET for name in ("reply", "all", "draft"))


def new_composer(request: HttpRequest, case: Case, user: User, *, last_seen: int) -> Composer:
    senders = allowed_senders(user, case)
    sender = default_sender(user, case, senders)
    draft = own_draft(user, case, request.GET.get("draft", ""))
    initial = _from_draft(draft, senders) if draft else _from_case(case, to_all=request.GET.get("all") == "1")
    address = _sender_of(initial.pop("send_from", None), senders) or sender.address
    form = ReplyForm(senders=senders, initial=initial | {"send_from": str(address.pk) if address else ""})
    return Composer(
        form=form,
        senders=senders,
        key=new_key(),
        last_seen=last_seen,
        draft=draft.pk if draft else None,
        recipient_count=len(split_recipients(initial["to"])) + len(split_recipients(initial["cc"])),
        sender=address,
        passed_over=sender.passed_over if not draft else "",
    )


def posted_composer(
    form: ReplyForm, senders: Senders, *, last_seen: int, key: str, notices: tuple[str | Promise, ...]
) -> Composer:
    """The form as it was posted, with all that was typed."""
    typed = [str(form.data.get(name, "")) for name in ("to", "cc", "bcc")]
    draft = str(form.data.get("draft", ""))
    return Composer(
        form=form,
        senders=senders,
        key=key,
        last_seen=last_seen,
        draft=int(draft) if draft.isascii() and draft.isdigit() and len(draft) < 19 else None,
        recipient_count=sum(len(split_recipients(text)) for text in typed),
        sender=_sender_of(str(form.data.get("send_from", "")), senders),
        notices=notices,
    )


def own_draft(user: User, case: Case, word: str) -> EmailMessage | None:
    """A reply that this user took back or that failed, to be edited and sent after all."""
    if not (word.isascii() and word.isdigit() and len(word) < 19):
        return None
    return (
        EmailMessage.objects.filter(
            pk=int(word),
            case=case,
            created_by=user,
            incoming=False,
            status__in=[EmailMessage.Status.DRAFT, EmailMessage.Status.FAILED],
        )
        .prefetch_related("addresses")
        .first()
    )


def _from_case(case: Case, *, to_all: bool) -> dict[str, Any]:
    offered = offered_recipients(case, to_all=to_all)
    return {
        "to": _written(offered.to),
        "cc": _written(offered.cc),
        "bcc": "",
        "subject": reply_subject(case.subject),
    }


def _from_draft(draft: EmailMessage, senders: Senders) -> dict[str, Any]:
    people: dict[str, list[MailAddress]] = {role: [] for role in EmailAddress.Role.values}
    for each in draft.addresses.all():
        people[each.role].append(MailAddress(each.name, each.address))
    sent_from = Outbox.objects.filter(email_message=draft).values_list("from_address", flat=True).first()
    return {
        **{name: _written(people[name]) for name in ("to", "cc", "bcc")},
        "subject": reply_subject(draft.subject),
        "text": draft.reply_text,
        "send_from": str(sent_from or ""),
    }


def _written(people: Any) -> str:
    """As a rep would type it; a name that needs quotes has them."""
    return ", ".join(_entry(person) for person in people)


def _entry(person: MailAddress) -> str:
    name = one_line(person.name.replace('"', ""), limit=80)
    if not name or "@" in name or "\\" in name:
        return person.address
    return f"{name} <{person.address}>" if name.replace(" ", "").isalnum() else f'"{name}" <{person.address}>'


def _sender_of(key: str | None, senders: Senders) -> RoutingAddress | None:
    return next((address for address, _because in senders.allowed if str(address.pk) == key), None)
