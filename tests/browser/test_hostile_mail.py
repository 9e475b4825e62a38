"""Opening a mail runs no script, asks no other host for anything, and shows what stands before and after an attack."""

from __future__ import annotations

from typing import Any

import pytest

from tests.factories import CaseFactory, EmailMessageFactory, InboundEmailFactory, QueueFactory, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCRIPT = """</title><script>window.pwned=1</script>"><img src=x onerror=window.pwned=1>"""
ATTACKS = {
    "script and handler": '<script>window.pwned=1</script><img src=x onerror="window.pwned=1">',
    "links": (
        '<a href="java\tscript:window.pwned=1">c</a><a href=" javascript:window.pwned=1">d</a>'
        '<a href="&#106;avascript:window.pwned=1">e</a><a href="data:text/html,<script>1</script>">f</a>'
    ),
    "svg and math": (
        '<svg><style><img src=x onerror="window.pwned=1"></style></svg>'
        "<math><mtext><table><mglyph><style><img src=x onerror=window.pwned=1>"
    ),
    "noscript": '<noscript><p title="</noscript><img src=x onerror=window.pwned=1>">',
    "frames and refresh": (
        '<iframe srcdoc="<script>parent.pwned=1</script>"></iframe><object data="data:text/html,x"></object>'
        '<embed src=x><base href="http://127.0.0.1:SINK/">'
        '<meta http-equiv=refresh content="0;url=http://127.0.0.1:SINK/">'
    ),
    "overlay": (
        '<div style="position:fixed;inset:0;z-index:99999;background:#fff">Session expired</div>'
        "<style>body{display:none}.reply{visibility:hidden}</style>"
    ),
    "closing tags": (
        "</div></div></td></table></body></html><h1>outside</h1><!-- unclosed <img src=x onerror=window.pwned=1>"
    ),
    "pictures": (
        '<img src="http://127.0.0.1:SINK/p.gif"><img srcset="http://127.0.0.1:SINK/s 1x">'
        '<picture><source srcset="http://127.0.0.1:SINK/q"></picture>'
    ),
    "styles": (
        '<div style="background:url(http://127.0.0.1:SINK/b)">x</div>'
        '<p style="list-style-image:u\\72l(http://127.0.0.1:SINK/l)">y</p>'
        '<style>@import "http://127.0.0.1:SINK/i.css";@font-face{font-family:a;src:url(http://127.0.0.1:SINK/f)}</style>'
    ),
    "ping and odd hosts": (
        '<a href="http://127.0.0.1:SINK/ping" ping="http://127.0.0.1:SINK/pp">link</a>'
        '<img src="file:///etc/passwd"><img src="http://[::ffff:127.0.0.1]:SINK/m">'
        '<link rel="dns-prefetch" href="//127.0.0.1:SINK"><link rel=stylesheet href="http://127.0.0.1:SINK/c">'
    ),
    "many tags": "<div>" * 100_000,
}


@pytest.fixture
def rep() -> Any:
    return UserFactory(username="lee")


@pytest.fixture
def queue(rep: Any) -> Any:
    queue = QueueFactory()
    queue.members.add(rep)
    return queue


def wait_until_true(page: Any, expression: str) -> None:
    """Ask from outside until it holds: Playwright's own waiting evaluates in the page, which its policy forbids."""
    for _ in range(600):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never became true: {expression}")


