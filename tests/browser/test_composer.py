"""Writing a mail in a real browser: what is typed, pasted and chosen is what leaves, and nothing gets lost."""

from __future__ import annotations

from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect

from cases.models import Case, Draft, EmailMessage, Outbox
from routing.models import EmailTemplate, QuickText, RoutingAddress
from tests.browser.test_reply import deliver_all
from tests.cases.outbound.people import case_with_mail
from tests.factories import ParticipantFactory
from tests.fake_smtp import FakeSmtpServer

pytestmark = pytest.mark.django_db(transaction=True)

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360000002000001"
    "e221bc330000000049454e44ae426082"
)
PASTE = """([html, text, picture]) => {
  const carried = new DataTransfer();
  if (html) carried.setData("text/html", html);
  if (text) carried.setData("text/plain", text);
  if (picture.length) carried.items.add(new File([Uint8Array.from(picture)], "shot.png", { type: "image/png" }));
  const paste = new ClipboardEvent("paste", { clipboardData: carried, bubbles: true, cancelable: true });
  document.activeElement.dispatchEvent(paste);
}"""


@pytest.fixture
def watched(log_in: Any, ana: User, case: Case, live_server: Any) -> Any:
    """A rep who pressed r on the case."""
    watched = log_in(ana)
    watched.open(f"/cases/{case.number}/")
    watched.page.keyboard.press("r")
    expect(editor(watched.page)).to_be_focused()
    return watched


@pytest.fixture
def page(watched: Any) -> Page:
    return watched.page


def editor(page: Page) -> Any:
    return page.get_by_role("textbox", name="Your reply")


def saved(page: Page) -> Any:
    return expect(page.locator("[data-draft-state]")).to_contain_text("Saved")


def send(page: Page) -> None:
    page.locator("[data-composer] button.primary").click()
    expect(page.get_by_text("Not sent yet")).to_be_visible()


def sent_mail(smtp: FakeSmtpServer) -> Message:
    deliver_all()
    [taken] = smtp.ledger
    return taken.message


def body_of(mail: Message, kind: str) -> str:
    [part] = [each for each in mail.walk() if each.get_content_type() == kind]
    payload = part.get_payload(decode=True)
    assert isinstance(payload, bytes)
    return payload.decode()


def paste(page: Page, *, html: str = "", text: str = "", picture: bytes = b"") -> None:
    page.evaluate(PASTE, [html, text, list(picture)])


def test_formatting_leaves_as_html_and_as_text(watched: Any, page: Page, smtp: FakeSmtpServer) -> None:
    page.keyboard.type("It left us ")
    page.keyboard.press("Control+b")
    page.keyboard.type("today")
    page.keyboard.press("Control+b")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="List", exact=True).click()
    page.keyboard.type("one lamp")
    page.keyboard.press("Enter")
    page.keyboard.type("two bulbs")

    send(page)

    mail = sent_mail(smtp)
    assert "<b>today</b>" in body_of(mail, "text/html")
    assert "<li>" in body_of(mail, "text/html")
    words = body_of(mail, "text/plain").split()
    assert words[:10] == ["It", "left", "us", "today", "-", "one", "lamp", "-", "two", "bulbs"]
    assert watched.policy_errors == []


