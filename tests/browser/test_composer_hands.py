"""The composer by hand: dropped files, its height, plain text, and nothing that our policy has to report."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from cases.models import Case, Draft, DraftFile, EmailMessage, Outbox
from routing.models import EmailTemplate, EmailToCaseSettings, QuickText
from tests.browser.desk import editor, primary, reply_on, send
from tests.browser.test_composer import PNG, body_of, paste, saved, sent_mail
from tests.fake_smtp import FakeSmtpServer

pytestmark = pytest.mark.django_db(transaction=True)

DROP = """(place, files) => {
  const carried = new DataTransfer();
  for (const [name, type, bytes] of files) carried.items.add(new File([Uint8Array.from(bytes)], name, { type }));
  const how = { dataTransfer: carried, bubbles: true, cancelable: true };
  const fire = (kind) => place.dispatchEvent(new DragEvent(kind, how));
  fire("dragenter");
  const isTarget = Boolean(document.querySelector(".composer.is-target"));
  const isOurs = !fire("dragover");
  const isTaken = !fire("drop");
  return [isTarget, isOurs, isTaken, Boolean(document.querySelector(".composer.is-target"))];
}"""
PASTE_TYPES = """(carried) => {
  const data = new DataTransfer();
  for (const [type, text] of Object.entries(carried)) data.setData(type, text);
  const how = { clipboardData: data, bubbles: true, cancelable: true };
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", how));
}"""


def drop(page: Page, place: str, *files: tuple[str, str, bytes]) -> list[bool]:
    carried = [[name, kind, list(content)] for name, kind, content in files]
    found: list[bool] = page.locator(place).evaluate(DROP, carried)
    return found


# Files that are dropped
# ------------------------------------------------------------------------------------------------------------
def test_dropped_file_goes_along_and_a_picture_into_the_text(
    log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer
) -> None:
    watched = log_in(ana)
    page = reply_on(watched, case, "See the plan. ")
    expected = [True, True, True, False]

    assert drop(page, ".composer-fields", ("plan.txt", "text/plain", b"two")) == expected
    expect(page.locator(".attached[data-file]")).to_contain_text("plan.txt")
    assert drop(page, ".editor", ("shot.png", "image/png", PNG), ("list.txt", "text/plain", b"one")) == expected
    expect(page.locator(".attached[data-file]")).to_have_count(2)
    expect(editor(page).locator("img")).to_have_count(1)
    send(page)

    mail = sent_mail(smtp)
    assert sorted(
        part.get_filename() for part in mail.walk() if part.get_content_type() == "text/plain" and part.get_filename()
    ) == [
        "list.txt",
        "plan.txt",
    ]
    assert "cid:" in body_of_html(mail)
    assert watched.policy_errors == []


def body_of_html(mail: Any) -> str:
    return body_of(mail, "text/html")


def test_dropped_words_are_no_file(log_in: Any, ana: User, case: Case) -> None:
    page = reply_on(log_in(ana), case)
    found = page.locator(".composer-fields").evaluate(
        """place => {
          const carried = new DataTransfer();
          carried.setData("text/plain", "words");
          const event = new DragEvent("dragover", { dataTransfer: carried, bubbles: true, cancelable: true });
          return place.dispatchEvent(event);
        }"""
    )

    assert found is True  # left to the browser
    assert not DraftFile.objects.exists()


def test_failed_upload_stops_the_mail_and_goes_again(log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer) -> None:
    page = reply_on(log_in(ana), case)
    saved(page)
    page.route("**/files/", lambda route: route.abort())
    drop(page, ".composer-fields", ("plan.txt", "text/plain", b"two"))
    expect(page.locator(".attached.is-wrong")).to_contain_text("Not added: no connection.")

    primary(page).click()
    expect(page.get_by_role("alert")).to_contain_text("these files were not added. Try again or remove them: plan.txt")
    assert not Outbox.objects.exists()
    page.unroute("**/files/")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".attached[data-file]")).to_have_count(1)
    send(page)
    assert "plan.txt" in [part.get_filename() for part in sent_mail(smtp).walk()]


# The height
# ------------------------------------------------------------------------------------------------------------
def height(page: Page) -> float:
    box = page.locator(".editor").bounding_box()
    assert box is not None
    return box["height"]


def test_composer_is_made_higher_by_pointer_and_key_and_stays_so(log_in: Any, ana: User, case: Case) -> None:
    watched = log_in(ana)
    page = reply_on(watched, case)
    grip = page.get_by_role("separator", name="Height of the text")
    before = height(page)
    box = grip.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] - 77, steps=4)
    page.mouse.up()
    dragged = height(page)
    assert abs(dragged - before - 80) <= 2

    grip.focus()
    page.keyboard.press("ArrowUp")
    assert abs(height(page) - dragged - 24) <= 2
    page.keyboard.press("ArrowDown")
    page.keyboard.press("PageDown")
    assert height(page) < dragged
    chosen = height(page)
    assert grip.get_attribute("aria-valuenow") == str(round(chosen))

    saved(page)
    page.reload()
    page.keyboard.press("r")
    expect(editor(page)).to_be_focused()
    assert abs(height(page) - chosen) <= 1
    assert watched.policy_errors == []


# Plain text
# ------------------------------------------------------------------------------------------------------------
@pytest.fixture
def plain(ana: User) -> None:
    EmailToCaseSettings.objects.update_or_create(pk=EmailToCaseSettings.load().pk, defaults={"html_email": False})


@pytest.mark.usefixtures("plain")
def test_plain_mail_is_written_in_a_plain_field(
    log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer, assert_accessible: Any
) -> None:
    watched = log_in(ana)
    page = watched.open(f"/cases/{case.number}/")
    page.keyboard.press("r")
    field = page.locator("textarea[name=text]")
    expect(field).to_be_focused()
    expect(page.get_by_role("toolbar", name="Formatting")).to_have_count(0)
    page.keyboard.type("It left us *today*.")
    saved(page)
    assert_accessible(page)
    page.reload()
    page.get_by_role("link", name="Go on writing").click()
    expect(field).to_have_value("It left us *today*.")
    drop(page, ".composer-fields", ("shot.png", "image/png", PNG))
    expect(page.locator(".attached[data-file]")).to_have_count(1)

    send(page)

    mail = sent_mail(smtp)
    kinds = [part.get_content_type() for part in mail.walk() if not part.is_multipart()]
    assert kinds == ["text/plain", "image/png"]
    assert "It left us *today*." in body_of(mail, "text/plain")
    assert EmailMessage.objects.get(incoming=False).html_body == ""
    assert watched.policy_errors == []


@pytest.mark.usefixtures("plain")
def test_template_and_quick_text_in_a_plain_field(log_in: Any, ana: User, case: Case) -> None:
    Case.objects.filter(pk=case.pk).update(supplied_name="", contact=None)
    EmailTemplate.objects.create(name="Thanks", html_body="<p>Dear {{ customer.first_name }},</p><p>thank you.</p>")
    QuickText.objects.create(shortcut="bye", name="Goodbye", body="Goodbye!")
    page = log_in(ana).open(f"/cases/{case.number}/")
    page.keyboard.press("r")
    field = page.locator("textarea[name=text]")
    expect(field).to_be_focused()

    page.get_by_label("Template", exact=True).select_option(label="Thanks")
    expect(field).to_have_value("Dear {{ customer.first_name }},\n\nthank you.")
    page.keyboard.type("Casey")  # over the mark
    page.keyboard.press("Control+End")
    page.keyboard.type(" ;by")
    expect(page.locator(".options [role=option]")).to_contain_text(";bye")
    page.keyboard.press("Enter")

    expect(field).to_have_value("Dear Casey,\n\nthank you. Goodbye!")
    expect(page.locator("[data-warnings]")).to_have_text("")


# What our policy would report
# ------------------------------------------------------------------------------------------------------------
def test_nothing_that_is_typed_formatted_pasted_or_sent_breaks_the_policy(
    log_in: Any, ana: User, case: Case, smtp: FakeSmtpServer
) -> None:
    watched = log_in(ana)
    page = reply_on(watched, case, "Dear Casey,")
    grip = page.get_by_role("separator", name="Height of the text")
    grip.press("ArrowUp")  # the composer has a height of its own from now on
    editor(page).click()
    for name in ("Bold", "Italic", "Underline", "List", "Numbered list", "Quote"):
        page.keyboard.press("Control+End")
        page.keyboard.press("Enter")
        button = page.get_by_role("button", name=name, exact=True)
        button.click()
        page.keyboard.type(name)
        button.click()
    page.keyboard.press("Control+a")
    page.get_by_role("button", name="Clear formatting").click()
    paste(page, html='<h1 style="color:red">Title</h1><p style="font-size:40px">Words <b style="">bold</b></p>')
    page.evaluate(PASTE_TYPES, {"text/rtf": "{\\\\rtf1 words}", "text/plain": "from a word processor"})
    page.evaluate(PASTE_TYPES, {"text/rtf": "{\\\\rtf1 words}"})
    # A browser that joins two blocks of different looks writes styles to keep them.
    page.keyboard.press("Home")
    for _time in range(8):
        page.keyboard.press("Backspace")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+y")
    page.keyboard.press("Control+End")
    page.keyboard.insert_text(" مرحبا ")
    page.keyboard.press("Control+a")
    page.keyboard.press("Control+c")
    page.keyboard.press("Control+x")
    page.keyboard.type("Dear Casey, it left us today.")
    saved(page)
    send(page)
    page.keyboard.press("a")  # another composer where the first one stood
    expect(editor(page)).to_be_focused()
    page.keyboard.type("And one more thing")
    page.locator("[data-composer] a[data-mode=forward]").click()
    expect(primary(page)).to_contain_text("Forward")
    page.locator("#list a.row").first.click()
    page.keyboard.press("Escape")

    expect(page.locator(".sending").last).to_contain_text("Not sent yet")
    assert watched.policy_errors == []
    assert "from a word processor" not in EmailMessage.objects.get(incoming=False).html_body


# What is no draft
# ------------------------------------------------------------------------------------------------------------
# What add-ons of browsers, and whoever takes a picture of the page, do to a field that can be written in.
TOUCH = """element => {
  element.setAttribute("data-gramm", "false");
  element.style.setProperty("caret-color", "transparent", "important");
}"""


def test_composer_in_which_nobody_wrote_leaves_no_draft(log_in: Any, ana: User, case: Case) -> None:
    page = reply_on(log_in(ana), case, "")
    editor(page).evaluate(TOUCH)
    page.get_by_role("link", name="Reply to all").click()
    expect(page.get_by_role("link", name="Reply to all")).to_have_attribute("aria-current", "true")
    editor(page).evaluate(TOUCH)
    page.wait_for_timeout(2000)  # longer than what was typed waits to be saved
    page.goto("about:blank")  # asks nobody whether to leave

    assert not Draft.objects.exists()


def test_what_was_taken_away_again_leaves_no_draft(log_in: Any, ana: User, case: Case) -> None:
    page = reply_on(log_in(ana), case, "No")
    saved(page)
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")

    page.get_by_role("link", name="Close the composer").click()

    expect(page.locator("form[data-composer]")).to_have_count(0)
    assert not Draft.objects.exists()
