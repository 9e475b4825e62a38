"""A draft is its author's alone, overwrites nothing, keeps its files, and ends with the mail."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, connections
from django.test import Client
from django.utils import timezone

from cases.blobs import delete_unreferenced
from cases.models import Blob, Case, Draft, DraftFile, EmailMessage, Outbox
from cases.outbound import drafts
from cases.outbound.composed import CannotReply, NewAttachment
from cases.outbound.draft_files import add_files, remove_file
from cases.outbound.drafts import DraftGone, NewerVersion, TooManyDrafts, Typed, discard, picture_url, save_draft
from cases.outbound.taking_back import cancel_reply, edit_failed
from cases.selectors.drafts import count_drafts, list_drafts, own_drafts
from routing.models import EmailToCaseSettings, QueueMember, RoutingAddress
from tests.cases.composing.mails import (
    CUSTOMER,
    PNG,
    attach,
    compose,
    deliver_all,
    draft_of,
    parts_of,
    shape_of,
    text_of,
)
from tests.cases.outbound.people import rep
from tests.factories import UserFactory
from tests.fake_smtp import FakeSmtpServer

REPLY, FORWARD, NEW = Draft.Mode.REPLY, Draft.Mode.FORWARD, Draft.Mode.NEW
FILE = NewAttachment("a.txt", "text/plain", b"one")
PICTURE = NewAttachment("shot.png", "image/png", PNG)


# Saving
# ------------------------------------------------------------------------------------------------------------
def test_half_an_address_is_kept_as_typed(ana: User, case: Case) -> None:
    draft = draft_of(ana, case, to="cas", text="Dear")

    saved = save_draft(draft.pk, author=ana, version=1, typed=Typed(to="casey@", text="Dear Casey,"))

    assert (saved.to, saved.text, saved.version) == ("casey@", "Dear Casey,", 2)


def test_older_tab_overwrites_nothing(ana: User, case: Case) -> None:
    draft = draft_of(ana, case)
    save_draft(draft.pk, author=ana, version=1, typed=Typed(text="of the second tab"))

    with pytest.raises(NewerVersion) as stopped:
        save_draft(draft.pk, author=ana, version=1, typed=Typed(text="of the first tab"))

    draft.refresh_from_db()
    assert (draft.text, draft.version, stopped.value.version) == ("of the second tab", 2, 2)
    save_draft(draft.pk, author=ana, version=None, typed=Typed(text="of the first tab after all"))
    draft.refresh_from_db()
    assert (draft.text, draft.version) == ("of the first tab after all", 3)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_tabs_that_save_at_the_same_moment_one_is_told(ana: User, case: Case) -> None:
    draft = draft_of(ana, case)
    ends: list[str] = []
    start = threading.Barrier(2)

    def save(text: str) -> None:
        start.wait()
        try:
            save_draft(draft.pk, author=ana, version=1, typed=Typed(text=text))
            ends.append(text)
        except NewerVersion:
            ends.append("told")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=save, args=(text,)) for text in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert connection.vendor == "postgresql"
    assert "told" in ends
    draft.refresh_from_db()
    assert (draft.text, draft.version) == (next(end for end in ends if end != "told"), 2)


def test_form_that_asks_again_has_what_was_typed_last(ana: User, case: Case) -> None:
    """The answer to the first one got lost on the way; somebody went on writing."""
    first = draft_of(ana, case, key="k" * 32, text="Dear")
    again = draft_of(ana, case, Draft.Mode.REPLY_ALL, key="k" * 32, text="Dear Casey")

    assert (again.pk, again.text, again.mode) == (first.pk, "Dear Casey", "reply_all")
    assert again.version == first.version + 1  # a tab that knows the first hears of it


def test_key_of_a_draft_that_stands_elsewhere_is_not_taken_for_another_one(
    page: Client, ana: User, case: Case
) -> None:
    draft_of(ana, case, Draft.Mode.FORWARD, key="k" * 24, text="To the warehouse")

    html = page.get(f"/cases/{case.number}/compose/?mode=reply&key={'k' * 24}").content.decode()

    assert "To the warehouse" not in html
    assert "k" * 24 not in html


def test_form_that_asks_twice_has_one_draft(ana: User, case: Case) -> None:
    first = draft_of(ana, case, key="k" * 32)
    again = draft_of(ana, case, key="k" * 32)
    assert again.version == first.version
    other = draft_of(rep("ben"), case, key="k" * 32)

    assert (again.pk, first.key) == (first.pk, "k" * 32)
    assert other.pk != first.pk


def test_drafts_have_an_end(ana: User, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafts, "MOST_DRAFTS", 2)
    draft_of(ana, case)
    draft_of(ana, None, NEW)

    with pytest.raises(TooManyDrafts):
        draft_of(ana, case)

    assert Draft.objects.count() == 2


def test_html_is_cleaned_when_it_is_kept(ana: User, case: Case) -> None:
    draft = draft_of(ana, case, html='<p onclick="x()">Hi<img src="https://evil.example/p.gif"></p><script>x</script>')

    assert draft.html == "<p>Hi</p>"


# Privacy
# ------------------------------------------------------------------------------------------------------------
def test_draft_is_shown_to_nobody_else(ana: User, case: Case) -> None:
    draft = draft_of(ana, case, text="private")
    root = UserFactory(superuser=True)

    assert list(own_drafts(ana)) == [draft]
    assert not own_drafts(root).exists()
    with pytest.raises(DraftGone):
        save_draft(draft.pk, author=root, version=None, typed=Typed(text="changed"))
    with pytest.raises(DraftGone):
        add_files(draft.pk, author=root, files=[FILE], inline=False)
    assert not discard(draft.pk, author=root)
    draft.refresh_from_db()
    assert draft.text == "private"


def test_draft_on_a_case_that_is_not_seen_any_more_is_out_of_reach(ana: User, case: Case) -> None:
    draft_of(ana, case)
    draft_of(ana, None, NEW)
    assert count_drafts(ana) == 2

    case.owner_queue.members.clear()  # type: ignore[union-attr]

    assert [draft.case for draft in list_drafts(ana)] == [None]


def test_urls_of_a_draft_are_its_authors_alone(page: Client, client: Client, ana: User, case: Case) -> None:
    draft = draft_of(ana, case, text="private")
    [file] = add_files(draft.pk, author=ana, files=[PICTURE], inline=True)
    assert page.get(picture_url(file)).status_code == 200
    client.force_login(UserFactory(superuser=True))

    answers = [
        client.get(picture_url(file)).status_code,
        *(client.post(f"/drafts/{draft.pk}/{what}").status_code for what in ("", "files/", "discard/")),
        client.post(f"{picture_url(file)}remove/").status_code,
    ]

    assert answers == [404] * 5
    assert "private" not in client.get(f"/cases/{case.number}/compose/?draft={draft.pk}").content.decode()
    assert "private" not in client.get("/drafts/").content.decode()


# Files
# ------------------------------------------------------------------------------------------------------------
def test_sweeper_leaves_the_files_of_drafts_alone(ana: User, case: Case) -> None:
    draft = draft_of(ana, case)
    add_files(draft.pk, author=ana, files=[FILE], inline=False)

    with time_machine.travel(timezone.now() + timedelta(days=3)):
        kept = delete_unreferenced(timedelta(hours=24))
        assert (kept, Blob.objects.count()) == (0, 1)
        discard(draft.pk, author=ana)
        delete_unreferenced(timedelta(hours=24))

    assert Blob.objects.count() == 0


def test_files_have_the_limits_of_a_mail(ana: User, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = draft_of(ana, case)
    add_files(draft.pk, author=ana, files=[FILE] * 19, inline=False)
    monkeypatch.setattr("cases.outbound.draft_files.MOST_ATTACHED_BYTES", 100)

    for files, inline in (([FILE] * 2, False), ([NewAttachment("b", "", b"x" * 50)], False), ([FILE], True)):
        with pytest.raises(CannotReply):
            add_files(draft.pk, author=ana, files=files, inline=inline)

    assert draft.files.count() == 19


def test_name_of_a_file_is_data(ana: User, case: Case) -> None:
    draft = draft_of(ana, case)

    [file] = add_files(
        draft.pk, author=ana, files=[NewAttachment("../../x\r\nBcc: v@example.org\u2028.exe", "", b"MZ")], inline=False
    )

    assert not set("/\\\r\n\u2028") & set(file.file_name)


def test_files_go_along_and_a_picture_only_while_it_is_shown(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress
) -> None:
    draft = draft_of(ana, case)
    shown, removed = add_files(draft.pk, author=ana, files=[PICTURE, PICTURE], inline=True)
    add_files(draft.pk, author=ana, files=[FILE, NewAttachment("b.txt", "", b"two")], inline=False)
    remove_file(draft.pk, draft.files.get(file_name="b.txt").pk, author=ana)
    html = f'<p>See:</p><img src="{picture_url(shown)}" alt="shot">'

    message = compose(REPLY, case, ana, gold, html=html, text="ignored", draft=draft.pk, key=draft.key)
    deliver_all()

    [taken] = smtp.ledger
    assert shape_of(taken.message) == (
        "multipart/mixed",
        [("multipart/alternative", ["text/plain", ("multipart/related", ["text/html", "image/png"])]), "text/plain"],
    )
    [picture] = parts_of(taken.message, "image/png")
    assert picture["Content-ID"] == f"<{shown.content_id}>"
    assert picture.get_content_disposition() == "inline"
    assert f'<img src="cid:{shown.content_id}"' in text_of(taken.message, "text/html")
    assert text_of(taken.message).startswith("See:\n")
    assert [each.file_name for each in message.attachments.all()] == ["shot.png", "a.txt"]
    assert removed.content_id not in text_of(taken.message, "text/html")
    assert not Draft.objects.exists()
    assert not DraftFile.objects.exists()


def test_plain_mail_sends_pictures_as_files(smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress) -> None:
    EmailToCaseSettings.objects.update(html_email=False)
    draft = draft_of(ana, case)
    [file] = add_files(draft.pk, author=ana, files=[PICTURE], inline=True)

    compose(REPLY, case, ana, gold, html=f'<img src="{picture_url(file)}">', text="See the picture.", draft=draft.pk)
    deliver_all()

    [taken] = smtp.ledger
    assert shape_of(taken.message) == ("multipart/mixed", ["text/plain", "image/png"])
    assert parts_of(taken.message, "image/png")[0].get_content_disposition() == "attachment"


def test_picture_of_another_draft_is_not_sent(ana: User, case: Case, gold: RoutingAddress) -> None:
    ben = rep("ben")
    QueueMember.objects.create(queue=case.owner_queue, user=ben)
    theirs = draft_of(ben, case)
    [file] = add_files(theirs.pk, author=theirs.author, files=[PICTURE], inline=True)
    draft = draft_of(ana, case)

    message = compose(REPLY, case, ana, gold, html=f'<p>x</p><img src="{picture_url(file)}">', draft=draft.pk)

    assert "<img" not in message.html_body
    assert not message.attachments.exists()


# Its end, and its return
# ------------------------------------------------------------------------------------------------------------
def test_draft_of_somebody_else_is_neither_sent_nor_deleted(ana: User, case: Case, gold: RoutingAddress) -> None:
    theirs = draft_of(rep("ben"), case)

    with pytest.raises(CannotReply):
        compose(REPLY, case, ana, gold, draft=theirs.pk)

    assert Outbox.objects.count() == 0
    assert Draft.objects.filter(pk=theirs.pk).exists()


def test_draft_that_is_submitted_twice_is_one_mail(ana: User, case: Case, gold: RoutingAddress) -> None:
    """OB02 for drafts: the second submit finds the draft gone and the mail sent."""
    draft = draft_of(ana, case)
    add_files(draft.pk, author=ana, files=[FILE], inline=False)

    first, second = (compose(REPLY, case, ana, gold, draft=draft.pk, key=draft.key) for _ in range(2))

    assert first.pk == second.pk
    assert Outbox.objects.count() == 1


def test_draft_stays_when_nothing_was_sent(ana: User, case: Case, gold: RoutingAddress) -> None:
    draft = draft_of(ana, case)

    with pytest.raises(CannotReply):
        compose(REPLY, case, ana, gold, draft=draft.pk, to=["nobody"])

    assert Draft.objects.filter(pk=draft.pk).exists()


def test_undone_mail_comes_back_with_everything(ana: User, case: Case, gold: RoutingAddress, settings: Any) -> None:
    settings.E2C_UNDO_SECONDS = 10
    draft = draft_of(ana, case)
    [picture] = add_files(draft.pk, author=ana, files=[PICTURE], inline=True)
    add_files(draft.pk, author=ana, files=[FILE], inline=False)
    message = compose(
        REPLY, case, ana, gold,
        html=f'<p>Dear <b>Casey</b></p><img src="{picture_url(picture)}">', draft=draft.pk,
        cc=["Sam <sam@example.org>"], bcc=["audit@example.org"], subject="Re: Lamp",
    )  # fmt: skip

    cancel_reply(message, by=ana)

    back = Draft.objects.get()
    assert (back.author, back.case, back.mode, back.send_from, back.answers) == (ana, case, "reply", gold, case.source)
    assert (back.to, back.cc, back.bcc) == (CUSTOMER, "Sam <sam@example.org>", "audit@example.org")
    assert (back.subject, back.text) == ("Re: Lamp", "Dear Casey")
    files = {file.file_name: file for file in back.files.all()}
    assert set(files) == {"shot.png", "a.txt"}
    assert back.html == f'<p>Dear <b>Casey</b></p><img src="{picture_url(files["shot.png"])}">'
    assert not EmailMessage.objects.filter(incoming=False).exists()
    outbox = Outbox.objects.get()
    assert (outbox.state, outbox.email_message) == ("cancelled", None)
    assert compose(REPLY, case, ana, gold, html=back.html, draft=back.pk, key=back.key).attachments.count() == 2


def test_failed_mail_is_edited_and_the_row_stays_as_history(
    smtp: FakeSmtpServer, ana: User, case: Case, gold: RoutingAddress
) -> None:
    """OB07: the draft's text is kept."""
    message = compose(REPLY, case, ana, gold, text="My long answer")
    smtp.refused_recipients[CUSTOMER] = "550 no such user"
    deliver_all()
    message.refresh_from_db()

    draft = edit_failed(message, by=ana)

    assert draft is not None
    assert (draft.text, draft.to, draft.came_back_because) == (
        "My long answer",
        CUSTOMER,
        "Not sent: 550 no such user",
    )
    outbox = Outbox.objects.get(kind="reply")
    assert (outbox.state, outbox.detail, outbox.email_message) == ("cancelled", "550 no such user", None)


