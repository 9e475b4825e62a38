"""The words of a text, and what a search box understands. The databases only ever see what comes out here."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.highlighting import Wanted, pieces_of, snippet_of_match
from cases.search_index import SearchRow, tsvector_of
from cases.search_query import MOST_TERMS, SearchQuery, Term, read_search
from cases.search_words import MAX_REPEATS, MAX_WORD, MAX_WORDS, indexed_words, searched_words, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Broken lamp, No. 7!", ["broken", "lamp", "no", "7"]),
        ("casey.lee+x@mail.example.net", ["casey", "lee", "x", "mail", "example", "net"]),
        ("Über Straße, CAFÉ, İstanbul", ["uber", "strasse", "cafe", "istanbul"]),
        ("ＡＢＣ １２３ ﬁne", ["abc", "123", "fine"]),
        ("الفاتورةُ رقم ٧", ["الفاتورة", "رقم", "٧"]),
        ("أحمد", ["احمد"]),
        ("חֶשְׁבּוֹן", ["חשבון"]),
        ("日本語", ["日本", "本語", "語"]),
        ("修理iPhone", ["修理", "理", "iphone"]),
        ("ガンダム が", ["ガン", "ンダ", "ダム", "ム", "が"]),
        ("한국어", ["한국", "국어", "어"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("a_b-c", ["a", "b", "c"]),
        ("\x00\ud800 'quoted' \\ & | !", ["quoted"]),
        ("", []),
    ],
)
def test_words_of_a_text(text: str, words: list[str]) -> None:
    assert words_of(text) == words


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("日本語", (["日本", "本語"], False)),
        ("本", (["本"], True)),
        ("日本 語", (["日本", "本", "語"], True)),
        ("修理iPhone", (["修理", "理", "iphone"], False)),
        ("lamp", (["lamp"], False)),
        ("!!!", ([], False)),
    ],
)
def test_a_run_of_an_unspaced_script_may_go_on(term: str, expected: tuple[list[str], bool]) -> None:
    assert searched_words(term) == expected


def test_what_is_indexed_has_limits() -> None:
    assert len(list(indexed_words("again " * 10_000))) == MAX_REPEATS
    assert len(list(indexed_words(" ".join(str(number) for number in range(99_999))))) <= MAX_WORDS
    assert list(indexed_words("x" * 1000)) == ["x" * MAX_WORD]
    hostile = "".join(chr(code) for code in range(0x3400, 0x9FFF)) * 4
    row = SearchRow(1, subject=hostile, sender=f"1{hostile}", recipients=f"2{hostile}", body="ﷺ" * 100_000 + hostile)
    assert len(tsvector_of(row.words).encode()) < 1_000_000


def test_a_tsvector_knows_places_and_parts() -> None:
    vector = tsvector_of((["lamp"], ["casey"], [], ["lamp", "broken"]))

    assert vector == "'lamp':1A,9D 'a:lamp':1A 'casey':4B 'b:casey':4B 'broken':10D"


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("lamp", SearchQuery((Term(("lamp",), goes_on=True),))),
        ("a lamp x", SearchQuery((Term(("a",)), Term(("lamp",)), Term(("x",))))),
        ('"broken lamp" no', SearchQuery((Term(("broken", "lamp")), Term(("no",), goes_on=True)))),
        ('"broken la', SearchQuery((Term(("broken", "la")),))),
        ("casey@example.net", SearchQuery((Term(("casey", "example", "net"), goes_on=True),))),
        ("from:casey", SearchQuery((Term(("casey",), "sender", goes_on=True),))),
        (
            'TO:ann SUBJECT:"lamp 7" x',
            SearchQuery(
                (Term(("ann",), "recipients"), Term(("lamp", "7"), "subject"), Term(("x",))),
            ),
        ),
        ('tag:vip tag:"two words"', SearchQuery(tags=("vip", "two words"))),
        ("is:open is:unread is:Closed", SearchQuery(states=("open", "unread", "closed"))),
        ("owner:me", SearchQuery(is_mine=True)),
        ("is:blue", SearchQuery((Term(("is", "blue"), goes_on=True),))),
        ("http://x.example", SearchQuery((Term(("http", "x", "example"), goes_on=True),))),
        ("", SearchQuery()),
        ('"" : :: "', SearchQuery()),
    ],
)
def test_what_was_typed_is_understood(text: str, query: SearchQuery) -> None:
    assert read_search(text) == query


@pytest.mark.parametrize(("text", "number"), [("00001234", 1234), ("#1234", 1234), ("1234", 1234), ("12 34", None)])
def test_a_number_may_be_that_of_a_case(text: str, number: int | None) -> None:
    assert read_search(text).number == number


def test_a_search_has_a_limit_of_terms() -> None:
    assert len(read_search(" ".join(f"word{number}" for number in range(99))).terms) == MOST_TERMS


@given(st.text(max_size=60))
@settings(max_examples=300, deadline=None)
def test_nothing_typed_gets_into_the_language_of_a_database(text: str) -> None:
    search = read_search(text)

    assert re.fullmatch(r"[\w'\s()&<>:*\u0900-\u17ff-]*", search.as_tsquery())
    for term in search.terms:
        assert all("'" not in word and '"' not in word and word.strip() == word != "" for word in term.words)


# --- where it stands ---


@pytest.mark.parametrize(
    ("typed", "text", "marked"),
    [
        ("lamp", "My Lamps, lamp and clamp", ["Lamps", "lamp"]),
        ('"old lamp"', "The old, old lamp", ["old", "old", "lamp"]),
        ("cafe", "Le CAFÉ ferme", ["CAFÉ"]),
        ("本語", "日本語です", ["本語"]),
        ("本", "日本の本", ["本", "本"]),
        ("فاتورة", "رقم فاتورةٌ", ["فاتورةٌ"]),
        ("from:lamp", "a lamp", []),
        ("!!!", "a lamp", []),
    ],
)
def test_matches_are_cut_out_and_nothing_is_lost(typed: str, text: str, marked: list[str]) -> None:
    pieces = pieces_of(text, Wanted(read_search(typed)))

    assert [piece for piece, is_match in pieces if is_match] == marked
    assert "".join(piece for piece, _is_match in pieces) == text


def test_a_snippet_is_one_line_around_the_first_match() -> None:
    text = "word " * 100 + "\n\nthe lamp\nis broken " + "word " * 100

    pieces = snippet_of_match(text, Wanted(read_search("lamp")))

    assert pieces[0] == ("… ", False)
    assert ("lamp", True) in pieces
    assert len("".join(piece for piece, _is_match in pieces)) < 170
    assert snippet_of_match(text, Wanted(read_search("absent"))) == []
