"""A case is read in a real browser: what is folded, what is asked of other servers, what keeps its place."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from cases.blobs import put_many
from cases.models import Attachment, CaseComment, CaseEvent, EmailAddress, Outbox
from tests.browser.test_hostile_mail import wait_until_true
from tests.factories import CaseFactory, EmailMessageFactory, QueueFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

QUOTE = (
    '<div class="gmail_quote"><div class="gmail_attr">On Mon, Nov 2, 2026 at 12:00 PM Support '
    "&lt;s@company.example&gt; wrote:</div><blockquote class='gmail_quote'>It left us today.</blockquote></div>"
)
FRAME = "iframe.mail-frame"
FRAME_HEIGHT = f"document.querySelector('{FRAME}').getBoundingClientRect().height"


@pytest.fixture
def rep() -> Any:
    return UserFactory(username="lee")


@pytest.fixture
def case(rep: Any) -> Any:
    queue = QueueFactory()
    queue.members.add(rep)
    return CaseFactory(owner_queue=queue, subject="Order 17")


def long_conversation(case: Any, count: int) -> None:
    start = timezone.now() - timedelta(hours=count)
    for number in range(count):
        EmailMessageFactory(
            case=case,
            text_body=f"mail number {number:02d}\n" + "line\n" * 8,
            snippet=f"mail number {number:02d}",
            received_at=start + timedelta(hours=number),
        )


def test_the_quote_of_html_is_folded_and_opens_by_key(case: Any, rep: Any, log_in: Any) -> None:
    EmailMessageFactory(case=case, html_body=f"<div>It came, thank you!</div><br>{QUOTE}")
    page = log_in(rep).open(f"/cases/{case.number}/")
    frame = page.frame_locator(FRAME)
    expect(frame.get_by_text("It came, thank you!")).to_be_visible()
    expect(frame.get_by_text("It left us today.")).to_be_hidden()
    before = page.evaluate(FRAME_HEIGHT)

    frame.locator("summary", has_text="Earlier mail").focus()
    page.keyboard.press("Enter")

    expect(frame.get_by_text("It left us today.")).to_be_visible()
    wait_until_true(page, f"{FRAME_HEIGHT} > {before}")


def test_a_fold_that_goes_on_elsewhere_opens_as_one(case: Any, rep: Any, log_in: Any) -> None:
    html = (
        "<table><tr><td>It came!</td></tr><tr><td>-- <br>Casey</td></tr></table><blockquote type=cite>old</blockquote>"
    )
    EmailMessageFactory(case=case, html_body=html)
    frame = log_in(rep).open(f"/cases/{case.number}/").frame_locator(FRAME)
    expect(frame.get_by_text("It came!")).to_be_visible()
    expect(frame.get_by_text("old", exact=True)).to_be_hidden()

    frame.locator("summary").click()

    expect(frame.get_by_text("old", exact=True)).to_be_visible()
    expect(frame.get_by_text("Casey")).to_be_visible()


def test_the_signature_of_text_is_folded(case: Any, rep: Any, log_in: Any) -> None:
    EmailMessageFactory(case=case, text_body="It came!\n\n-- \nCasey\nLamps Ltd", reply_text="It came!")
    page = log_in(rep).open(f"/cases/{case.number}/")
    expect(page.get_by_text("Lamps Ltd")).to_be_hidden()

    page.locator("summary", has_text="Signature").click()

    expect(page.get_by_text("Lamps Ltd")).to_be_visible()


def test_pictures_are_asked_for_after_the_click_and_only_then(case: Any, rep: Any, log_in: Any) -> None:
    html = (
        '<p>News</p><img src="https://pictures.example/a.png" width=40 height=40>'
        '<img src="https://tracker.example/p.gif" width=1 height=1>'
    )
    EmailMessageFactory(case=case, html_body=html)
    watched = log_in(rep)
    asked: list[tuple[str, str]] = []

    def answer(route: Any) -> None:
        asked.append((route.request.url, route.request.headers.get("referer", "")))
        route.fulfill(status=204)

    watched.page.context.route("https://*.example/**", answer)
    page = watched.open(f"/cases/{case.number}/")
    frame = page.frame_locator(FRAME)
    expect(frame.locator(".notice")).to_contain_text(
        "1 picture from another server is not loaded. 1 tracking pixel was left out."
    )
    assert asked == []

    frame.get_by_role("link", name="Show once").click()

    expect(frame.locator(".notice")).to_contain_text("1 picture from another server is shown for now.")
    page.wait_for_load_state("networkidle")
    assert asked == [("https://pictures.example/a.png", "")]
    page.reload()
    page.wait_for_load_state("networkidle")
    expect(frame.locator(".notice")).to_contain_text("is not loaded")
    assert len(asked) == 1


def test_unencrypted_pictures_and_pixels_are_never_loaded(case: Any, rep: Any, log_in: Any, sink: Any) -> None:
    html = f'<p>x</p><img src="http://127.0.0.1:{sink.port}/a.png"><img src="http://127.0.0.1:{sink.port}/p" width=1>'
    message = EmailMessageFactory(case=case, html_body=html)
    watched = log_in(rep)

    watched.open(f"/cases/{case.number}/")
    watched.open(f"/cases/{case.number}/messages/{message.pk}/html/?images=1")

    assert sink.seen == []
    assert watched.foreign == []


@pytest.mark.parametrize("width", [1440, 390])
def test_a_wide_table_scrolls_in_its_frame(case: Any, rep: Any, log_in: Any, width: int) -> None:
    EmailMessageFactory(case=case, html_body="<table><tr>" + f"<td nowrap>{'words ' * 9}" * 6 + "</table>")
    watched = log_in(rep)
    watched.page.set_viewport_size({"width": width, "height": 844})

    page = watched.open(f"/cases/{case.number}/")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(
        "document.getElementById('conversation').scrollWidth <= document.getElementById('conversation').clientWidth"
    )
    inner = f"document.querySelector('{FRAME}').contentDocument"
    assert page.evaluate(f"Math.max({inner}.body.scrollWidth, {inner}.documentElement.scrollWidth)") > 1000


def test_earlier_mail_comes_without_moving_what_is_read(case: Any, rep: Any, log_in: Any) -> None:
    long_conversation(case, 60)
    page = log_in(rep).open(f"/cases/{case.number}/")
    box = page.locator("#conversation")
    box.evaluate("box => { box.scrollTop = 0; }")
    link = page.get_by_role("link", name="Show earlier mail")
    first = page.locator(".timeline > li[id^=message-]").first
    name = first.get_attribute("id")
    before = first.bounding_box()["y"]

    link.click()

    expect(page.locator(".timeline > li[id^=message-]")).to_have_count(60)
    assert abs(page.locator(f"#{name}").bounding_box()["y"] - before) <= 48  # the height of the link that is gone
    expect(link).to_have_count(0)
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    expect(page.get_by_text("mail number 00").first).to_be_attached()


def test_a_long_conversation_opens_at_its_newest_mail(case: Any, rep: Any, log_in: Any) -> None:
    long_conversation(case, 60)

    page = log_in(rep).open(f"/cases/{case.number}/")

    expect(page.locator(".timeline > .newest")).to_be_in_viewport()


def test_three_mails_are_seen_at_once(case: Any, rep: Any, log_in: Any) -> None:
    for number in range(3):
        EmailMessageFactory(
            case=case,
            from_name="Casey Customer",
            text_body="Hello,\n\nmy lamp came broken. Can you send a new one?\nIt is a present.\n\nCasey",
            received_at=timezone.now() - timedelta(hours=3 - number),
        )

    page = log_in(rep).open(f"/cases/{case.number}/")

    for mail in page.locator(".mail").all():
        expect(mail).to_be_in_viewport(ratio=1)


def test_reading_works_without_javascript(
    case: Any, rep: Any, log_in: Any, browser: Any, context: Any, live_server: Any
) -> None:
    long_conversation(case, 45)
    EmailMessageFactory(case=case, html_body=f"<div>It came!</div>{QUOTE}", text_body="")
    CaseComment.objects.create(case=case, author=rep, body="Careful here")
    log_in(rep)
    plain = browser.new_context(java_script_enabled=False)
    plain.add_cookies(context.cookies())
    page = plain.new_page()
    page.goto(f"{live_server.url}/cases/{case.number}/")
    expect(page.get_by_text("Careful here")).to_be_visible()
    frame = page.frame_locator(FRAME)
    expect(frame.get_by_text("It left us today.")).to_be_hidden()
    frame.locator("summary").click()
    expect(frame.get_by_text("It left us today.")).to_be_visible()

    page.get_by_role("link", name="Show earlier mail").click()

    expect(page.get_by_text("mail number 00").first).to_be_visible()
    page.get_by_role("link", name="Files").click()
    expect(page.get_by_text("This case has no files.")).to_be_visible()
    plain.close()


def test_a_conversation_is_read_by_keyboard_alone(case: Any, rep: Any, log_in: Any) -> None:
    long_conversation(case, 5)
    for number in range(5):
        CaseEvent.objects.create(case=case, kind="status_changed", because=f"step {number}")
    page = log_in(rep).open(f"/cases/{case.number}/")
    folded = page.locator("details.mail:not([open]) > summary").first
    expect(page.get_by_text("step 3")).to_be_hidden()

    folded.focus()
    page.keyboard.press("Enter")
    changes = page.locator(".changes summary")
    for _step in range(40):
        if changes.evaluate("element => element === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Space")

    expect(page.locator("details.mail[open]")).to_have_count(4)
    expect(page.get_by_text("step 3")).to_be_visible()


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize(
    ("subject", "text", "direction"),
    [
        ("طلب رقم 4711 وصل مكسوراً", "مرحباً،\n\nوصل المصباح مكسوراً.", "rtl"),
        (
            "注文番号4711のランプが壊れていました" * 6,
            "お世話になっております。\n\nランプが壊れて届きました。" * 20,
            "ltr",
        ),
    ],
)
def test_other_scripts_read_in_their_direction(
    case: Any, rep: Any, log_in: Any, width: int, subject: str, text: str, direction: str
) -> None:
    case.subject = subject
    case.save()
    EmailMessageFactory(case=case, from_name="محمد الأحمد" * 8, text_body=text)
    watched = log_in(rep)
    watched.page.set_viewport_size({"width": width, "height": 844})

    page = watched.open(f"/cases/{case.number}/")

    assert page.locator(".mail-text").evaluate("text => getComputedStyle(text).direction") == direction
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("html", "ground"),
    [
        ("<p>Plain words</p>", "rgba(0, 0, 0, 0)"),
        ('<p style="color:#333">Made for white</p>', "rgb(255, 255, 255)"),
    ],
)
def test_only_plain_words_are_dark_on_a_dark_page(case: Any, rep: Any, log_in: Any, html: str, ground: str) -> None:
    EmailMessageFactory(case=case, html_body=html)
    watched = log_in(rep)
    watched.page.emulate_media(color_scheme="dark")

    page = watched.open(f"/cases/{case.number}/")

    inner = f"document.querySelector('{FRAME}').contentDocument.documentElement"
    assert page.evaluate(f"getComputedStyle({inner}).backgroundColor") == ground
    ink = page.evaluate(f"getComputedStyle({inner}).color")
    assert (ink == "rgb(231, 233, 236)") is (ground != "rgb(255, 255, 255)")


def test_new_mail_is_a_line_until_it_is_asked_for(case: Any, rep: Any, log_in: Any) -> None:
    long_conversation(case, 3)
    page = log_in(rep).open(f"/cases/{case.number}/")
    seen = int(page.locator(".timeline > .newest").get_attribute("id").removeprefix("message-"))
    new = EmailMessageFactory(case=case, text_body="Something new", received_at=timezone.now())

    show_new_mail(page, case, seen, new.pk)

    expect(page.get_by_text("Something new")).to_be_visible()
    expect(page.locator(".new-mail a")).to_have_count(0)
    expect(page.locator(".timeline > li[id^=message-]")).to_have_count(4)


def show_new_mail(page: Page, case: Any, seen: int, newest: int) -> None:
    """Put the line where the live answer puts it, and click it."""
    page.evaluate(
        """([number, seen, newest]) => {
          const line = document.createElement("p");
          line.className = "new-mail";
          line.innerHTML = `<a href="#" hx-get="/cases/${number}/newer/?after=${seen}" hx-target="#timeline"
            hx-swap="beforeend show:none" data-new-mail="${newest}">1 new mail, show</a>`;
          document.querySelector(".timeline").after(line);
          htmx.process(line);
        }""",
        [case.number, seen, newest],
    )
    page.get_by_text("1 new mail, show").click()


def test_all_files_of_a_case_stand_on_one_page(case: Any, rep: Any, log_in: Any) -> None:
    message = EmailMessageFactory(case=case, from_name="Casey Customer")
    EmailAddress.objects.create(email_message=message, role="to", address="s@company.example")
    (blob,) = put_many([b"%PDF-1.4 words"]).values()
    Attachment.objects.create(
        email_message=message, blob=blob, position=0, file_name="invoice.pdf", content_type="application/pdf"
    )
    page = log_in(rep).open(f"/cases/{case.number}/")

    page.get_by_role("link", name="Files").click()

    expect(page.locator(".file-list")).to_contain_text("invoice.pdf")
    expect(page.locator(".file-origin")).to_contain_text("Casey Customer")
    with page.expect_download() as download:
        page.get_by_role("link", name="invoice.pdf").click()
    assert download.value.suggested_filename == "invoice.pdf"


def test_a_conversation_with_everything_breaks_no_rule_of_wcag(
    case: Any, rep: Any, log_in: Any, assert_accessible: Any
) -> None:
    (blob,) = put_many([b"%PDF-1.4 words"]).values()
    mail = EmailMessageFactory(
        case=case,
        html_body=f"<p>It came!</p>{QUOTE}",
        flags=["dmarc_failed"],
        authenticated_by="mx.example",
        also_received_by=["sales@company.example"],
    )
    EmailAddress.objects.create(email_message=mail, role="to", address="s@company.example", name="Support")
    for position, minor in enumerate((False, True)):
        Attachment.objects.create(
            email_message=mail, blob=blob, position=position, file_name="a.pdf", is_repeated=minor
        )
    EmailMessageFactory(case=case, text_body="It came!\n\n> old words", reply_text="It came!")
    sent = EmailMessageFactory(case=case, outgoing=True, status="failed", text_body="Our words")
    Outbox.objects.create(
        key="k", kind="reply", case=case, email_message=sent, recipient="c@example.net", state="failed", detail="550"
    )
    CaseComment.objects.create(case=case, author=rep, body="Careful https://wiki.example/")
    for number in range(5):
        CaseEvent.objects.create(case=case, kind="status_changed", because=f"step {number}")
    watched = log_in(rep)
    watched.page.set_viewport_size({"width": 560, "height": 844})  # the conversation alone
    page = watched.open(f"/cases/{case.number}/")
    for fold in page.locator("#conversation details:not([open]) > summary").all():
        if fold.is_visible():
            fold.click()

    assert_accessible(page)
    page.get_by_role("link", name="Files").click()
    expect(page.locator(".file-list").first).to_be_visible()
    assert_accessible(page)


def test_on_paper_every_mail_is_open_and_nothing_is_to_click(case: Any, rep: Any, log_in: Any) -> None:
    long_conversation(case, 6)
    page = log_in(rep).open(f"/cases/{case.number}/")
    expect(page.locator("details.mail:not([open])")).to_have_count(3)

    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")

    expect(page.locator("details.mail:not([open])")).to_have_count(0)
    for hidden in ("#list", "#views", ".bar", ".case-tabs", ".answer"):
        for part in page.locator(hidden).all():
            expect(part).to_be_hidden()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("details.mail:not([open])")).to_have_count(3)
