"""One timeline: mails, notes, tasks and changes in the order in which they came, and what reading it costs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.comments import add_note
from cases.models import Case, CaseComment, CaseEvent, CaseVisit, Outbox
from cases.selectors.conversation import new_since
from cases.selectors.history import LINES_PER_KIND, LineKind, history_of
from cases.templatetags.case_pages import age_of, moment_words
from tests.cases.outbound.people import allow_replies
from tests.factories import CaseFactory, CaseTaskFactory, EmailMessageFactory, QueueFactory, UserFactory

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 2, 12, tzinfo=timezone.get_default_timezone())


@pytest.fixture
def queue() -> Any:
    return QueueFactory()


@pytest.fixture
def rep(queue: Any) -> Any:
    user = UserFactory(username="ben", first_name="Ben", last_name="Okafor")
    queue.members.add(user)
    return user


@pytest.fixture
def page(client: Client, rep: Any) -> Client:
    client.force_login(rep)
    return client


@pytest.fixture
def case(queue: Any) -> Case:
    return CaseFactory(owner_queue=queue)


def note(case: Case, body: str, *, at: datetime, author: Any = None) -> CaseComment:
    made = CaseComment.objects.create(case=case, author=author, body=body)
    CaseComment.objects.filter(pk=made.pk).update(created_at=at)
    return made


def change(case: Case, because: str, *, at: datetime, kind: str = "status_changed", actor: Any = None) -> None:
    made = CaseEvent.objects.create(case=case, kind=kind, because=because, actor=actor)
    CaseEvent.objects.filter(pk=made.pk).update(at=at)


def words_of(item: Any) -> str:
    if item.shown:
        return f"mail {item.shown.message.text_start}"
    if item.note:
        return f"note {item.note.text}"
    return " + ".join(f"{line.label} {line.because}" for line in item.lines)


def test_mails_notes_tasks_and_changes_stand_in_order(page: Client, case: Case, rep: Any) -> None:
    EmailMessageFactory(case=case, text_body="first", received_at=NOON)
    note(case, "Call them", at=NOON + timedelta(minutes=1), author=rep)
    change(case, "Working", at=NOON + timedelta(minutes=2))
    task = CaseTaskFactory(case=case, subject="Check the stock", owner=rep)
    type(task).objects.filter(pk=task.pk).update(created_at=NOON + timedelta(minutes=3))
    EmailMessageFactory(case=case, text_body="second", received_at=NOON + timedelta(minutes=4))

    timeline = page.get(f"/cases/{case.number}/").context["timeline"]

    assert [words_of(item) for item in timeline] == [
        "mail first",
        "note Call them",
        "Status changed Working + Task Check the stock (Not Started)",
        "mail second",
    ]


def test_a_note_says_that_it_is_internal_and_who_wrote_it(page: Client, case: Case, rep: Any) -> None:
    note(case, "<b>Careful</b> https://wiki.example/7", at=NOON, author=rep)

    content = page.get(f"/cases/{case.number}/").content.decode()

    _before, _mark, found = content.partition('<article class="note"')
    assert '<span class="note-mark">Internal</span>' in found
    assert "Ben Okafor" in found
    assert "&lt;b&gt;Careful&lt;/b&gt;" in found
    assert 'href="https://wiki.example/7"' in found


@pytest.mark.parametrize(("count", "folded"), [(3, False), (4, True), (7, True)])
def test_many_changes_in_a_row_fold_into_one_line(page: Client, case: Case, count: int, folded: bool) -> None:
    EmailMessageFactory(case=case, received_at=NOON)
    for number in range(count):
        change(case, f"step {number}", at=NOON + timedelta(minutes=number + 1))

    response = page.get(f"/cases/{case.number}/")

    assert (f"<summary>{count} changes</summary>" in response.content.decode()) is folded
    assert response.content.decode().count('<li class="event">') == count


def test_a_note_between_changes_keeps_them_apart(page: Client, case: Case) -> None:
    for minute in (1, 2, 4, 5):
        change(case, "step", at=NOON + timedelta(minutes=minute))
    note(case, "Listen", at=NOON + timedelta(minutes=3))

    items = page.get(f"/cases/{case.number}/").context["timeline"]

    assert [len(item.lines) for item in items] == [2, 0, 2]


def test_the_history_of_each_page_is_that_of_its_mails(page: Client, case: Case) -> None:
    for hour in range(45):
        at = NOON + timedelta(hours=hour)
        EmailMessageFactory(case=case, text_body=f"mail {hour:02d}", received_at=at)
        note(case, f"about {hour:02d}", at=at + timedelta(minutes=1))

    newest = page.get(f"/cases/{case.number}/").context
    earlier = page.get(f"/cases/{case.number}/earlier/?before={newest['earlier']}").context

    both = [words_of(item) for item in [*earlier["timeline"], *newest["timeline"]]]
    assert both == [words for hour in range(45) for words in (f"mail mail {hour:02d}", f"note about {hour:02d}")]
    assert len(earlier["timeline"]) == 10


def test_earlier_mail_is_a_fragment_of_lines(page: Client, case: Case) -> None:
    for hour in range(45):
        EmailMessageFactory(case=case, received_at=NOON + timedelta(hours=hour))
    before = page.get(f"/cases/{case.number}/").context["earlier"]

    content = page.get(f"/cases/{case.number}/earlier/?before={before}").content.decode()

    assert "<html" not in content
    assert content.count('<li id="message-') == 5


def test_nobody_else_sees_earlier_mail(client: Client, case: Case) -> None:
    client.force_login(UserFactory())

    assert client.get(f"/cases/{case.number}/earlier/").status_code == 404


def test_history_is_one_statement_and_of_each_kind_the_newest(case: Case, django_assert_num_queries: Any) -> None:
    CaseEvent.objects.bulk_create(
        CaseEvent(case=case, kind="status_changed", because=f"{number}") for number in range(LINES_PER_KIND + 5)
    )
    note(case, "kept", at=NOON)

    with django_assert_num_queries(1):
        lines = history_of(case)

    assert lines[0].kind == LineKind.NOTE
    assert [lines[1].text, lines[-1].text] == ["5", f"{LINES_PER_KIND + 4}"]


@pytest.mark.parametrize("count", [1, 60])
def test_a_case_page_costs_at_most_eight_queries(page: Client, case: Case, rep: Any, count: int) -> None:
    for number in range(count):
        EmailMessageFactory(case=case, outgoing=bool(number % 2), received_at=NOON + timedelta(hours=number))
        note(case, "x", at=NOON, author=rep)
        change(case, "y", at=NOON, actor=rep)
        CaseTaskFactory(case=case, owner=rep)

    with CaptureQueriesContext(connection) as captured:
        response = page.get(f"/cases/{case.number}/")

    assert response.status_code == 200
    assert len(captured) <= 8


def test_new_mail_is_counted_without_drafts(case: Case, rep: Any, django_assert_num_queries: Any) -> None:
    seen = EmailMessageFactory(case=case)
    newest = [EmailMessageFactory(case=case) for _number in range(2)][-1]
    EmailMessageFactory(case=case, status="draft", created_by=rep)
    EmailMessageFactory()

    with django_assert_num_queries(1):
        new = new_since(case, seen.pk)

    assert (new.count, new.newest) == (2, newest.pk)
    assert new_since(case, newest.pk).count == 0


def test_newer_mail_is_what_came_after_what_was_seen(page: Client, case: Case) -> None:
    seen = EmailMessageFactory(case=case, text_body="seen")
    EmailMessageFactory(case=case, text_body="came late", received_at=NOON)

    content = page.get(f"/cases/{case.number}/newer/?after={seen.pk}").content.decode()

    assert "came late" in content
    assert "seen" not in content.replace("last_seen", "")
    assert page.get(f"/cases/{case.number}/newer/?after=x").status_code == 200


def look(page: Client, case: Case, *, told: int | None = None, **seen: int) -> Any:
    fields = {"seen": 0, "changes": 0} | seen | ({} if told is None else {"told": told})
    return page.post(f"/cases/{case.number}/live/", fields, headers={"HX-Request": "true"})


def test_notes_and_changes_of_others_are_told_and_shown(page: Client, case: Case, rep: Any, queue: Any) -> None:
    EmailMessageFactory(case=case, received_at=NOON)
    change(case, "seen before", at=NOON)
    shown = page.get(f"/cases/{case.number}/").context["case"].newest_event
    kim = UserFactory(username="kim", first_name="Kim", last_name="Kind")
    queue.members.add(kim)
    allow_replies(kim)
    allow_replies(rep)
    add_note(case=case, author=kim, body="Careful <here>")
    add_note(case=case, author=rep, body="of the reader, on the page already")
    change(case, "by a colleague", at=NOON, actor=kim)
    change(case, "by no person", at=NOON)
    change(case, "by the reader", at=NOON, actor=rep)
    newest = CaseEvent.objects.exclude(actor=rep).latest("pk").pk

    answer = look(page, case, changes=shown, seen=case.messages.get().pk)
    lines = page.get(f"/cases/{case.number}/newer/?after={case.messages.get().pk}&changes={shown}")

    words = " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())
    assert words == "1 new note, 2 changes, show"
    assert answer.headers["HX-Trigger"] == "case-changed"
    assert f'name="told" value="{newest}"' in answer.content.decode()
    assert f'data-new-lines="{newest}"' in answer.content.decode()
    assert sorted(words_of(item) for item in lines.context["timeline"]) == [
        "Status changed by a colleague + Status changed by no person",
        "note Careful &lt;here&gt;",
    ]
    assert not look(page, case, changes=shown, told=newest).has_header("HX-Trigger")
    assert "show" not in look(page, case, changes=newest, seen=case.messages.get().pk).content.decode()


def test_a_look_costs_the_same_whatever_came(page: Client, case: Case, queue: Any) -> None:
    kim = UserFactory(username="kim")
    look(page, case)  # notes that the reader is here
    for number in range(60):
        EmailMessageFactory(case=case)
        change(case, f"{number}", at=NOON, actor=kim)

    with CaptureQueriesContext(connection) as captured:
        answer = look(page, case)
    with CaptureQueriesContext(connection) as newer:
        page.get(f"/cases/{case.number}/newer/?after=0&changes=0")

    assert "40 new mails, 40 changes, show" in " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())
    assert len(captured) <= 6  # two of them for who asks
    assert len(newer) <= 7


@pytest.mark.parametrize("path", ["live/", "newer/?after=0&changes=0"])
def test_nobody_else_hears_what_is_new(client: Client, case: Case, path: str) -> None:
    """OP10"""
    change(case, "secret", at=NOON)
    url = f"/cases/{case.number}/{path}"
    method = client.post if path == "live/" else client.get
    assert method(url).status_code == 302

    client.force_login(UserFactory())

    assert method(url).status_code == 404


def test_a_bounce_and_the_mail_that_it_is_about_lead_to_each_other(page: Client, case: Case) -> None:
    sent = EmailMessageFactory(case=case, outgoing=True, message_identifier="m1@company.example", received_at=NOON)
    bounce = EmailMessageFactory(
        case=case,
        is_bounce=True,
        bounce={"recipients": ["casey@example.net"], "reason": "", "original_message_id": "m1@company.example"},
    )

    content = page.get(f"/cases/{case.number}/").content.decode()

    of_sent, _line, of_bounce = content.partition(f'id="message-{bounce.pk}"')
    assert f'href="#message-{bounce.pk}"' in of_sent.partition(f'id="message-{sent.pk}"')[2]
    assert f'href="#message-{sent.pk}"' in of_bounce


def test_a_bounce_leads_to_the_page_of_the_mail_that_it_is_about(page: Client, case: Case) -> None:
    sent = EmailMessageFactory(case=case, outgoing=True, message_identifier="m1@company.example", received_at=NOON)
    EmailMessageFactory(outgoing=True, message_identifier="m1@company.example")  # of another case
    for hour in range(1, 100):
        EmailMessageFactory(case=case, received_at=NOON + timedelta(hours=hour))
    about = {"recipients": ["casey@example.net"], "reason": "", "original_message_id": "m1@company.example"}
    bounce = EmailMessageFactory(case=case, is_bounce=True, bounce=about, received_at=NOON + timedelta(days=9))

    with CaptureQueriesContext(connection) as captured:
        [link] = re.findall(
            r'<p class="related"><a href="([^"]+)"', page.get(f"/cases/{case.number}/").content.decode()
        )
    there = page.get(link.partition("#")[0]).content.decode()

    assert len(captured) <= 8
    assert link.endswith(f"#message-{sent.pk}")
    assert f'id="message-{sent.pk}"' in there
    assert f'id="message-{bounce.pk}"' not in there


def test_times_of_the_history_are_times_of_the_page(page: Client, case: Case) -> None:
    change(case, "<first answer>: Gold, due 2026-11-02 15:04 UTC", at=NOON, kind="service_level_near")
    change(case, "not a day: 2026-99-99 15:04 UTC", at=NOON)

    content = page.get(f"/cases/{case.number}/").content.decode()

    time = '<time datetime="2026-11-02T15:04:00+00:00" data-moment>'
    assert f"&lt;first answer&gt;: Gold, due {time}" in content
    assert "due 2026-11-02 15:04 UTC" not in content
    assert "not a day: 2026-99-99 15:04 UTC" in content


def test_other_addresses_that_received_it_are_named(page: Client, case: Case) -> None:
    EmailMessageFactory(case=case, also_received_by=["sales@company.example"])

    assert "<bdi>sales@company.example</bdi>" in page.get(f"/cases/{case.number}/").content.decode()


@pytest.mark.parametrize(
    ("hours", "words"),
    [(1, "today 1 p.m."), (24, "tomorrow noon"), (-24, "yesterday noon"), (72, "Nov. 5, 2026, noon")],
)
def test_a_moment_near_now_is_said_as_people_say_it(hours: int, words: str) -> None:
    assert moment_words(NOON + timedelta(hours=hours), NOON) == words


@pytest.mark.parametrize(
    ("zone", "words"), [("UTC", "1 Jan"), ("America/New_York", "31 Dec 2025"), ("Pacific/Auckland", "1 Jan")]
)
def test_the_date_of_an_age_has_its_year_where_that_is_another_one_to_its_reader(zone: str, words: str) -> None:
    new_year = datetime(2026, 1, 1, 0, 30, tzinfo=UTC)

    with timezone.override(zone):
        assert age_of(new_year, new_year + timedelta(days=30)) == words


def test_a_mail_that_is_scheduled_says_when_it_leaves(page: Client, case: Case, rep: Any) -> None:
    leaves = timezone.now() + timedelta(hours=3)
    message = EmailMessageFactory(case=case, outgoing=True, status="queued", created_by=rep)
    Outbox.objects.create(
        key="k1",
        kind="reply",
        case=case,
        email_message=message,
        recipient="casey@example.net",
        is_scheduled=True,
        not_before=leaves,
    )

    content = page.get(f"/cases/{case.number}/").content.decode()

    assert f'Leaves <time datetime="{leaves.isoformat()}" data-moment>' in content
    assert "If the customer writes before, it becomes a draft again." in content


def test_opening_a_case_marks_it_as_read(page: Client, case: Case, rep: Any) -> None:
    EmailMessageFactory(case=case)

    page.get(f"/cases/{case.number}/")

    assert CaseVisit.objects.get().user == rep


@pytest.mark.parametrize("headers", [{"X-Prefetch": "1"}, {"Sec-Purpose": "prefetch;prerender"}])
def test_a_page_that_is_fetched_ahead_is_not_read(page: Client, case: Case, headers: dict[str, str]) -> None:
    page.get(f"/cases/{case.number}/", headers=headers)
    page.head(f"/cases/{case.number}/")

    assert not CaseVisit.objects.exists()