def test_forward_keeps_the_choice_of_files_in_its_draft(ana: User, case: Case, gold: RoutingAddress) -> None:
    theirs = case.messages.get()
    for name in ("order.pdf", "secret.pdf"):
        attach(theirs, name, name.encode())
    draft = draft_of(ana, case, FORWARD, answers=theirs)
    assert [file.file_name for file in draft.files.all()] == ["order.pdf", "secret.pdf"]

    remove_file(draft.pk, draft.files.get(file_name="secret.pdf").pk, author=ana)
    message = compose(FORWARD, case, ana, gold, to=["x@supplier.example"], answers=theirs, draft=draft.pk)

    assert [each.file_name for each in message.attachments.all()] == ["order.pdf"]


def test_reply_that_becomes_a_forward_takes_the_files_and_leaves_them_again(ana: User, case: Case) -> None:
    theirs = case.messages.get()
    attach(theirs, "order.pdf", b"order")
    draft = draft_of(ana, case)
    add_files(draft.pk, author=ana, files=[FILE], inline=False)

    save_draft(draft.pk, author=ana, version=1, typed=Typed(), mode=FORWARD, answers=theirs)
    assert [file.file_name for file in draft.files.all()] == ["a.txt", "order.pdf"]
    save_draft(draft.pk, author=ana, version=2, typed=Typed(), mode=REPLY)

    assert [file.file_name for file in draft.files.all()] == ["a.txt"]