@pytest.mark.parametrize("name", ATTACKS)
def test_a_hostile_mail_is_shown_and_does_nothing(name: str, rep: Any, queue: Any, log_in: Any, sink: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    html = f"<p>before-tag</p>{ATTACKS[name]}<p>after-tag</p>".replace("SINK", str(sink.port))
    EmailMessageFactory(case=case, html_body=html, text_body="")
    watched = log_in(rep)

    page = watched.open(f"/cases/{case.number}/")

    shown = page.frame_locator("iframe.mail-frame").locator("body")
    assert "before-tag" in shown.inner_text()
    assert "after-tag" in shown.inner_text()
    assert page.url.endswith(f"/cases/{case.number_text}/") or page.url.endswith(f"/cases/{case.number}/")
    assert not watched.was_taken_over
    assert watched.dialogs == []
    assert watched.foreign == []
    assert watched.policy_errors == []
    assert sink.seen == []


def test_the_frame_stays_inert_when_its_url_is_opened_alone(rep: Any, queue: Any, log_in: Any, sink: Any) -> None:
    message = EmailMessageFactory(case=CaseFactory(owner_queue=queue), html_body="<p>hello</p>" + ATTACKS["links"])
    watched = log_in(rep)

    page = watched.open(f"/cases/{message.case.number}/messages/{message.pk}/html/")
    ran = page.evaluate(
        "() => { try { const s = document.createElement('script'); s.text = 'window.pwned = 1';"
        " document.body.append(s); } catch (e) {} return Boolean(window.pwned); }"
    )

    assert "hello" in page.inner_text("body")
    assert ran is False
    assert watched.foreign == []


def test_words_of_strangers_run_nowhere(rep: Any, queue: Any, log_in: Any) -> None:
    case = CaseFactory(owner_queue=queue, subject=SCRIPT, supplied_name="<img src=x onerror=window.pwned=1>")
    inbound = InboundEmailFactory(state="case", subject=SCRIPT[:255], from_address=SCRIPT[:254])
    EmailMessageFactory(
        case=case,
        subject=SCRIPT + "2",
        from_name="<img src=x onerror=window.pwned=1>",
        snippet=SCRIPT,
        inbound_email=inbound,
    )
    rep.is_staff = rep.is_superuser = True
    rep.save()
    watched = log_in(rep)

    for path in (
        "/cases/?view=open",
        f"/cases/{case.number}/",
        "/admin/",
        "/admin/cases/inboundemail/",
        f"/admin/cases/inboundemail/{inbound.pk}/change/",
        f"/admin/cases/inboundemail/{inbound.pk}/raw/",
        "/admin/cases/case/",
        f"/admin/cases/case/{case.pk}/change/",
        "/admin/cases/emailmessage/",
        "/admin/cases/caseevent/",
    ):
        watched.open(path)

        assert not watched.was_taken_over, path
    assert watched.dialogs == []
    assert watched.foreign == []


def test_plain_text_stays_text(rep: Any, queue: Any, log_in: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    text = "<b>not bold</b> <script>window.pwned=1</script> javascript:window.pwned=1 https://ok.example/a"
    text += " http://evil.example/\u202etxt"
    EmailMessageFactory(case=case, text_body=text)
    watched = log_in(rep)

    page = watched.open(f"/cases/{case.number}/")

    assert "<b>not bold</b> <script>" in page.inner_text(".mail-text")
    assert [link.get_attribute("href") for link in page.locator(".mail-text a").all()] == ["https://ok.example/a"]
    assert not watched.was_taken_over


def test_bidi_controls_of_one_row_do_not_reach_the_next(rep: Any, queue: Any, log_in: Any) -> None:
    EmailMessageFactory(
        case=CaseFactory(owner_queue=queue, subject="Ordinary subject", supplied_name="Casey Customer")
    )
    EmailMessageFactory(case=CaseFactory(owner_queue=queue, subject="\u202egnp.exe", supplied_name="\u202eyesaC"))
    page = log_in(rep).open("/cases/?view=queues")

    directions = page.eval_on_selector_all("bdi", "all => all.map(one => getComputedStyle(one).unicodeBidi)")

    assert set(directions) == {"isolate"}
    assert page.locator(".row").count() == 2


def test_the_frame_is_as_high_as_its_mail(rep: Any, queue: Any, log_in: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    EmailMessageFactory(case=case, html_body="<p>line</p>" * 60 + "<table width=2000><tr><td>wide</table>")
    page = log_in(rep).open(f"/cases/{case.number}/")

    wait_until_true(page, "document.querySelector('iframe.mail-frame').getBoundingClientRect().height > 1000")

    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_the_picture_of_a_frame_follows_a_fold_that_is_opened(rep: Any, queue: Any, log_in: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    EmailMessageFactory(
        case=case, reply_text="new", html_body="<p>new</p><blockquote type=cite>" + "<p>old</p>" * 40 + "</blockquote>"
    )
    page = log_in(rep).open(f"/cases/{case.number}/")
    height = "document.querySelector('iframe.mail-frame').getBoundingClientRect().height"
    wait_until_true(page, f"{height} < 250")

    page.frame_locator("iframe.mail-frame").locator("details.quote > summary").click()

    wait_until_true(page, f"{height} > 800")


def test_no_page_scrolls_sideways(rep: Any, queue: Any, log_in: Any) -> None:
    queue.name = "A queue with a very long name for refunds and returns and all that"
    queue.save()
    case = CaseFactory(owner_queue=queue, subject="Donaudampfschifffahrtsgesellschaft" * 12, supplied_name="N" * 200)
    EmailMessageFactory(case=case, text_body="w" * 3000, from_name="N" * 200, from_address="a" * 200 + "@example.net")
    watched = log_in(rep)

    for path in ("/cases/?view=queues", f"/cases/{case.number}/", "/cases/00000000/"):
        page = watched.open(path)
        for width in (1440, 768, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)