def test_toolbar_is_one_stop_with_arrow_keys(page: Page) -> None:
    page.keyboard.press("Alt+F10")
    expect(page.get_by_role("button", name="Bold")).to_be_focused()

    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("button", name="Italic")).to_be_focused()
    page.keyboard.press("Enter")

    expect(page.get_by_role("button", name="Italic")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Tab")
    expect(editor(page)).to_be_focused()


def test_pasted_html_brings_words_and_nothing_else(watched: Any, page: Page, smtp: FakeSmtpServer, sink: Any) -> None:
    host = f"http://127.0.0.1:{sink.port}"
    paste(
        page,
        html=f"""<p style="color:red;background:url({host}/style.png)">Dear <span style="font-weight:700">Casey</span>
        <img src="{host}/pixel.png"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>
        <a href="javascript:window.pwned=1">here</a><svg onload="window.pwned=1"></svg>
        <iframe src="{host}/frame"></iframe></p><p class="MsoListParagraph" style="mso-list:l0 level1 lfo1">
        <span style="mso-list:Ignore">·</span>first point</p>""",
    )

    expect(editor(page)).to_contain_text("Dear Casey")
    expect(editor(page).locator("b")).to_have_text("Casey")
    expect(editor(page).locator("li")).to_have_text("first point")
    saved(page)
    send(page)
    html = body_of(sent_mail(smtp), "text/html")
    assert not any(word in html for word in ("script", "onerror", "pixel", "style.png", "iframe", "svg", "127.0.0.1"))
    assert sink.seen == []
    assert not watched.was_taken_over
    assert watched.policy_errors == []


def test_pasted_picture_travels_inside_the_mail(watched: Any, page: Page, smtp: FakeSmtpServer) -> None:
    page.keyboard.type("Look here: ")

    paste(page, picture=PNG)

    expect(editor(page).locator("img")).to_have_count(1)
    send(page)
    mail = sent_mail(smtp)
    [picture] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert picture.get_payload(decode=True) == PNG
    assert f'src="cid:{picture["Content-ID"].strip("<>")}"' in body_of(mail, "text/html")
    assert watched.policy_errors == []


def test_recipients_are_chips_with_completion(page: Page) -> None:
    cc = page.get_by_role("combobox", name="Cc")
    cc.fill("kim@example.org, no address,")

    expect(page.get_by_text("Not an address: no address.")).to_be_visible()
    expect(page.locator("[data-composer] button.primary")).to_have_text("Reply to 3 people as Gold Support")
    cc.press("Backspace")
    expect(page.get_by_role("button", name="Remove no address")).to_be_focused()
    page.keyboard.press("Delete")
    expect(page.get_by_text("Not an address")).to_have_count(0)
    expect(page.locator("[data-composer] button.primary")).to_have_text("Reply to 2 people as Gold Support")


def test_person_who_was_found_for_fewer_letters_is_not_chosen_for_more(page: Page, case: Case) -> None:
    ParticipantFactory(case=case_with_mail(User.objects.get(username="ana")), address="cassandra@example.net")
    held: list[Route] = []
    page.route("**q=cass*", lambda route: held.append(route))
    field = page.get_by_role("combobox", name="Cc")
    field.click()
    page.keyboard.type("cas")
    expect(page.locator(".options [role=option]")).to_contain_text(["casey@example.net", "cassandra@example.net"])

    page.keyboard.type("sa")
    page.keyboard.press("Enter")  # before the answer is there

    expect(page.locator("[name=cc]")).to_have_value("cassandra@example.net")
    for route in held:
        route.abort()


def test_completion_offers_people_of_cases_that_one_may_see(page: Page) -> None:
    page.get_by_role("button", name="Remove casey@example.net").click()
    to = page.get_by_role("combobox", name="To")
    to.press_sequentially("case")

    expect(page.locator(".options [role=option]")).to_contain_text("casey@example.net")
    to.press("Enter")

    expect(page.get_by_role("button", name="Remove casey@example.net")).to_be_visible()


def test_template_fills_the_mail_and_marks_what_is_missing(page: Page, transactional_db: Any) -> None:
    EmailTemplate.objects.create(
        name="Thanks", html_body="<p>Case {{ case.number }}, dear {{ customer.nick_name }}!</p>"
    )
    page.reload()
    page.keyboard.press("r")
    expect(editor(page)).to_be_focused()

    page.get_by_label("Template", exact=True).select_option(label="Thanks")

    expect(editor(page)).to_contain_text("Case 0000")
    expect(page.locator("[data-warnings]")).to_contain_text("Nothing was filled in for {{ customer.nick_name }}.")
    assert page.evaluate("CSS.highlights.get('unfilled').size") == 1


def test_marks_of_a_template_are_filled_in_or_confirmed(page: Page, case: Case, smtp: FakeSmtpServer) -> None:
    Case.objects.filter(pk=case.pk).update(supplied_name="", contact=None)
    EmailTemplate.objects.create(
        name="Thanks", html_body="<p>Dear {{ customer.first_name }},</p><p>thank you, {{ customer.name }}.</p>"
    )
    page.reload()
    page.keyboard.press("r")
    expect(editor(page)).to_be_focused()
    page.get_by_label("Template", exact=True).select_option(label="Thanks")
    expect(editor(page)).to_contain_text("Dear {{ customer.first_name }},")

    page.keyboard.type("Casey")  # the first mark is selected

    expect(editor(page)).to_contain_text("Dear Casey,")
    page.keyboard.press("Control+Enter")
    expect(page.locator("[data-warnings]")).to_contain_text("Nothing was filled in for {{ customer.name }}.")
    expect(page.get_by_role("button", name="Send anyway")).to_be_focused()
    assert Outbox.objects.count() == 0
    mark = editor(page).get_by_text("customer.name").last
    box = mark.bounding_box()
    assert box is not None
    mark.click(position={"x": 120, "y": box["height"] / 2})
    assert page.evaluate("getSelection().toString()") == "{{ customer.name }}"
    page.keyboard.type("my friend")
    expect(page.get_by_role("button", name="Send anyway")).to_be_hidden()
    send(page)
    assert "thank you, my friend." in body_of(sent_mail(smtp), "text/plain")


def test_mail_with_a_mark_leaves_when_its_author_says_so(page: Page, smtp: FakeSmtpServer) -> None:
    page.keyboard.type("Write {{ name }} in the form")
    page.locator("[data-composer] button.primary").click()
    page.get_by_role("button", name="Send anyway").click()

    expect(page.get_by_text("Not sent yet")).to_be_visible()
    assert "Write {{ name }} in the form" in body_of(sent_mail(smtp), "text/plain")


def test_quick_text_is_written_by_its_shortcut(page: Page, transactional_db: Any) -> None:
    QuickText.objects.create(shortcut="thanks", name="Thanks for waiting", body="Thank you for waiting.")

    page.keyboard.type("Hello, ;tha")
    expect(page.locator(".options [role=option]")).to_contain_text(";thanks")
    page.keyboard.press("Enter")

    expect(editor(page)).to_have_text("Hello, Thank you for waiting.")


def test_files_show_their_way_and_go_again(page: Page, smtp: FakeSmtpServer) -> None:
    chooser = page.get_by_label("Choose files to attach")
    chooser.set_input_files(
        [
            {"name": "list.txt", "mimeType": "text/plain", "buffer": b"one"},
            {"name": "plan.txt", "mimeType": "text/plain", "buffer": b"two"},
        ]
    )
    expect(page.locator(".attached[data-file]")).to_have_count(2)

    page.get_by_role("button", name="Remove list.txt").click()

    expect(page.locator(".attached[data-file]")).to_have_count(1)
    page.get_by_label("Your reply").fill("See the plan.")
    send(page)
    names = [part.get_filename() for part in sent_mail(smtp).walk() if part.get_filename()]
    assert names == ["plan.txt"]


def test_too_large_a_file_is_refused_in_words(page: Page, tmp_path: Path) -> None:
    large = tmp_path / "film.bin"
    large.write_bytes(b"\0" * (19 * 1024 * 1024))

    page.get_by_label("Choose files to attach").set_input_files(str(large))

    expect(page.locator(".attached.is-wrong")).to_contain_text("Not added: all files of a mail together may have")


def test_draft_is_saved_by_itself_and_there_after_a_reload(page: Page, case: Case) -> None:
    page.keyboard.type("Half a sent")
    saved(page)

    page.reload()
    expect(page.get_by_text("You have a draft here.")).to_be_visible()
    page.get_by_role("link", name="Go on writing").click()

    expect(editor(page)).to_have_text("Half a sent")
    assert Draft.objects.get().case == case


def test_text_is_kept_while_there_is_no_connection(page: Page) -> None:
    page.context.set_offline(True)
    page.keyboard.type("Written in a tunnel")
    expect(page.locator("[data-draft-state]")).to_contain_text("Not saved: no connection")

    page.locator("[data-composer] button.primary").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent: no connection.")
    expect(editor(page)).to_have_text("Written in a tunnel")
    page.context.set_offline(False)
    saved(page)
    assert Draft.objects.get().text == "Written in a tunnel"


def test_logged_out_rep_keeps_the_text_and_sends_after_logging_in(
    page: Page, context: Any, smtp: FakeSmtpServer
) -> None:
    page.keyboard.type("Written for long")
    cookies = context.cookies()
    context.clear_cookies(name="sessionid")

    page.locator("[data-composer] button.primary").click()

    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent: you are logged out.")
    expect(editor(page)).to_have_text("Written for long")
    context.add_cookies(cookies)
    send(page)
    assert "Written for long" in body_of(sent_mail(smtp), "text/plain")


def test_two_tabs_with_one_draft_are_told_apart(page: Page, context: Any) -> None:
    page.keyboard.type("First tab")
    saved(page)
    other = context.new_page()
    other.goto(f"{page.url}?draft={Draft.objects.get().pk}#reply")
    expect(editor(other)).to_be_focused()
    other.keyboard.type("Second tab. ")
    saved(other)

    editor(page).press_sequentially(" goes on")

    expect(page.get_by_role("alert")).to_contain_text("This draft was changed in another tab.")
    assert Draft.objects.get().text.startswith("Second tab.")
    page.get_by_role("button", name="Keep the text in this window").click()
    saved(page)
    assert "goes on" in Draft.objects.get().text
    assert "Second" not in Draft.objects.get().text


def test_risky_mail_is_warned_of_while_it_is_written(page: Page, smtp: FakeSmtpServer) -> None:
    page.keyboard.type("See the attached list.")

    expect(page.locator("[data-warnings]")).to_contain_text("attach")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("button", name="Send anyway")).to_be_focused()
    assert Outbox.objects.count() == 0
    page.keyboard.press("Enter")

    expect(page.get_by_text("Not sent yet")).to_be_visible()
    assert Outbox.objects.count() == 1