# The page
# ------------------------------------------------------------------------------------------------------------
def test_composer_saves_and_comes_back(page: Client, ana: User, case: Case, gold: RoutingAddress) -> None:
    made = page.post(
        f"/drafts/new/?case={case.number}&mode=reply", {"to": CUSTOMER, "text": "Dear", "key": "k" * 24}
    ).json()
    saved = page.post(
        f"/drafts/{made['id']}/", {"to": CUSTOMER, "text": "Dear Casey", "send_from": gold.pk, "version": "1"}
    )
    stale = page.post(f"/drafts/{made['id']}/", {"text": "old", "version": "1"})

    assert (made["version"], made["key"]) == (1, "k" * 24)
    assert (saved.status_code, saved.json()["version"]) == (200, 2)
    assert (stale.status_code, stale.json()["version"]) == (409, 2)
    page.logout()
    page.force_login(ana)  # it survives a logout
    html = page.get(f"/cases/{case.number}/compose/?mode=reply").content.decode()
    assert "Dear Casey" in html
    assert f'name="draft" value="{made["id"]}"' in html
    assert f'name="key" value="{"k" * 24}"' in html
    assert "Dear Casey" in page.get("/drafts/").content.decode()
    assert page.post(f"/drafts/{made['id']}/discard/").status_code == 302
    assert not Draft.objects.exists()
    assert page.post(f"/drafts/{made['id']}/", {"text": "x"}).status_code == 404


