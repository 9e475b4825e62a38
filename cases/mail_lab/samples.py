"""Mails to begin with. Each is made anew, with its own Message-ID, to the address that is being tried."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage as MailMessage
from email.utils import format_datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.models import Case, EmailMessage
from cases.thread_keys import signing_keys
from cases.thread_token import token_mark
from routing.models import RoutingAddress

__all__ = ["CUSTOMER", "SAMPLES", "Sample", "SampleMail", "make_sample"]

# In a domain that RFC 2606 keeps from everybody: automatic answers to the samples reach nobody.
CUSTOMER = "casey@example.net"
FROM = f"Casey Customer <{CUSTOMER}>"
# 1 x 1 pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@dataclass(frozen=True, slots=True)
class Place:
    """What a sample is made for. `case`: one that a sample opened before, never a customer's."""

    address: str
    now: datetime
    case: Case | None

    @property
    def unique(self) -> str:
        return secrets.token_hex(6)


@dataclass(frozen=True, slots=True)
class SampleMail:
    raw: bytes
    envelope_sender: str = CUSTOMER


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    label: str | Promise
    about: str | Promise
    make: Callable[[Place], SampleMail]
    is_hostile: bool = False


def make_sample(name: str, address: RoutingAddress | str, *, now: datetime) -> SampleMail:
    email_address = address if isinstance(address, str) else address.email_address
    case = (
        Case.objects.filter(
            supplied_email=CUSTOMER, routing_address__email_address=email_address, merged_into__isnull=True
        )
        .order_by("-pk")
        .first()
    )
    return SAMPLES[name].make(Place(email_address, now, case))


# --- everyday mail ---


def _mail(place: Place, subject: str, *, sender: str = FROM, **headers: str) -> MailMessage:
    mail = MailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, place.address, subject
    mail["Date"] = format_datetime(place.now)
    mail["Message-ID"] = f"<lab.{place.unique}@mail.example.net>"
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    return mail


def _done(mail: MailMessage, envelope_sender: str = CUSTOMER) -> SampleMail:
    return SampleMail(mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), envelope_sender)


def _plain(place: Place) -> SampleMail:
    mail = _mail(place, "My lamp does not light")
    mail.set_content("Hello,\n\nthe lamp of order 4711 does not light. What shall I do?\n\nCasey Customer\n")
    return _done(mail)


def _picture(place: Place) -> SampleMail:
    mail = _mail(place, "A picture of the damage")
    mail.set_content("See the picture.\n")
    mail.add_alternative('<p>See <b>here</b>:</p><p><img src="cid:damage@lab" alt="the damage"></p>', subtype="html")
    page = mail.get_body(("html",))
    assert isinstance(page, MailMessage)  # noqa: S101 - made on the line above
    page.add_related(PNG, "image", "png", cid="<damage@lab>", filename="damage.png")
    return _done(mail)


def _attachment(place: Place) -> SampleMail:
    mail = _mail(place, "Invoice 2026-118")
    mail.set_content("Please find the invoice attached.\n")
    mail.add_attachment(b"%PDF-1.4\n%an invoice\n", "application", "pdf", filename="Rechnung März.pdf")
    return _done(mail)


def _answered(case: Case | None) -> str:
    """The Message-ID of a mail of the customer's, which their own programs would name too."""
    found = EmailMessage.objects.filter(case=case, incoming=True).order_by("-pk").first() if case else None
    return found.message_identifier if found else ""


def _token_reply(place: Place) -> SampleMail:
    mark = f" {token_mark(place.case.pk, signing_keys())}" if place.case else ""
    mail = _mail(place, f"Re: My lamp does not light{mark}")
    mail.set_content("It lights again, but it flickers.\n\n> What shall I do?\n")
    return _done(mail)


def _headers_reply(place: Place) -> SampleMail:
    mail = _mail(place, "Re: My lamp does not light")
    if known := _answered(place.case):
        mail["In-Reply-To"] = mail["References"] = f"<{known}>"
    mail.set_content("One thing more: it is the lamp in the kitchen.\n")
    return _done(mail)


def _bare_reply(place: Place) -> SampleMail:
    mail = _mail(place, "Re: My lamp does not light")
    mail.set_content("Any news?\n")
    return _done(mail)


# --- machines ---


def _bounce(place: Place) -> SampleMail:
    boundary = f"lab{place.unique}"
    text = (
        f"From: MAILER-DAEMON@mx.example.net\nTo: {place.address}\nSubject: Undelivered Mail Returned to Sender\n"
        f"Date: {format_datetime(place.now)}\nMessage-ID: <lab.{place.unique}@mx.example.net>\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{boundary}"\n\n'
        f"--{boundary}\nContent-Type: text/plain\n\nYour mail could not be delivered.\n"
        f"--{boundary}\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.net\n\n"
        "Final-Recipient: rfc822; nobody@example.net\nAction: failed\nStatus: 5.1.1\n\n"
        f"--{boundary}\nContent-Type: message/rfc822\n\nMessage-ID: <someone.elses@mail.example.org>\n"
        f"Subject: Hello\n\nHello\n--{boundary}--\n"
    )
    return SampleMail(text.replace("\n", "\r\n").encode(), "")


def _out_of_office(place: Place) -> SampleMail:
    headers = {"Auto_Submitted": "auto-replied", "X_Auto_Response_Suppress": "All"}
    mail = _mail(place, "Automatic reply: out of office", **headers)
    mail.set_content("I am out of the office until Monday.\n")
    return _done(mail, "")