def test_mail_is_sent_later(page: Page) -> None:
    page.keyboard.type("Good morning")
    page.get_by_text("Send later").click()
    page.get_by_role("button", name="Tomorrow").click()
    expect(page.locator("[data-composer] button.primary")).to_contain_text("Reply to 1 person as Gold Support on ")

    page.locator("[data-composer] button.primary").click()

    expect(page.get_by_role("button", name="Take back and edit")).to_be_visible()
    outbox = Outbox.objects.get()
    assert outbox.is_scheduled
    assert outbox.not_before is not None


def test_discarded_draft_comes_back_by_undo(page: Page) -> None:
    page.keyboard.type("Not so good")
    saved(page)

    page.get_by_role("button", name="Discard").click()
    expect(page.get_by_text("Draft discarded.")).to_be_visible()
    page.keyboard.press("Enter")

    expect(editor(page)).to_have_text("Not so good")
    assert Draft.objects.count() == 1


def test_discarded_draft_is_gone_when_one_goes_on(page: Page) -> None:
    page.keyboard.type("Not so good")
    saved(page)

    page.get_by_role("button", name="Discard").click()
    with page.expect_response(lambda answer: answer.url.endswith("/discard/")):
        pass

    expect(page.get_by_role("link", name="Reply", exact=True)).to_be_visible()
    assert Draft.objects.count() == 0


