"""What stands below the new words of a mail is folded, never cut; and nothing is folded on a guess."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cases.inbound.analysis.parts import new_part_of_html
from cases.inbound.reader import read_mail
from cases.mail_html import Fold, html_as_text, safe_html, split_text
from cases.mail_html.folding import letters_of

OPENING = '<details class="quote"><summary>'


def folded(html: str) -> str:
    part = new_part_of_html(html)
    label = "Earlier mail" if part.quote_follows else "Signature"
    fold = Fold(part.text, part.letters_above, part.letters_below, label=label, quote_label="Earlier mail")
    return safe_html(html, inline_urls={}, fold=fold).html


def visible_text(html: str) -> str:
    """What a reader sees before opening anything."""
    closed = re.sub(r"<details.*?</details>|<div class=\"folded-rest\">.*?</div>", "", html, flags=re.DOTALL)
    return " ".join(html_as_text(closed).split())


GMAIL = (
    '<div dir="ltr">It came, thank you!</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" '
    'class="gmail_attr">On Mon, Nov 2, 2026 at 12:00 PM Support &lt;<a href="mailto:s@company.example">'
    's@company.example</a>&gt; wrote:<br></div><blockquote class="gmail_quote" style="margin:0 0 0 .8ex">'
    "It left us today.</blockquote></div>"
)
OUTLOOK = (
    '<div class="WordSection1"><p class="MsoNormal">It came, thank you!</p><p class="MsoNormal">&nbsp;</p>'
    '<div><div style="border:none;border-top:solid #E1E1E1 1.0pt"><p class="MsoNormal"><b>From:</b> Support '
    "&lt;s@company.example&gt;<br><b>Sent:</b> Monday, November 2, 2026 12:00 PM<br><b>To:</b> Casey "
    '&lt;casey@example.net&gt;<br><b>Subject:</b> Order 17</p></div></div><p class="MsoNormal">It left us today.</p>'
    "</div>"
)
OUTLOOK_WEB = (
    '<div class="elementToProof">It came, thank you!</div><div id="appendonsend"></div><hr><div id="divRplyFwdMsg" '
    'dir="ltr"><font face="Calibri"><b>From:</b> Support &lt;s@company.example&gt;<br><b>Sent:</b> Monday</font>'
    "</div><div><div>It left us today.</div></div>"
)
APPLE = (
    '<div>It came, thank you!<br><br><div><blockquote type="cite"><div>On 2. Nov 2026, at 12:00, Support '
    "&lt;s@company.example&gt; wrote:</div><br><div>It left us today.</div></blockquote></div></div>"
)
TABLES = (
    "<table><tr><td>It came, thank you!</td></tr><tr><td>-- <br>Casey</td></tr><tr><td>Lamps Ltd</td></tr></table>"
    "<blockquote type=cite>It left us today.</blockquote>"
)


@pytest.mark.parametrize("html", [GMAIL, OUTLOOK, OUTLOOK_WEB, APPLE, TABLES])
def test_only_the_new_words_stand_open(html: str) -> None:
    shown = folded(html)

    assert visible_text(shown) == "It came, thank you!"
    assert shown.count(f"{OPENING}Earlier mail</summary>") == 1
    assert "It left us today." in shown


@pytest.mark.parametrize("html", [GMAIL, OUTLOOK, OUTLOOK_WEB, APPLE, TABLES])
def test_a_fold_cuts_nothing(html: str) -> None:
    plain = safe_html(html, inline_urls={}).html

    words = html_as_text(folded(html)).replace("Earlier mail", "").split()

    assert words == html_as_text(plain).split()


def test_a_signature_has_its_own_word() -> None:
    shown = folded("<p>Thanks a lot</p><p>--<br>Casey Customer<br>Lamps Ltd</p>")

    assert visible_text(shown) == "Thanks a lot"
    assert f"{OPENING}Signature</summary>" in shown


def test_a_fold_begins_inside_a_paragraph() -> None:
    shown = folded("<p style='color:red'>Thanks a lot<br>-- <br>Casey Customer</p>")

    assert shown.startswith('<p style="color:red">Thanks a lot')
    assert visible_text(shown) == "Thanks a lot"


def test_an_answer_below_the_quote_is_open_and_the_quote_is_folded() -> None:
    shown = folded(
        '<p>On Mon, 2 Nov 2026, Support wrote:</p><blockquote type="cite"><p>Did it come?</p></blockquote>'
        "<p>Yes, it did.</p>"
    )

    assert "Yes, it did." in visible_text(shown)
    assert "Did it come?" not in visible_text(shown)


def test_answers_between_quotes_stay_with_them() -> None:
    html = (
        '<blockquote type="cite">Did it come?</blockquote><p>Yes.</p>'
        '<blockquote type="cite">Is it whole?</blockquote><p>No.</p>'
    )

    assert OPENING not in folded(html)


@pytest.mark.parametrize(
    "html",
    [
        "<p>Nothing but words</p>",
        '<blockquote type="cite">Nothing but a quote</blockquote>',
        "<p>A citation:</p><blockquote>To be or not to be</blockquote><p>is what I mean.</p>",
        "",
    ],
)
def test_what_has_no_earlier_mail_is_not_folded(html: str) -> None:
    assert "<details" not in folded(html)


def test_a_picture_below_the_new_words_stays_open() -> None:
    html = "<div>See here:<br><img src='cid:a1'></div><div class='gmail_quote'>On 2 Nov, A &lt;a@b.example&gt; wrote:"
    html += "<blockquote class='gmail_quote'>old</blockquote></div>"
    part = new_part_of_html(html)

    shown = safe_html(html, inline_urls={"a1": "/a1"}, fold=Fold(part.text, 0, part.letters_below, "x", "x")).html

    assert 'src="/a1"' in shown.partition("<details")[0]


def test_words_that_are_not_in_the_mail_fold_nothing() -> None:
    shown = safe_html("<p>New</p><blockquote>old</blockquote>", inline_urls={}, fold=Fold("Other", 0, 3, "x", "x"))

    assert "<details" not in shown.html


def test_what_the_analysis_did_not_see_is_not_folded() -> None:
    html = "<p>New</p><!-- never closed <p>and more</p>"

    assert folded(html) == "<p>New</p> never closed <p>and more</p>"


@pytest.mark.parametrize(
    ("text", "new", "parts"),
    [
        ("New\n\n> old", "New", ("", "New", "> old")),
        ("> old\n\nNew.\n", "New.", ("> old", "New.", "")),
        ("New *words*\n--\nCasey", "New words", ("", "New *words*", "--\nCasey")),
        ("Yes\n> Yes", "Yes", ("", "Yes", "> Yes")),
        ("> Yes\nYes", "Yes", ("", "> Yes\nYes", "")),  # which of the two is not certain
        ("New", "Else", ("", "New", "")),
        ("All\nof it", "", ("", "All\nof it", "")),
        ("", "", ("", "", "")),
    ],
)
def test_text_is_parted_where_the_new_words_are(text: str, new: str, parts: tuple[str, str, str]) -> None:
    assert split_text(text, new) == parts


@pytest.mark.parametrize(
    ("picture", "pixels"),
    [
        ('<img src="https://t.example/p" width="1" height="1">', 1),
        ('<img src="//t.example/p" width=0 height=0>', 1),
        ('<img src="http://t.example/p" style="width:1px;height:1px">', 1),
        ('<img src="https://t.example/p" style="display:none">', 1),
        ('<img src="https://t.example/p" width="1">', 1),
        ('<img src="https://t.example/p" style="OPACITY: 0">', 1),
        ('<img src="https://t.example/p" style="opacity:0.9" width="300">', 0),
        ('<img src="https://t.example/p" width="1" height="40">', 0),
        ('<img src="https://t.example/p">', 0),
        ('<img src="cid:a1" width="1" height="1">', 0),
    ],
)
def test_tracking_pixels_are_counted_and_never_loaded(picture: str, pixels: int) -> None:
    shown = safe_html(picture, inline_urls={"a1": "/a1"}, allow_remote_images=True)

    assert shown.tracking_pixels == pixels
    assert ("t.example" in shown.html) is (not pixels and "cid:" not in picture)


@pytest.mark.parametrize(
    ("html", "follows"),
    [
        ("<p>words <b>only</b></p>", True),
        ('<p style="margin:0">words</p>', True),
        ('<p style="color:#000">words</p>', False),
        ('<p style="background:#fff">words</p>', False),
        ("<table bgcolor=white><tr><td>words</table>", False),
        ('<font color="blue">words</font>', False),
        ('words <img src="cid:a1">', False),
    ],
)
def test_only_mail_without_colours_and_pictures_follows_the_colour_scheme(html: str, follows: bool) -> None:
    assert safe_html(html, inline_urls={"a1": "/a1"}).follows_colour_scheme is follows


MAILS = sorted(
    path
    for folder in ("corpus", "hostile")
    for path in (Path(__file__).parents[1] / folder).rglob("*")
    if path.is_file() and path.suffix not in (".md", ".json", ".jsonl")
)
RUNS_OR_ASKS = re.compile(r"<script|\son[a-z]+\s*=|javascript:|src=\"?(?:https?:|//)|url\(|@import", re.IGNORECASE)


def test_real_and_hostile_mails_lose_no_letter_and_ask_nobody() -> None:
    shown = 0
    for path in MAILS:
        mail = read_mail(path.read_bytes())
        if not mail.html_body:
            continue
        shown += 1
        plain, with_fold = safe_html(mail.html_body, inline_urls={}).html, folded(mail.html_body)
        with_fold = with_fold.replace(f"{OPENING}Earlier mail", OPENING).replace(f"{OPENING}Signature", OPENING)

        assert letters_of(html_as_text(with_fold)) == letters_of(html_as_text(plain)), path
        assert not RUNS_OR_ASKS.search(re.sub(r">[^<]*<", "><", with_fold)), path
    assert shown >= 18
