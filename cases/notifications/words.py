"""A notification in words: a sentence for the console, a subject for a mail, and the place it leads to."""

from __future__ import annotations

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from cases.models import CaseEvent, Notification
from cases.outbound.composing import one_line

__all__ = ["link_of", "mail_line", "mail_subject", "sentence_of"]

Event = CaseEvent.Kind
Kind = Notification.Kind

# (sentence for the console, with %(person)s where a colleague did it; what a mail's subject begins with)
WORDS: dict[tuple[str, str], tuple[str | Promise, str | Promise]] = {
    (Kind.SEND_FAILED, Event.BOUNCE_ADDED): (
        lazy("A mail could not be delivered"),
        lazy("Delivery failed on case"),
    ),
    (Kind.SEND_FAILED, Event.REPLY_FAILED): (lazy("A mail was not sent"), lazy("A mail was not sent on case")),
    (Kind.SEND_FAILED, Event.REPLY_UNCERTAIN): (
        lazy("It is uncertain whether a mail was sent"),
        lazy("A mail is uncertain on case"),
    ),
    (Kind.SEND_FAILED, Event.REPLY_TAKEN_BACK): (
        lazy("Your mail is a draft again: the customer wrote before it was sent"),
        lazy("Not sent, the customer wrote first:"),
    ),
    (Kind.APPROVAL_DECIDED, Event.REPLY_APPROVED): (lazy("%(person)s approved your mail"), lazy("Approved:")),
    (Kind.APPROVAL_DECIDED, Event.REPLY_REJECTED): (
        lazy("%(person)s did not approve your mail; it is a draft again"),
        lazy("Not approved:"),
    ),
    (Kind.IN_QUEUE, Event.EMAIL_ADDED): (lazy("New email on a case of your queue"), lazy("New email on case")),
    (Kind.ASSIGNED, Event.CASE_OPENED): (lazy("A new case was assigned to you"), lazy("Assigned to you: case")),
}
OF_KIND: dict[str, tuple[str | Promise, str | Promise]] = {
    Kind.MENTION: (lazy("%(person)s mentioned you in a note"), lazy("You were mentioned on case")),
    Kind.ASSIGNED: (lazy("%(person)s assigned the case to you"), lazy("Assigned to you: case")),
    Kind.IN_QUEUE: (lazy("A case waits in your queue"), lazy("Waits in your queue: case")),
    Kind.NEW_MAIL: (lazy("New email on your case"), lazy("New email on case")),
    Kind.APPROVAL_ASKED: (lazy("%(person)s asks for approval of a mail"), lazy("Approval asked for:")),
    Kind.SERVICE_NEAR: (lazy("A service level is nearly over"), lazy("Service level nearly over: case")),
    Kind.SERVICE_MISSED: (lazy("A service level was missed"), lazy("Service level missed: case")),
    Kind.ESCALATED: (lazy("The case was escalated to your queue"), lazy("Escalated to your queue: case")),
    Kind.NOT_CONTENT: (lazy("The customer says that it did not go well"), lazy("Customer not content: case")),
    Kind.TASK_DUE: (lazy("A task is due"), lazy("A task is due: case")),
}
APPROVED_WITH_CHANGES = (lazy("%(person)s changed your mail and approved it"), lazy("Approved with changes:"))
# The event says more than the sentence, and in words of our own.
WITH_REASON = {Kind.SERVICE_NEAR, Kind.SERVICE_MISSED, Kind.TASK_DUE}


def _words(notification: Notification) -> tuple[str | Promise, str | Promise]:
    key = (notification.kind, notification.event.kind)
    if notification.event.kind == Event.REPLY_APPROVED and notification.event.detail.get("changed"):
        return APPROVED_WITH_CHANGES
    return WORDS.get(key) or OF_KIND.get(notification.kind) or (notification.get_kind_display(), _("News on case"))


def sentence_of(notification: Notification) -> str:
    """For its reader, who may see the case. `event` with its actor."""
    actor = notification.event.actor
    person = (actor.get_full_name() or actor.get_username()) if actor is not None else _("The system")
    sentence = str(_words(notification)[0]) % {"person": one_line(person, limit=100)}
    if notification.kind in WITH_REASON and notification.event.because:
        sentence += f" – {notification.event.because}"
    return sentence


def mail_subject(notification: Notification) -> str:
    """Of a mail about this alone. A note stays inside: nothing that a customer wrote stands in a mention's subject."""
    begin, case = str(_words(notification)[1]), notification.case
    if notification.kind == Kind.MENTION:
        return f"{begin} {case.number_text}"
    colon = "" if begin.endswith(":") else ":"
    return one_line(f"{begin} {case.number_text}{colon} {case.subject}")


def mail_line(notification: Notification) -> str:
    """What happened, for the text of a mail: one line."""
    return one_line(sentence_of(notification), limit=300)


def link_of(notification: Notification) -> str:
    """The place in the case, without the host."""
    event = notification.event
    link = reverse("case", kwargs={"number": notification.case.number})
    if notification.kind == Kind.MENTION and isinstance(note := event.detail.get("comment"), int):
        return f"{link}#note-{note}"
    return f"{link}#message-{event.email_message_id}" if event.email_message_id else link
