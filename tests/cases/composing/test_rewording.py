"""What an approver changed, and formatting that stays where the words stayed."""

from __future__ import annotations

import pytest

from cases.mail_html.outgoing import outgoing_html
from cases.mail_html.plain import plain_text_of
from cases.outbound.rewording import differences, reworded_html

MAIL = (
    "<div>Hello <b>Casey</b>,</div><div><br></div><div>your order <i>left</i> us.</div>"
    '<ul><li>one lamp</li><li>two <a href="https://shop.example/">cables</a></li></ul>'
    '<div><img src="cid:plan@x"></div><div>Kind regards</div>'
)


def changed(*pairs: tuple[str, str]) -> str:
    text = plain_text_of(MAIL)
    for before, after in pairs:
        assert before in text
        text = text.replace(before, after)
    return reworded_html(MAIL, text)


def test_differences_name_what_went_and_what_came() -> None:
    assert differences("Pay now please.\nAna", "Pay on Friday please.\nAna") == [
        *(("same", "Pay "), ("out", "now "), ("in", "on Friday ")),
        ("same", "please.\nAna"),
    ]


def test_sentence_that_was_written_anew_is_shown_as_a_whole() -> None:
    assert differences("Pay now or else.", "Please pay by Friday.") == [
        *(("out", "Pay now or else."), ("in", "Please pay by Friday.")),
    ]


@pytest.mark.parametrize(("before", "after"), [("", "new"), ("old", ""), ("a b\n\nc", "a b\nd\n\nc"), ("x", "x")])
def test_both_texts_can_be_read_from_the_differences(before: str, after: str) -> None:
    pieces = differences(before, after)

    assert "".join(words for kind, words in pieces if kind != "in") == before
    assert "".join(words for kind, words in pieces if kind != "out") == after


def test_text_that_stayed_leaves_the_mail_as_it_is() -> None:
    assert changed() == MAIL


def test_only_the_paragraph_that_was_changed_loses_its_formatting() -> None:
    html = changed(("your order left us", "your order leaves us today"))

    assert "<div>Hello <b>Casey</b>,</div>" in html
    assert "<div>your order leaves us today.</div>" in html
    assert '<li>two <a href="https://shop.example/">cables</a></li>' in html


def test_picture_stays_whatever_is_changed_around_it() -> None:
    html = reworded_html(MAIL, "Nothing of it")

    assert plain_text_of(html).strip() == "Nothing of it"
    assert html.count('<img src="cid:plan@x">') == 1


def test_words_of_an_approver_are_words_and_no_html() -> None:
    html = changed(("Kind regards", "<script>alert(1)</script> & <b>bye</b>"))

    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;b&gt;bye&lt;/b&gt;" in html
    assert outgoing_html(html, pictures={"cid:plan@x": "cid:plan@x"}).html == html


@pytest.mark.parametrize(
    "html",
    [
        "Hello<br>there <b>you</b><br><br>bye",
        "<p>one</p><p>two <i>three</i></p>",
        "<div><div>nested</div><div>deep</div></div>tail &amp; &lt;end&gt;",
        "<ol><li>a</li><li>b</li></ol><table><tbody><tr><td>x</td><td>y</td></tr></tbody></table>",
        "",
    ],
)
def test_both_parts_of_the_mail_say_the_same_words(html: str) -> None:
    text = plain_text_of(html)

    assert plain_text_of(reworded_html(html, text)).split() == text.split()
    added = f"{text}\n\nand more"
    assert plain_text_of(reworded_html(html, added)).split() == added.split()