def test_forward_asks_whom_and_brings_the_mail(page: Page, smtp: FakeSmtpServer) -> None:
    page.keyboard.type("Can you look?")
    page.get_by_role("link", name="Forward", exact=True).click()
    expect(page.locator("[data-composer] button.primary")).to_have_text("Forward as Gold Support")
    page.get_by_role("combobox", name="To").fill("kim@company.example,")

    page.locator("[data-composer] button.primary").click()

    expect(page.get_by_role("button", name="Send anyway").or_(page.get_by_text("Not sent yet"))).to_be_visible()
    if page.get_by_role("button", name="Send anyway").is_visible():
        page.get_by_role("button", name="Send anyway").click()
    expect(page.get_by_text("Not sent yet")).to_be_visible()
    mail = sent_mail(smtp)
    assert mail["Subject"].startswith("Fwd:")
    assert "Can you look?" in body_of(mail, "text/plain")


def test_new_mail_opens_a_case(log_in: Any, ana: User, gold: RoutingAddress, live_server: Any) -> None:
    watched = log_in(ana)
    page = watched.open("/cases/new/")
    page.get_by_role("combobox", name="To").fill("new@example.org,")
    page.get_by_label("Subject").fill("Your order")
    page.get_by_label("Your reply").fill("It will be late.")

    page.locator("[data-composer] button.primary").click()

    expect(page.get_by_text("Not sent yet")).to_be_visible()
    assert EmailMessage.objects.get().case.subject == "Your order"


def test_escape_leaves_the_text_with_the_keys(page: Page) -> None:
    page.keyboard.type("Half a sent")
    page.keyboard.press("Escape")

    expect(page.locator("section.composer")).to_be_focused()
    expect(editor(page)).to_have_text("Half a sent")


def test_very_long_text_stays_usable(page: Page) -> None:
    paste(page, text="A line of words that goes on.\n" * 16_000)
    page.keyboard.type("end")

    expect(page.locator("[data-draft-state]")).to_contain_text("Saved")
    assert len(Draft.objects.get().text) > 470_000


def test_right_to_left_words_say_so(page: Page, smtp: FakeSmtpServer) -> None:
    page.keyboard.insert_text("مرحبا")

    send(page)

    assert 'dir="rtl"' in body_of(sent_mail(smtp), "text/html")


def test_composer_is_accessible_and_fits(page: Page, assert_accessible: Any) -> None:
    page.get_by_role("combobox", name="Cc").fill("kim@example.org, nonsense,")
    page.get_by_label("Choose files to attach").set_input_files(
        [{"name": f"a long name of a file {i}.txt", "mimeType": "text/plain", "buffer": b"x"} for i in range(20)]
    )
    expect(page.locator(".attached[data-file]")).to_have_count(20)

    assert_accessible(page)
    for width in (1440, 768, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    assert_accessible(page)
