"""No mail makes the analysis raise, and what it returns can be stored."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cases.inbound.parsed import AUTOMATIC_KINDS, ParsedAttachment, ProviderFacts
from tests.cases.inbound.analysis.mails import analysed, mail

PIECES = st.sampled_from(
    [
        "> ",
        "\n",
        "From: ",
        "a@example.net",
        "On 5 Jan 2024 at 10:12 ",
        "wrote:",
        "-----Original Message-----",
        "Subject:",
        "--",
        "550 5.1.1",
        "user unknown",
        "<blockquote>",
        "</div>",
        "<div class=gmail_quote>",
        "\u202b",
        "İ",
        "ß",
        "：",
        "Re: ",
        "Message-ID: <",
        "Final-Recipient: rfc822;",
        "Action: failed",
    ]
)
TEXT = st.lists(
    st.one_of(PIECES, st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=8)), max_size=30
).map("".join)
NAMES = st.sampled_from(
    [
        "Auto-Submitted",
        "Precedence",
        "List-Id",
        "List-Post",
        "Return-Path",
        "Content-Type",
        "X-Loop",
        "Authentication-Results",
        "Received",
    ]
)
TYPES = st.sampled_from(
    ["message/delivery-status", "message/rfc822", "text/rfc822-headers", "message/feedback-report", "image/png"]
)


@settings(max_examples=150, deadline=None)
@given(
    text=TEXT,
    html=TEXT,
    subject=TEXT,
    headers=st.lists(st.tuples(NAMES, TEXT), max_size=5),
    parts=st.lists(
        st.builds(ParsedAttachment, file_name=st.just(""), content_type=TYPES, content=TEXT.map(str.encode)),
        max_size=3,
    ),
    envelope_sender=st.sampled_from([None, "", "a@example.net"]),
)
def test_any_mail_is_analysed(
    text: str,
    html: str,
    subject: str,
    headers: list[tuple[str, str]],
    parts: list[ParsedAttachment],
    envelope_sender: str | None,
) -> None:
    email = mail(text, html, subject, tuple(headers), attachments=tuple(parts))

    result = analysed(
        email,
        ProviderFacts("test", envelope_sender=envelope_sender),
        trusted_authserv_ids=frozenset(("mx.acme.example",)),
    )

    assert result.automatic_kind in ("", *AUTOMATIC_KINDS)
    assert (result.automatic_kind == "") == (result.automatic_because == "")
    assert "\0" not in result.reply_text or "\0" in text + html
    result.reply_text.encode()