def test_what_was_withdrawn_is_said_and_the_text_is_kept(page: Client, ana: User, case: Case) -> None:
    saved = page.post(f"/drafts/new/?case={case.number}", {"text": "one"}).json()
    ana.user_permissions.clear()

    again = page.post(f"/drafts/{saved['id']}/", {"text": "one two", "version": saved["version"]})
    new = page.post(f"/drafts/new/?case={case.number}", {"text": "other"})

    assert again.status_code == 200
    assert again.json()["refused"] == "ana does not have the permission to reply to cases."
    assert (new.status_code, new.json()["error"]) == (403, "ana does not have the permission to reply to cases.")
    assert [draft.text for draft in Draft.objects.all()] == ["one two"]


def test_case_that_is_not_seen_any_more_is_said_to_its_composer(page: Client, ana: User, case: Case) -> None:
    saved = page.post(f"/drafts/new/?case={case.number}", {"text": "one"}).json()
    QueueMember.objects.filter(user=ana).delete()

    again = page.post(f"/drafts/{saved['id']}/", {"text": "one two", "version": saved["version"]})
    new = page.post(f"/drafts/new/?case={case.number}", {"text": "other"})

    assert (again.status_code, again.json()["error"]) == (403, "You may not see this case any more.")
    assert (new.status_code, new.json()["error"]) == (404, "You may not see this case any more.")
    assert [draft.text for draft in Draft.objects.all()] == ["one"]


def test_upload_answers_with_what_the_editor_needs(page: Client, ana: User, case: Case) -> None:
    draft = draft_of(ana, case)

    answer = page.post(
        f"/drafts/{draft.pk}/files/",
        {"file": SimpleUploadedFile("s.png", PNG, content_type="image/png"), "inline": "1"},
    )
    refused = page.post(f"/drafts/{draft.pk}/files/", {"file": SimpleUploadedFile("s.svg", b"<svg/>"), "inline": "1"})

    [file] = answer.json()["files"]
    stored = DraftFile.objects.get()
    assert file == {
        "id": stored.pk, "name": "s.png", "size": len(PNG), "inline": True, "url": picture_url(stored),
        "remove_url": f"{picture_url(stored)}remove/", "content_id": stored.content_id,
    }  # fmt: skip
    assert (refused.status_code, refused.json()["error"]) == (422, "Pictures in the text are PNG, JPEG, GIF or WebP.")
    shown = page.get(file["url"])
    assert (shown.status_code, shown["Content-Type"], b"".join(shown.streaming_content)) == (200, "image/png", PNG)
    assert "sandbox" in shown["Content-Security-Policy"]
