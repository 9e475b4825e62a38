"""Search: the same table of words and results on SQLite and PostgreSQL (the suite runs on both)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.db import connection
from django.http import QueryDict
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.list_query import ListQuery
from cases.models import Case, EmailMessage, Tag
from cases.search_index import forget_messages, index_messages, search_row, write_search_rows
from cases.search_query import read_search
from cases.selectors import search as search_selectors
from cases.selectors.lists import CasePage, list_cases, reader_of
from cases.selectors.search import find_candidates
from tests.factories import CaseFactory, EmailMessageFactory, QueueFactory, UserFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, tzinfo=timezone.get_default_timezone())

# name of the mail -> what is in it
MAILS: dict[str, dict[str, Any]] = {
    "lamp": {
        "subject": "Broken lamp",
        "text_body": "Hello,\n\nthe lamp of order A-1234/5 is broken. It's number 10.5 of 99.",
        "people": [("support@company.example", "Support")],
    },
    "invoice": {
        "subject": "Invoice 2041 for the lamp",
        "from_name": "Ann Ørsted",
        "from_address": "ann.orsted@shop.example",
        "text_body": "Please find the invoice attached.\nOrder number 77 of A-1234.",
        "people": [("billing@company.example", ""), ("casey@example.net", "Casey")],
        "file_names": ["Rechnung_März.pdf"],
    },
    "japanese": {
        "subject": "注文について",
        "from_name": "山田太郎",
        "text_body": "先週の日本語マニュアルはどこですか。iPhone修理もお願いします。",
    },
    "chinese": {"subject": "订单问题", "text_body": "我的订单还没有到。"},
    "korean": {"subject": "주문 문의", "text_body": "한국어로 주문을 확인해 주세요."},
    "arabic": {"subject": "الفاتورة رقم ٧", "text_body": "أرسلُ لكم الفاتورةَ مرة أخرى، شكرًا."},
    "hebrew": {"subject": "חשבון", "text_body": "שלום, איפה החשבון?"},
    "thai": {"subject": "สวัสดี", "text_body": "ขอใบเสร็จรับเงินด้วยครับ"},
    "hindi": {"subject": "नमस्ते", "text_body": "कृपया मुझे बिल भेजें।"},
    "german": {"subject": "Größe der Straße", "text_body": "Die Grösse stimmt nicht: STRASSE, naïve façade."},
    "code": {
        "subject": "C++ && SQL",
        "text_body": "'; DROP TABLE cases_case; -- SELECT * WHERE a='b' OR \"NEAR\" {x} : AND",
    },
    "repeats": {"subject": "Long", "text_body": "echo " * 400 + "needle haystack"},
}
FOUND: dict[str, set[str]] = {
    "lamp": {"lamp", "invoice"},
    "LAMP": {"lamp", "invoice"},
    "la": {"lamp", "invoice"},
    "lam broken": set(),  # only the last word may go on
    "broken lam": {"lamp"},
    '"broken lamp"': {"lamp"},
    '"lamp broken"': set(),
    '"the lamp"': {"lamp", "invoice"},
    '"lamp of order"': {"lamp"},
    '"Broken lamp Hello"': set(),  # a phrase does not run from the subject into the text
    "A-1234": {"lamp", "invoice"},
    "a-1234/5": {"lamp"},
    "10.5": {"lamp"},
    "it's": {"lamp"},
    "invoice 77": {"invoice"},
    "subject:lamp": {"lamp", "invoice"},
    "subject:invoice": {"invoice"},
    "subject:attached": set(),
    'subject:"for the lamp"': {"invoice"},
    "from:ann": {"invoice"},
    "from:ann.orsted@shop.example": {"invoice"},
    "from:shop.example": {"invoice"},
    "from:billing": set(),
    "to:billing": {"invoice"},
    "to:casey": {"invoice"},
    "casey@example.net invoice": {"invoice"},
    "ørsted": {"invoice"},
    "rechnung": {"invoice"},
    "märz.pdf": {"invoice"},
    "marz": {"invoice"},
    "日本語": {"japanese"},
    "日本": {"japanese"},
    "本": {"japanese"},
    "語マ": {"japanese"},
    "日語": set(),
    "iphone": {"japanese"},
    "iPhone修理": {"japanese"},
    "修理も": {"japanese"},
    "from:山田": {"japanese"},
    "订单": {"chinese"},
    "订单 没有": {"chinese"},
    "주문": {"korean"},
    "주문을": {"korean"},
    "확인": {"korean"},
    "الفاتورة": {"arabic"},
    "الفات": {"arabic"},
    "ارسل": {"arabic"},
    "أرسل": {"arabic"},
    "شكرا": {"arabic"},
    "חשבון": {"hebrew"},
    "ใบเสร็จ": {"thai"},
    "बिल": {"hindi"},
    "grosse": {"german"},
    "größe": {"german"},
    "straße": {"german"},
    "strasse": {"german"},
    "naive facade": {"german"},
    "FAÇADE": {"german"},
    "c++": {"code"},
    "drop table": {"code"},
    "select * where": {"code"},
    "near": {"code"},
    "and": {"code"},
    "needle": {"repeats"},
    "echo echo": {"repeats"},
    '"echo needle"': {"repeats"},
    "absent": set(),
}


@pytest.fixture
def queue() -> Any:
    return QueueFactory()


@pytest.fixture
def rep(queue: Any) -> Any:
    user = UserFactory()
    queue.members.add(user)
    return user


def write_mail(case: Case, *, people: Any = (), file_names: Any = (), **fields: Any) -> EmailMessage:
    message = EmailMessageFactory(case=case, **fields)
    write_search_rows([search_row(message, people=people, file_names=file_names)])
    return message


def found(user: Any, typed: str, rest: str = "view=all", **options: Any) -> CasePage:
    asked = ListQuery.read(dict(QueryDict(rest).lists()) | {"q": [typed]})
    return list_cases(reader_of(user), asked, now=NOW, **options)


def test_words_find_the_same_mails_on_every_database(rep: Any, queue: Any) -> None:
    names = {}
    for name, parts in MAILS.items():
        case = CaseFactory(owner_queue=queue, subject=name)
        write_mail(case, **({"from_name": "X", "from_address": "x@y.example"} | parts))
        names[case.pk] = name

    results = {typed: {names[case.pk] for case in found(rep, typed).cases} for typed in FOUND}

    assert results == FOUND


@pytest.mark.parametrize(
    "typed",
    ["'", '"', "\\", ":*", "a:*", "!a", "a &", "a | b", "(a", "NOT", "AND OR", "a <-> b", "*", "from:", "tag:", "is:",
     '"*', "{subject} : a", "subject : a", "^a", "a NEAR b", "NEAR(a b)", "-a", "%", "_", "\x00a", "a" * 5000,
     "' OR 1=1 --", "'; DELETE FROM cases_case; --", "١", "🎉", "é" * 300, "from:'x':*", "((((((((((("],
)  # fmt: skip
def test_no_sign_is_an_error(rep: Any, queue: Any, typed: str) -> None:
    write_mail(CaseFactory(owner_queue=queue), text_body="zebra crossing")

    assert found(rep, typed).cases == []
    assert Case.objects.count() == 1


def test_an_outgoing_mail_is_found_like_one_that_came(rep: Any, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    write_mail(case, outgoing=True, text_body="We have sent a new lamp.")

    assert found(rep, "new lamp").cases == [case]


def test_search_shows_only_cases_the_reader_may_see(rep: Any, queue: Any) -> None:
    visible, hidden = CaseFactory(owner_queue=queue), CaseFactory(subject="secretword")
    write_mail(visible, text_body="secretword here")
    write_mail(hidden, text_body="secretword there")
    lead = UserFactory()
    lead.user_permissions.add(Permission.objects.get(content_type__app_label="cases", codename="view_all_cases"))

    assert found(rep, "secretword").cases == [visible]
    assert found(UserFactory(), "secretword").cases == []
    assert set(found(lead, "secretword").cases) == {visible, hidden}


def test_the_draft_of_another_rep_finds_nothing(rep: Any, queue: Any) -> None:
    author, case = UserFactory(), CaseFactory(owner_queue=queue)
    queue.members.add(author)
    write_mail(case, outgoing=True, status=EmailMessage.Status.DRAFT, created_by=author, text_body="halfsaid")

    assert found(rep, "halfsaid").cases == []
    assert found(author, "halfsaid").cases == [case]


def test_a_case_number_comes_first_and_only_if_it_may_be_seen(rep: Any, queue: Any) -> None:
    older = CaseFactory(owner_queue=queue, closed=True, last_activity_at=NOW.replace(year=2020))
    newer, hidden = CaseFactory(owner_queue=queue), CaseFactory()
    write_mail(newer, text_body=f"it is like case {older.number_text}")

    page = found(rep, older.number_text)

    assert (page.direct, page.cases) == (older, [newer])
    assert found(rep, f"#{older.number}").direct == older
    assert found(rep, str(hidden.number)).direct is None


def test_operators_narrow_without_words(rep: Any, queue: Any) -> None:
    opened = CaseFactory(owner_queue=queue, last_inbound_at=NOW)
    closed = CaseFactory(owner_queue=queue, closed=True)
    mine = CaseFactory(owner_user=rep, owner_queue=None)
    opened.tags.add(Tag.objects.create(name="VIP"))

    assert found(rep, "tag:vip").cases == [opened]
    assert found(rep, "is:closed").cases == [closed]
    assert set(found(rep, "is:open").cases) == {opened, mine}
    assert found(rep, "is:unread").cases == [opened]
    assert found(rep, "owner:me").cases == [mine]
    assert found(rep, "tag:vip is:closed").cases == []


def test_words_and_filters_narrow_together(rep: Any, queue: Any) -> None:
    high, low = CaseFactory(owner_queue=queue, priority="High"), CaseFactory(owner_queue=queue, priority="Low")
    for case in (high, low):
        write_mail(case, text_body="the lamp")

    assert found(rep, "lamp", "view=open&priority=High").cases == [high]
    assert found(rep, "lamp", "view=closed").cases == []


def test_results_come_in_pages(rep: Any, queue: Any) -> None:
    cases = CaseFactory.create_batch(7, owner_queue=queue)
    for case in cases:
        write_mail(case, text_body="the lamp")
    seen, rest = [], "view=all"
    while True:
        page = found(rep, "lamp", rest, size=3)
        seen += page.cases
        if not page.next:
            break
        rest = f"view=all&before={page.next}"

    assert sorted(case.pk for case in seen) == sorted(case.pk for case in cases)


def test_of_very_many_matches_the_newest_count_and_the_page_says_so(
    rep: Any, queue: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_selectors, "MOST_CANDIDATES", 3)
    superuser = UserFactory(superuser=True)
    old = CaseFactory(owner_queue=queue)
    write_mail(old, text_body="the lamp of old")
    newer = CaseFactory.create_batch(4)
    for case in newer:
        write_mail(case, text_body="a lamp")

    page = found(superuser, "lamp")
    assert page.candidates is not None
    assert page.candidates.is_capped
    assert set(page.cases) <= set(newer)
    # Who sees a part of the cases finds their own, though a thousand newer mails of others match.
    assert found(rep, "lamp").cases == [old]
    # One word more, and it is not capped any longer.
    exact = found(superuser, "lamp old")
    assert exact.candidates is not None
    assert (exact.cases, exact.candidates.is_capped) == ([old], False)


def test_a_search_for_words_is_one_statement_and_a_second_when_very_many_match(
    rep: Any, queue: Any, django_assert_num_queries: Any
) -> None:
    write_mail(CaseFactory(owner_queue=queue), text_body="the lamp")

    with django_assert_num_queries(1):
        candidates = find_candidates(read_search("lamp"), user=rep, among=Case.objects.values("pk"))

    assert len(candidates.cases) == 1


def test_writing_the_index_is_one_statement(django_assert_num_queries: Any) -> None:
    row = search_row(EmailMessageFactory(), people=[("a@b.example", "A")] * 30, file_names=["x.pdf"] * 30)

    with django_assert_num_queries(1):
        write_search_rows([row])


def test_a_mail_is_found_by_its_new_words_after_it_was_read_anew(rep: Any, queue: Any) -> None:
    message = write_mail(CaseFactory(owner_queue=queue), text_body="wrongword", file_names=["lost.pdf"])
    EmailMessage.objects.filter(pk=message.pk).update(text_body="rightword")

    index_messages([message.pk])

    assert found(rep, "wrongword").cases == []
    assert len(found(rep, "rightword").cases) == 1


def test_the_index_can_be_made_again(rep: Any, queue: Any) -> None:
    EmailMessageFactory(case=CaseFactory(owner_queue=queue), text_body="lamp")
    assert found(rep, "lamp").cases == []

    call_command("index_search")

    assert len(found(rep, "lamp").cases) == 1


def test_nothing_of_a_forgotten_mail_stays_in_the_index() -> None:
    def rows() -> int:
        # Tests that commit leave rows behind: the table has no model, and so is not emptied with the others.
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM cases_messagesearch")
            return int(cursor.fetchone()[0])

    before = rows()
    message = write_mail(CaseFactory(), text_body="forgetme")
    assert rows() == before + 1

    forget_messages([message.pk])

    assert rows() == before


def test_a_mail_too_long_to_index_whole_is_found_by_its_beginning(rep: Any, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    body = "beginning " + " ".join(f"w{number}" for number in range(400_000)) + " ending"
    write_mail(case, subject="漢" * 1000, text_body=body, file_names=["ﷺ" * 255])

    assert found(rep, "beginning w99").cases == [case]
    assert found(rep, "ending").cases == []


@pytest.mark.postgres
def test_a_search_that_takes_too_long_says_so(rep: Any, queue: Any, transactional_db: Any, monkeypatch: Any) -> None:
    slow = search_selectors._WALK.replace("timeout = 1500", "timeout = 50")
    slow = slow.replace("WHERE message_id >", "WHERE pg_sleep(1) IS NULL AND message_id >")
    monkeypatch.setattr(search_selectors, "_WALK", slow)
    write_mail(CaseFactory(owner_queue=queue), text_body="lamp")

    page = found(rep, "lamp")

    assert page.cases == []
    assert page.candidates is not None
    assert page.candidates.took_too_long
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


TYPED = (
    "seldom",
    "often",
    "always",
    "old",
    "subject:seldom",
    "subject:often",
    '"often always"',
    "of",
    "absent",
    "sel alw",
)


@pytest.mark.parametrize(("walked", "most_walked"), [(1, 0), (7, 0), (20, 0), (20, 35), (4000, 0)])
@pytest.mark.parametrize("most", [1, 5, 20, 1000])
def test_however_it_is_looked_for_the_newest_matches_are_found(
    rep: Any, monkeypatch: pytest.MonkeyPatch, walked: int, most_walked: int, most: int
) -> None:
    """Walking back, the index from a moment on, the whole index: what is found is the same as without any of them."""
    case = CaseFactory()
    made = EmailMessage.objects.bulk_create(
        EmailMessageFactory.build(
            case=case,
            subject="seldom" if number % 17 == 0 else "often" if number % 3 else "",
            text_body=f"always{' often' if number % 2 else ''}{' old' if number < 9 else ''} always",
        )
        for number in range(60)
    )
    write_search_rows([search_row(message) for message in made])
    monkeypatch.setattr(search_selectors, "WALKED", walked)
    monkeypatch.setattr(search_selectors, "MOST_CANDIDATES", most)
    monkeypatch.setattr(search_selectors, "MOST_WALKED", most_walked)

    for typed in TYPED:
        search = read_search(typed)
        holding = EmailMessage.objects.filter(search_selectors.HoldsWords(search))
        expected = sorted(holding.values_list("pk", flat=True), reverse=True)

        rows = search_selectors._newest_matches(search, rep)

        assert [message for message, _case in rows] == expected[: most + 1], typed


@pytest.mark.postgres
def test_rare_words_are_looked_up_in_the_index(rep: Any) -> None:
    """That it can be used; when it is cheaper depends on statistics and on what waits to be merged into it."""
    case = CaseFactory()
    messages = EmailMessage.objects.bulk_create(
        EmailMessageFactory.build(case=case, text_body=f"common words {number}") for number in range(4000)
    )
    write_search_rows([search_row(message) for message in messages])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cases_messagesearch")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT message_id FROM cases_messagesearch WHERE words @@ %s::tsquery",
            [read_search("3999 common").as_tsquery()],
        )
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert "message_search_words" in plan


def test_a_page_of_results_reads_no_html(rep: Any, queue: Any) -> None:
    write_mail(CaseFactory(owner_queue=queue), text_body="the lamp")

    with CaptureQueriesContext(connection) as captured:
        found(rep, "lamp")

    assert all("html_body" not in statement["sql"] for statement in captured.captured_queries)
