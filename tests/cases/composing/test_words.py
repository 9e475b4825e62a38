"""What a rep writes in the editor, and what of it leaves: HTML, its text, its pictures, at every kind of provider."""

from __future__ import annotations

import base64
import email
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from cases.mail_html.outgoing import outgoing_html
from cases.models import Case, CaseComment, Draft
from cases.outbound.composed import CannotReply, NewAttachment
from cases.outbound.draft_files import add_files
from cases.outbound.drafts import picture_url
from routing.models import EmailTemplate, EmailToCaseSettings, QuickText, RoutingAddress
from tests.cases.composing.mails import CUSTOMER, PNG, compose, deliver_all, draft_of, shape_of, text_of
from tests.factories import ContactFactory, EmailMessageFactory, ParticipantFactory
from tests.fake_esp import FakeEsp, fake_esp
from tests.fake_smtp import FakeSmtpServer

REPLY = Draft.Mode.REPLY


@pytest.fixture
def esp(settings: Any) -> Iterator[FakeEsp]:
    settings.E2C_EMAIL_URL = "anymail+postmark://key@"
    with fake_esp() as fake:
        settings.E2C_ESP_API_URL = fake.url
        yield fake


# Cleaning
# ------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("typed", "written"),
    [
        ("<p>Dear <b>Casey</b></p>", "<p>Dear <b>Casey</b></p>"),
        ('<a href="https://x.example/?a=1&amp;b=2">x</a>', '<a href="https://x.example/?a=1&amp;b=2">x</a>'),
        ('<a href="javascript:x()">x</a>', "<a>x</a>"),
        ('<a href="//evil.example">x</a>', "<a>x</a>"),
        ("<p onclick=x()>x</p><script>x()</script><style>p{}</style>", "<p>x</p>"),
        ('<img src="https://evil.example/p.gif">x', "x"),
        ('<img src="data:image/png;base64,AA==">x', "x"),
        ('<img src="cid:theirs@example.net">x', "x"),
        ('<img src="/drafts/1/files/3/" alt="a>b">', '<img src="cid:c@inline" alt="a&gt;b">'),
        ('<p style="color:#fff;background:#fff">x</p>', "<p>x</p>"),
        ('<p style="font-size:0;display:none;position:absolute;opacity:0">x</p>', "<p>x</p>"),
        ('<p style="font-weight:bold;text-align:center">x</p>', '<p style="font-weight:bold;text-align:center">x</p>'),
        ('<p style="background-image:url(https://evil.example)">x</p>', "<p>x</p>"),
        ('<span class="x" id="y" data-z="1">x</span>', "<span>x</span>"),
        ('<form action="https://evil.example"><input name=a><p>x</p></form>', "<p>x</p>"),
        ("<svg><script>x</script></svg>x<iframe src=x></iframe>", "x"),
        ("<p dir=rtl>x</p><p dir=evil>y</p>", '<p dir="rtl">x</p><p>y</p>'),
        ("\0<p>x\ud800</p>", "<p>x?</p>"),
    ],
)
def test_what_stays_of_the_editor(typed: str, written: str) -> None:
    assert outgoing_html(typed, pictures={"/drafts/1/files/3/": "cid:c@inline"}).html == written


def test_text_is_made_from_the_html() -> None:
    html = (
        '<div>Hello <b>Casey</b>,</div><div><br></div><div>see <a href="https://x.example/a">this</a>, '
        '<a href="https://y.example">y.example</a></div><ul><li>one</li><li>two<ol><li>a</li></ol></li></ul>'
        "<blockquote>quoted<br>more</blockquote><pre>if x:\n    y</pre>"
        "<table><tr><td>1</td><td>2</td></tr></table>"
    )

    assert outgoing_html(html, pictures={}).text == (
        "Hello Casey,\n\nsee this <https://x.example/a>, y.example\n\n- one\n- two\n  1. a\n\n> quoted\n> more\n\n"
        "if x:\n    y\n\n1\t2"
    )