def _own_loop(place: Place) -> SampleMail:
    mail = _mail(place, "Fwd: from ourselves", sender=f"Support <{place.address}>")
    mail.set_content("A mail whose sender is this address itself.\n")
    return _done(mail, place.address)


def _newsletter(place: Place) -> SampleMail:
    headers = {"List_Id": "<news.example.net>", "List_Unsubscribe": "<https://example.net/off>", "Precedence": "bulk"}
    mail = _mail(place, "This week in lamps", sender="Lamp News <news@example.net>", **headers)
    mail.set_content("Ten lamps that you have not seen yet.\n")
    return _done(mail, "bounces@news.example.net")


# --- hostile mail ---


def _written(place: Place, head: bytes, body: bytes) -> SampleMail:
    known = (
        f"Date: {format_datetime(place.now)}\r\nMessage-ID: <lab.{place.unique}@mail.example.net>\r\n"
        f"To: {place.address}\r\nMIME-Version: 1.0\r\n"
    )
    return SampleMail(known.encode() + head + b"\r\n" + body)


def _script(place: Place) -> SampleMail:
    body = b"<p>Hello</p><script>alert(1)</script><img src=x onerror=alert(1)><a href='javascript:alert(1)'>go</a>"
    return _written(place, f"From: {FROM}\r\nSubject: Click\r\nContent-Type: text/html\r\n".encode(), body)


def _two_senders(place: Place) -> SampleMail:
    head = (
        f'From: "boss@{place.address.rpartition("@")[2]}" <x@attacker.example>\r\nFrom: {FROM}\r\nSubject: Pay now\r\n'
    )
    return _written(place, head.encode(), b"Please pay at once.\r\n")


def _no_sender(place: Place) -> SampleMail:
    return _written(place, b"Subject: Who am I?\r\n", b"A mail without a From.\r\n")


def _broken_letters(place: Place) -> SampleMail:
    head = (
        f"From: {FROM}\r\n".encode() + b"Subject: caf\xe9 \xff\xfe\r\nContent-Type: text/plain; charset=none-such\r\n"
    )
    return _written(place, head, b"Gr\xfc\xdfe aus M\xfcnchen\r\n")


def _path_names(place: Place) -> SampleMail:
    head = f'From: {FROM}\r\nSubject: Files\r\nContent-Type: multipart/mixed; boundary="b"\r\n'
    body = (
        "--b\r\nContent-Type: text/plain\r\n\r\nsee\r\n"
        '--b\r\nContent-Disposition: attachment; filename="../../x.exe"\r\n'
        "Content-Type: application/octet-stream\r\n\r\nMZ\r\n--b\r\nContent-Type: image/svg+xml\r\n"
        'Content-Disposition: attachment; filename="invoice\u202egnp.svg"\r\n\r\n<svg onload="x()"/>\r\n--b--\r\n'
    )
    return _written(place, head.encode(), body.encode())


def _nested(place: Place) -> SampleMail:
    depth = 400
    head = f"From: {FROM}\r\nSubject: Deep\r\nContent-Type: multipart/mixed; boundary=b0\r\n"
    body = "".join(f"--b{n}\r\nContent-Type: multipart/mixed; boundary=b{n + 1}\r\n\r\n" for n in range(depth))
    return _written(place, head.encode(), body.encode())


def _forged_proof(place: Place) -> SampleMail:
    head = (
        f"From: {FROM}\r\nSubject: Trust me\r\n"
        "Authentication-Results: mx.attacker.example; dmarc=pass header.from=example.net\r\n"
        "In-Reply-To: <made.up@mail.example.net>\r\n"
    )
    return _written(place, head.encode(), b"The proof above is the sender's own.\r\n")


_ALL = (
    Sample("plain", _("Plain text"), _("A customer asks something."), _plain),
    Sample("picture", _("HTML with a picture"), _("The picture stands inside the text."), _picture),
    Sample("attachment", _("With a file"), _("A PDF with a name in umlauts."), _attachment),
    Sample(
        "token_reply",
        _("Reply with the token"),
        _("To the newest case of a sample; without one it opens a case. Open one with “plain text” first."),
        _token_reply,
    ),
    Sample(
        "headers_reply",
        _("Reply by its headers"),
        _("In-Reply-To alone, as customers' programs write it."),
        _headers_reply,
    ),
    Sample("bare_reply", _("Reply without headers"), _("“Re:” and nothing that proves a thread."), _bare_reply),
    Sample("bounce", _("Bounce"), _("About a mail that we never sent."), _bounce),
    Sample("out_of_office", _("Out of office"), _("A machine answers."), _out_of_office),
    Sample("own_loop", _("Loop"), _("The sender is the address itself."), _own_loop),
    Sample("newsletter", _("Newsletter"), _("Sent to many, by a machine."), _newsletter),
    Sample("script", _("Script in HTML"), _("Tries to run in the reader's browser."), _script, True),
    Sample("two_senders", _("Two senders"), _("Programs read its From differently."), _two_senders, True),
    Sample("no_sender", _("No sender"), _("There is no From at all."), _no_sender, True),
    Sample(
        "broken_letters",
        _("Broken letters"),
        _("An unknown charset and bytes that are no text."),
        _broken_letters,
        True,
    ),
    Sample("path_names", _("File names that lie"), _("A path, and a name written backwards."), _path_names, True),
    Sample("nested", _("Nested too deep"), _("400 levels of parts; what lies too deep is left out."), _nested, True),
    Sample(
        "forged_proof",
        _("Forged proof"),
        _("Claims to have been checked by a server that is not ours."),
        _forged_proof,
        True,
    ),
)
SAMPLES: Mapping[str, Sample] = {sample.name: sample for sample in _ALL}
