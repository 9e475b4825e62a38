"""A list in a URL: read tolerantly, written back the same."""

from __future__ import annotations

from datetime import date

import pytest
from django.http import QueryDict
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.list_query import FILTERS, MAX_VALUES, SORTS, VIEWS, ListQuery


def read(query: str) -> ListQuery:
    return ListQuery.read(dict(QueryDict(query).lists()))


def test_nothing_asked_for_is_the_usual_list() -> None:
    assert read("") == ListQuery()
    assert ListQuery().urlencode() == ""
    assert ListQuery().is_plain


def test_every_part_is_read() -> None:
    query = read(
        "view=open&queue=3&saved=4&q=lamp&status=1&status=2&priority=Low&priority=High&owner=user:7&type=5&address=6"
        "&tag=vip&tag=two+words&awaiting=us&opened_from=2026-01-02&opened_to=2026-02-03&active_from=2026-03-04"
        "&active_to=2026-04-05&files=1&domain=casey%40Example.COM&unread=1&sort=waiting&before=abc"
    )

    assert query == ListQuery(
        view="open",
        queue=3,
        saved=4,
        q="lamp",
        status=(1, 2),
        priority=("High", "Low"),
        owner="user:7",
        type=(5,),
        address=(6,),
        tag=("vip", "two words"),
        awaiting="us",
        opened_from=date(2026, 1, 2),
        opened_to=date(2026, 2, 3),
        active_from=date(2026, 3, 4),
        active_to=date(2026, 4, 5),
        files=True,
        domain="example.com",
        unread=True,
        sort="waiting",
        before="abc",
    )
    assert read(query.urlencode(before="abc")) == query
    assert set(query.filters) == set(FILTERS)


@pytest.mark.parametrize(
    "query",
    [
        "view=nonsense",
        "queue=x&saved=-1&status=9999999999999999999999&type=0&address=1.5",
        "priority=Urgent&owner=user:&awaiting=nobody&sort=random",
        "opened_from=2026-13-01&opened_to=yesterday&active_from=0001-01-01&active_to=9999-12-31",
        "files=maybe&unread=&domain=&tag=&tag=+++&q=++",
        "owner=queue:x&owner=root&status=%00&tag=%00",
        "before=%C3%A9",
        "surprise=1",
    ],
)
def test_what_cannot_be_understood_is_left_out(query: str) -> None:
    assert read(query) == ListQuery()


def test_the_last_of_two_values_counts_where_one_is_meant() -> None:
    assert read("view=open&view=closed").view == "closed"


def test_many_values_of_one_filter_are_cut() -> None:
    assert len(read("&".join(f"status={number}" for number in range(1, 500))).status) == MAX_VALUES


def test_a_chip_takes_away_one_value_and_keeps_the_rest() -> None:
    query = read("view=open&tag=a&tag=b&unread=1&before=abc")

    assert read(query.without("tag", "a")) == read("view=open&tag=b&unread=1")
    assert read(query.without("unread")) == read("view=open&tag=a&tag=b")
    assert read(query.cleared()) == read("view=open")


def test_a_changed_list_starts_at_its_top() -> None:
    assert read(read("view=open&before=abc").urlencode(sort="opened")) == read("view=open&sort=opened")


def test_a_link_to_a_saved_view_names_only_that_view() -> None:
    assert read("saved=3&before=abc").names_only_its_saved_view
    assert not read("saved=3&unread=1").names_only_its_saved_view


words = st.text(max_size=30)
keys = st.integers(min_value=1, max_value=2**63 - 1)
days = st.none() | st.dates(min_value=date(1970, 1, 1), max_value=date(9000, 12, 31))
queries = st.builds(
    ListQuery,
    view=st.sampled_from(["", *VIEWS]),
    queue=st.none() | keys,
    q=st.from_regex(r"[a-z\"':()*&|<>%é漢 ]{0,30}", fullmatch=True).map(lambda text: " ".join(text.split())),
    status=st.lists(keys, max_size=5, unique=True).map(tuple),
    tag=st.lists(st.from_regex(r"[a-zé漢&=%#]{1,10}", fullmatch=True), max_size=4, unique=True).map(tuple),
    owner=st.sampled_from(["", "me", "user:1", "queue:2"]),
    opened_from=days,
    active_to=days,
    unread=st.booleans(),
    sort=st.sampled_from(SORTS),
)


@given(queries)
@settings(max_examples=200, deadline=None)
def test_every_list_survives_the_way_through_a_url(query: ListQuery) -> None:
    assert read(query.urlencode()) == query


@given(st.dictionaries(st.sampled_from([*ListQuery.__slots__]), st.lists(words, min_size=1, max_size=3)))
@settings(max_examples=200, deadline=None)
def test_any_words_make_a_list_that_survives_too(values: dict[str, list[str]]) -> None:
    query = ListQuery.read(values)

    assert read(query.urlencode(before="")) == ListQuery.read(values | {"before": [""]})