def test_too_much_html_is_refused_and_deep_html_costs_little(case: Case, ana: User, gold: RoutingAddress) -> None:
    with pytest.raises(CannotReply):
        compose(REPLY, case, ana, gold, html="<p>x</p>" * 200_000)

    assert outgoing_html("<div>" * 50_000 + "x", pictures={}).text.strip() == "x"


# Leaving
# ------------------------------------------------------------------------------------------------------------
def test_provider_by_api_is_told_which_files_are_pictures(
    esp: FakeEsp, case: Case, ana: User, gold: RoutingAddress
) -> None:
    draft = draft_of(ana, case)
    [picture] = add_files(draft.pk, author=ana, files=[NewAttachment("s.png", "image/png", PNG)], inline=True)
    add_files(draft.pk, author=ana, files=[NewAttachment("a.txt", "text/plain", b"one")], inline=False)

    compose(REPLY, case, ana, gold, html=f'<p>See</p><img src="{picture_url(picture)}">', draft=draft.pk)
    deliver_all()

    [taken] = esp.ledger
    shown, file = taken["Attachments"]
    assert (shown["ContentID"], base64.b64decode(shown["Content"])) == (f"cid:{picture.content_id}", PNG)
    assert (file["Name"], base64.b64decode(file["Content"])) == ("a.txt", b"one")
    assert "ContentID" not in file
    assert f'src="cid:{picture.content_id}"' in taken["HtmlBody"]
    assert taken["TextBody"].startswith("See")


def test_file_backend_writes_the_same_shape(
    case: Case, ana: User, gold: RoutingAddress, settings: Any, tmp_path: Path
) -> None:
    settings.E2C_EMAIL_URL, settings.E2C_DATA_DIR = "file:", tmp_path
    draft = draft_of(ana, case)
    [picture] = add_files(draft.pk, author=ana, files=[NewAttachment("s.png", "image/png", PNG)], inline=True)

    compose(REPLY, case, ana, gold, html=f'<p>See</p><img src="{picture_url(picture)}">', draft=draft.pk)
    deliver_all()

    [path] = (tmp_path / "outbox").glob("*.eml")
    assert shape_of(email.message_from_bytes(path.read_bytes())) == (
        *("multipart/alternative", ["text/plain", ("multipart/related", ["text/html", "image/png"])]),
    )


def test_formatting_switched_off_sends_plain_text(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    EmailToCaseSettings.objects.update(html_email=False)

    compose(REPLY, case, ana, gold, html="<p>forged</p>", text="typed")
    deliver_all()

    assert smtp.ledger[0].message.get_content_type() == "text/plain"
    assert text_of(smtp.ledger[0].message).startswith("typed")


def test_signature_stands_where_the_settings_want_it(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    EmailToCaseSettings.objects.update(signature_before_thread=False, token_in_body=False)

    compose(REPLY, case, ana, gold, html="<p>It left.</p>")
    deliver_all()

    message = smtp.ledger[0].message
    assert text_of(message).endswith("> Hello, my order has not come.\n\n-- \nGold Support\n")
    assert text_of(message, "text/html").rstrip().endswith("<div>-- <br>Gold Support</div>")


def test_reply_with_new_content_only_quotes_nothing(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    EmailToCaseSettings.objects.update(reply_with_new_content_only=True)

    compose(REPLY, case, ana, gold)
    deliver_all()

    assert "my order has not come" not in text_of(smtp.ledger[0].message)


def test_internal_note_and_remote_picture_never_leave(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress
) -> None:
    """OB12: the quoted mail has a picture elsewhere, the case an internal note."""
    CaseComment.objects.create(case=case, author=ana, body="internal: do not trust")
    EmailMessageFactory(
        case=case,
        text_body="",
        reply_text="See my picture",
        html_body='<p>See my picture</p><img src="https://evil.example/pixel.gif">',
    )

    compose(REPLY, case, ana, gold, html="<p>Thank you.</p>")
    deliver_all()

    content = smtp.ledger[0].message.as_string()
    assert "internal" not in content
    assert "evil.example" not in content


# Every field (OB10)
# ------------------------------------------------------------------------------------------------------------
EVIL = "x\r\nBcc: victim@example.org\r\n\r\nbody\u2028Bcc: victim@example.org =?utf-8?q?=0D=0ABcc:_victim@x.org?="


@pytest.mark.parametrize("mode", [REPLY, Draft.Mode.FORWARD, Draft.Mode.NEW])
@pytest.mark.parametrize("where", ["subject", "text", "html", "file name", "file type", "customer"])
def test_no_field_adds_a_header_or_a_recipient(
    smtp: FakeSmtpServer, case: Case, ana: User, gold: RoutingAddress, mode: Draft.Mode, where: str
) -> None:
    fields: dict[str, Any] = {"answers": case.messages.get() if mode == Draft.Mode.FORWARD else None}
    if where == "customer":
        case.messages.update(from_name=EVIL, subject=EVIL, message_identifier=EVIL[:900])
        fields["answers"] = case.messages.get() if mode == Draft.Mode.FORWARD else None
    elif where.startswith("file"):
        name, kind = (EVIL, "text/plain") if where == "file name" else ("a.txt", EVIL)
        fields["attachments"] = [NewAttachment(name, kind, b"x")]
    else:
        fields[where] = EVIL

    compose(mode, None if mode == Draft.Mode.NEW else case, ana, gold, **({"subject": "Hi"} | fields))
    deliver_all()

    [taken] = smtp.ledger
    assert taken.recipients == (CUSTOMER,)
    assert taken.message.get_all("Bcc") is None
    assert len(taken.message.get_all("To") or []) == 1
    for header in ("Subject", "From", "To"):
        assert "=?utf-8?q?=0D=0A" not in str(taken.message[header])


@pytest.mark.parametrize("field", ["to", "cc", "bcc"])
@pytest.mark.parametrize(
    "entry",
    ["a@x.org\r\nBcc: v@x.org", "=?utf-8?q?a?= <a@x.org>", "a@x.org\u2028", "a@x.org <b@x.org>", "a,b@x.org@y"],
)
def test_recipient_that_is_more_than_one_address_is_refused(
    case: Case, ana: User, gold: RoutingAddress, field: str, entry: str
) -> None:
    with pytest.raises(CannotReply) as refused:
        compose(REPLY, case, ana, gold, **{field: [entry]})

    assert refused.value.field == field


# Templates, quick texts, people
# ------------------------------------------------------------------------------------------------------------
def test_template_is_filled_in_and_kept_with_the_mail(page: Any, case: Case, ana: User, gold: RoutingAddress) -> None:
    template = EmailTemplate.objects.create(
        name="Hello", subject="About {{ case.number }}", html_body="<p>Dear {{ customer.first_name }}, {{ nope }}</p>"
    )

    filled = page.get(f"/cases/{case.number}/templates/{template.pk}/?send_from={gold.pk}").json()
    fields = {"send_from": gold.pk, "to": CUSTOMER, "text": "x", "template": template.pk, "last_seen": case.source_id}
    page.post(f"/cases/{case.number}/reply/", fields)

    assert filled["subject"] == f"About {case.number_text}"
    assert filled["html"] == "<p>Dear Casey, {{ nope }}</p>"
    assert filled["text"].startswith("Dear Casey")
    assert filled["unfilled"] == ["nope"]
    assert case.messages.get(incoming=False).template == template
    EmailTemplate.objects.update(is_active=False)
    assert page.get(f"/cases/{case.number}/templates/{template.pk}/").status_code == 404


def test_field_without_a_value_stays_as_a_mark_in_template_and_quick_text(
    page: Any, case: Case, gold: RoutingAddress
) -> None:
    Case.objects.filter(pk=case.pk).update(supplied_name="", contact=None)
    template = EmailTemplate.objects.create(name="Hello", html_body="<p>Dear {{ customer.first_name }},</p>")
    QuickText.objects.create(shortcut="hi", name="Hi", body="Hi {{ customer.first_name }}, {{ customer.name|you }}!")

    filled = page.get(f"/cases/{case.number}/templates/{template.pk}/?send_from={gold.pk}").json()
    [quick] = page.get(f"/cases/{case.number}/quick-texts/?q=hi").json()

    assert filled["html"] == "<p>Dear {{ customer.first_name }},</p>"
    assert filled["text"] == "Dear {{ customer.first_name }},"
    assert filled["unfilled"] == ["customer.first_name"]
    assert quick["text"] == "Hi {{ customer.first_name }}, you!"


def test_mail_with_a_mark_is_sent_when_it_is_filled_in_or_confirmed(
    page: Any, case: Case, gold: RoutingAddress
) -> None:
    fields = {
        "send_from": gold.pk,
        "to": CUSTOMER,
        "text": "Dear {{ customer.first_name }},",
        "last_seen": case.source_id,
    }
    refused = page.post(f"/cases/{case.number}/reply/", fields)

    assert refused.status_code == 409
    assert "Nothing was filled in for {{ customer.first_name }}." in refused.text
    assert not case.messages.filter(incoming=False).exists()
    word = refused.context["composer"].confirmed
    another = {**fields, "text": "Dear {{ customer.name }},", "confirmed": word}
    assert page.post(f"/cases/{case.number}/reply/", another).status_code == 409
    assert page.post(f"/cases/{case.number}/reply/", {**fields, "confirmed": word}).status_code == 302
    filled = {**fields, "text": "Dear Casey,", "last_seen": case.messages.latest("pk").pk}
    assert page.post(f"/cases/{case.number}/reply/", filled).status_code == 302
    assert [mail.reply_text for mail in case.messages.filter(incoming=False).order_by("pk")] == [
        "Dear {{ customer.first_name }},",
        "Dear Casey,",
    ]


def test_composer_starts_with_the_template_of_the_record_type(page: Any, case: Case) -> None:
    template = EmailTemplate.objects.create(name="Hello", text_body="Dear {{ customer.first_name }},")
    case.record_type.default_template = template
    case.record_type.save()

    shown = page.get(f"/cases/{case.number}/compose/?mode=reply")

    assert "Dear Casey," in shown.content.decode()
    assert shown.context["composer"].template_id == template.pk


def test_quick_texts_are_found_by_shortcut_and_name(page: Any, case: Case) -> None:
    QuickText.objects.create(shortcut="thanks", name="Thank you", body="Thank you, {{ customer.first_name }}!")
    QuickText.objects.create(shortcut="bye", name="Goodbye", body="Bye")
    QuickText.objects.create(shortcut="thx-old", name="Old", body="x", is_active=False)

    assert page.get(f"/cases/{case.number}/quick-texts/?q=th").json() == [
        {"shortcut": "thanks", "name": "Thank you", "text": "Thank you, Casey!"}
    ]
    assert [each["shortcut"] for each in page.get(f"/cases/{case.number}/quick-texts/").json()] == ["bye", "thanks"]


def test_only_people_of_cases_that_the_rep_may_see_are_offered(page: Any, case: Case) -> None:
    ParticipantFactory(case=case, address="carla@example.net", name="Carla")
    ParticipantFactory(address="carlo@secret.example", name="Carlo")
    ContactFactory(name="Carmen", email="carmen@secret.example")

    answer = page.get(f"/cases/people/?q=car&case={case.number}").json()

    assert [(each["address"], each["hint"]) for each in answer] == [("carla@example.net", "in this case")]
