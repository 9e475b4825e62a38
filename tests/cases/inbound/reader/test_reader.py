"""Text, files and headers of mails that follow the standards more or less."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime

import pytest

from cases.inbound.parsed import MailAddress, ParsedAttachment, ParsedEmail
from cases.inbound.reader import Limits, looks_empty, read_mail, read_pieces

HEAD = b"From: Casey <casey@example.net>\r\nTo: support@acme.example\r\nSubject: Order\r\nMIME-Version: 1.0\r\n"


def mail(*headers: str, body: bytes | str = "Hello") -> ParsedEmail:
    raw = body.encode() if isinstance(body, str) else body
    return read_mail(HEAD + "".join(f"{header}\r\n" for header in headers).encode() + b"\r\n" + raw)


def multipart(kind: str, *parts: str, boundary: str = "zz") -> ParsedEmail:
    body = "".join(f"--{boundary}\r\n{part}\r\n" for part in parts) + f"--{boundary}--\r\n"
    return mail(f'Content-Type: multipart/{kind}; boundary="{boundary}"', body=body)


PLAIN = "Content-Type: text/plain\r\n\r\nplain words"
HTML = "Content-Type: text/html\r\n\r\n<p>rich words</p>"


def file_names(email: ParsedEmail) -> list[str]:
    return [file.file_name for file in email.attachments]


# --- charsets --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("charset", "encoded", "text"),
    [
        ("utf-8", "Grüße €".encode(), "Grüße €"),
        ("iso-8859-1", "Grüße €".encode("cp1252"), "Grüße €"),
        ("us-ascii", "Grüße".encode("cp1252"), "Grüße"),
        ("us-ascii", "Grüße".encode(), "Grüße"),
        ("iso-8859-1", "Grüße €".encode(), "Grüße €"),
        ("iso-8859-2", "Zażółć gęślą".encode("iso-8859-2"), "Zażółć gęślą"),
        ("windows-1251", "Здравствуйте".encode("cp1251"), "Здравствуйте"),
        ("koi8-r", "Здравствуйте".encode("koi8-r"), "Здравствуйте"),
        ("windows-1253", "Καλημέρα".encode("cp1253"), "Καλημέρα"),
        ("windows-1255", "שלום".encode("cp1255"), "שלום"),
        ("iso-8859-8-i", "שלום".encode("iso-8859-8"), "שלום"),
        ("windows-1256", "مرحبا".encode("cp1256"), "مرحبا"),
        ("tis-620", "สวัสดี".encode("cp874"), "สวัสดี"),
        ("gb2312", "您好镕".encode("gb18030"), "您好镕"),
        ("big5", "您好".encode("big5"), "您好"),
        ("shift_jis", "注文①".encode("cp932"), "注文①"),
        ("iso-2022-jp", "注文".encode("iso-2022-jp"), "注文"),
        ("euc-jp", "注文".encode("euc-jp"), "注文"),
        ("ks_c_5601-1987", "주문".encode("cp949"), "주문"),
        ("utf-16", "Grüße".encode("utf-16"), "Grüße"),
        ("utf-16le", "Grüße".encode("utf-16-le"), "Grüße"),
        ("utf-7", "Grüße".encode("utf-7"), "Grüße"),
        ("rot13", "Grüße".encode(), "Grüße"),
        ("no-such-charset", "Grüße".encode(), "Grüße"),
        ("utf-8\x00", "Grüße".encode(), "Grüße"),
        ('""', "Grüße".encode(), "Grüße"),
        ("punycode", "Grüße".encode(), "Grüße"),
        ("utf-16", b"plain ascii", "plain ascii"),
    ],
)
def test_text_is_readable_in_its_charset(charset: str, encoded: bytes, text: str) -> None:
    email = mail(
        f"Content-Type: text/plain; charset={charset}",
        "Content-Transfer-Encoding: base64",
        body=base64.encodebytes(encoded),
    )

    assert email.text_body == text


def test_one_damaged_character_does_not_change_the_charset() -> None:
    email = mail("Content-Type: text/plain; charset=utf-8", body="Grüße aus Köln, Größe".encode() + b"\xc3")

    assert email.text_body == "Grüße aus Köln, Größe\ufffd"
    assert email.defects == ("charset_errors",)


def test_charset_of_an_html_meta_tag_is_used_when_the_declared_one_fails() -> None:
    page = '<html><meta charset="windows-1251"><p>Здравствуйте</p>'.encode("cp1251")

    email = mail("Content-Type: text/html; charset=us-ascii", body=page)

    assert "Здравствуйте" in email.html_body


def test_undeclared_cyrillic_text_is_guessed() -> None:
    text = "Здравствуйте, мой заказ до сих пор не пришёл, помогите пожалуйста разобраться в чём дело. " * 3

    email = mail("Content-Type: text/plain", body=text.encode("cp1251"))

    assert email.text_body == text
    assert "charset_guessed" in email.defects


def test_stored_text_has_no_nul_no_surrogate_and_no_carriage_return() -> None:
    email = mail("Content-Type: text/plain; charset=utf-8", body=b"a\x00b\r\nc\rd\xed\xa0\x80e")

    assert "a\ufffdb\nc\nd" in email.text_body
    assert not set("\x00\r\ud800") & set(email.text_body)


# --- headers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        ("=?utf-8?B?R3LDvMOfZQ==?=", "Grüße"),
        ("=?utf-8?q?a?= =?utf-8?q?b?=", "ab"),
        ("=?utf-8?q?a?=\r\n =?utf-8?q?b?=", "ab"),
        ("=?utf-8?b?4oK?= =?utf-8?b?s?=", "€"),
        ("=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=", "€"),
        ("=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c"),
        ("x=?utf-8?q?a?=y", "xay"),
        ("=?utf-8*en?q?a_b?=", "a b"),
        ("=?UTF-8?Q?Really??=", "Really?"),
        ("=?utf-8?q?with blanks in it?=", "with blanks in it"),
        ("=?iso-8859-1?q?=80?=", "€"),
        ("=?iso-8859-1?q?Gr=C3=BC?=", "Grü"),
        ("=?no-such?q?Gr=C3=BC?=", "Grü"),
        ("=?utf-8?q?Gr=FC?=", "Grü"),
        ("=?gb2312?B?xPq6ww==?=", "您好"),
        ("=?utf-8?b?R3LDvMOfZQ", "Grüße"),
        ("=?utf-8?x?abc?=", "=?utf-8?x?abc?="),
        ("=?utf-8?q?a=00b?=", "a\ufffdb"),
        ("=?utf-8?q?a=0D=0ABcc:_x=40y.example?=", "a Bcc: x@y.example"),
        ("\x1b$BCmJ8\x1b(B", "注文"),
        ("a\tb", "a b"),
        ("a\x07b\x1bc", "abc"),
        ("folded\r\n\tline", "folded line"),
        ("a\rBcc: x@y.example", "a Bcc: x@y.example"),
    ],
)
def test_subject_is_decoded_to_one_clean_line(header: str, subject: str) -> None:
    email = read_mail(b"From: casey@example.net\r\nSubject: " + header.encode() + b"\r\n\r\nHello")

    assert email.subject == subject


def test_raw_8_bit_subject_is_read_in_the_charset_of_the_text() -> None:
    raw = "Subject: Здравствуйте\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\nx".encode("cp1251")

    assert read_mail(raw).subject == "Здравствуйте"


def test_first_of_a_repeated_header_wins_but_no_recipient_is_lost() -> None:
    raw = (
        b"Subject: one\r\nSubject: two\r\nTo: a@x.example\r\nTo: b@x.example\r\n"
        b"Date: x\r\nDate: 1 Jan 2026 10:00 Z\r\n\r\n"
    )

    email = read_mail(raw)

    assert email.subject == "one"
    assert [person.address for person in email.to] == ["a@x.example", "b@x.example"]
    assert email.date is None
    assert email.header_all("subject") == ["one", "two"]
    assert email.defects == ("headers_repeated",)


def test_addresses_of_every_role_are_read() -> None:
    email = mail(
        "Cc: =?utf-8?q?Gr=C3=BCn=2C_Bo?= <bo@example.net>",
        "Bcc: c@example.net",
        "Reply-To: d@example.net",
        "Resent-Cc: f@example.net",
        "Resent-To: e@example.net",
        "Envelope-To: j@example.net",
        "X-Original-To: h@example.net",
        "Delivered-To: g@example.net",
        "Delivered-To: <G2@example.net>",
        "X-Forwarded-To: i@example.net",
    )

    assert email.sender == MailAddress("Casey", "casey@example.net")
    assert email.cc == (MailAddress("Grün, Bo", "bo@example.net"),)
    assert [person.address for person in (*email.bcc, *email.reply_to)] == ["c@example.net", "d@example.net"]
    assert [person.address for person in email.resent_to] == ["e@example.net", "f@example.net"]
    assert email.delivered_to == tuple(f"{name}@example.net" for name in ("g", "g2", "h", "i", "j"))


@pytest.mark.parametrize(
    ("header", "message_id"),
    [
        ("<a.b@example.net>", "a.b@example.net"),
        ("a.b@example.net", "a.b@example.net"),
        ("<a.b@exam\r\n ple.net>", "a.b@example.net"),
        (" junk <a.b@example.net> junk", "a.b@example.net"),
        ("<5fa9c763>", "5fa9c763"),
        ("<a@b@c.example>", "a@b@c.example"),
        ("<" + "x" * 5000 + "@example.net>", ""),
        ("<>", ""),
        ("", ""),
        ("<x>", ""),
        ("<@a@b>", ""),
        ("<a@>", ""),
        ("<a@[>", ""),
        ("several words", ""),
    ],
)
def test_message_id_is_read_or_none(header: str, message_id: str) -> None:
    assert mail(f"Message-ID: {header}").message_id == message_id


@pytest.mark.parametrize(
    ("header", "ids"),
    [
        ("<a@x.example> <b@x.example>", ("a@x.example", "b@x.example")),
        ("<a@x.example><b@x.example>,<a@x.example>", ("a@x.example", "b@x.example")),
        ("a@x.example, b@x.example", ("a@x.example", "b@x.example")),
        ("<a@x.example> (a comment) junk <> <b@x.example", ("a@x.example",)),
        ("=?utf-8?q?=3Ca=40x.example=3E?=\r\n =?utf-8?q?=3Cb=40x.example=3E?=", ("a@x.example", "b@x.example")),
        ("Your message of Monday", ()),
    ],
)
def test_references_are_read_whatever_separates_them(header: str, ids: tuple[str, ...]) -> None:
    email = mail(f"References: {header}", f"In-Reply-To: {header}")

    assert email.references == ids
    assert email.in_reply_to == ids


def test_newest_200_references_are_kept() -> None:
    email = mail("References: " + "\r\n ".join(f"<{number}@x.example>" for number in range(500)))

    assert len(email.references) == 200
    assert email.references[-1] == "499@x.example"


@pytest.mark.parametrize(
    ("header", "moment"),
    [
        ("Tue, 03 Nov 2026 10:11:12 +0100", datetime(2026, 11, 3, 9, 11, 12, tzinfo=UTC)),
        ("Tue, 3 Nov 2026 10:11:12 EST", datetime(2026, 11, 3, 15, 11, 12, tzinfo=UTC)),
        ("3 Nov 99 10:11:12 GMT", datetime(1999, 11, 3, 10, 11, 12, tzinfo=UTC)),
        ("Tue, 03 Nov 2026 10:11:12 +0000 (UTC)", datetime(2026, 11, 3, 10, 11, 12, tzinfo=UTC)),
        ("2026-11-03T10:11:12+02:00", datetime(2026, 11, 3, 8, 11, 12, tzinfo=UTC)),
        ("2026-11-03 10:11:12", datetime(2026, 11, 3, 10, 11, 12, tzinfo=UTC)),
        ("Tue Nov  3 10:11:12 2026", datetime(2026, 11, 3, 10, 11, 12, tzinfo=UTC)),
        ("Thu, 01 Jan 1970 00:00:00 +0000", None),
        ("Thu, 01 Jan 2150 00:00:00 +0000", None),
        ("Thu, 99 Jan 2026 99:99:99 +9999", None),
        ("yesterday", None),
        ("", None),
        ("1" * 5000, None),
    ],
)
def test_date_is_read_as_utc_or_none(header: str, moment: datetime | None) -> None:
    assert mail(f"Date: {header}").date == moment


# --- what stands around the header -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "subject", "text"),
    [
        (b"Subject: x\n\nHello\n", "x", "Hello\n"),
        (b"Subject: x\r\rHello\r", "x", "Hello\n"),
        (b"Subject: x\r\r\nTo: a@x.example\r\r\n\r\r\nHello", "x", "Hello"),
        (b"From casey@example.net Tue Nov  3 10:11:12 2026\nSubject: x\n\nHello", "x", "Hello"),
        (b"\xef\xbb\xbfSubject: x\n\nHello", "x", "Hello"),
        (b"\r\n\r\nSubject: x\r\n\r\nHello", "x", "Hello"),
        (b"Subject: x\r\nHello there\r\nBye", "x", "Hello there\nBye"),
        (b"Subject: x\r\n   \r\nHello", "x", "Hello"),
        (b"Subject: x\r\nbroken line\r\nTo: a@x.example\r\n\r\nHello", "x broken line", "Hello"),
        (b"Subject: x\r\nTo: a@x.example\r\n", "x", ""),
        (b"Subject: x", "x", ""),
        (b"Hello there\r\nthis is all", "", "Hello there\nthis is all"),
        (b"Hello: this is all", "", "Hello: this is all"),
        (b"", "", ""),
    ],
)
def test_header_ends_where_a_person_would_say(raw: bytes, subject: str, text: str) -> None:
    email = read_mail(raw)

    assert (email.subject, email.text_body) == (subject, text)


def test_what_has_no_content_looks_empty() -> None:
    assert looks_empty(b"")
    assert looks_empty(b" \r\n\x00\r\n")
    assert not looks_empty(b"Subject: x")


# --- transfer encodings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "body", "text", "defects"),
    [
        ("base64", b"SGVsbG8=", "Hello", ()),
        ("BASE64 ", b"SGVs\r\nbG8=\r\n", "Hello", ()),
        ("base64", b"SGVsbG8", "Hello", ("base64_damaged",)),
        ("base64", b"SGVsbG8gd29ybGQhIQ==SGVsbG8gd29ybGQhIQ==", "Hello world!!Hello world!!", ("base64_damaged",)),
        ("base64", b"SGVsbG8=\r\n-- \r\na list, its footer", "Hello", ("base64_damaged",)),
        ("quoted-printable", b"Gr=C3=BC=C3=9Fe=\r\n!", "Grüße!", ()),
        ("quoted-printable", b"Hello =XY world=C3", "Hello =XY world", ("charset_errors", "quoted_printable_damaged")),
        ("quoted-printable", b"soft= \t\r\nly =\r\nbroken", "softly broken", ()),
        ("quoted-printable", b"soft=\rly", "softly", ()),
        ("quoted-printable", b"Hello =E", "Hello =E", ("quoted_printable_damaged",)),
        ("x-no-idea", b"Hello", "", ("transfer_encoding_unknown",)),
        ("plain", b"Hello", "Hello", ("transfer_encoding_unknown",)),
    ],
)
def test_transfer_encoding_is_undone_as_far_as_it_goes(
    encoding: str, body: bytes, text: str, defects: tuple[str, ...]
) -> None:
    email = mail("Content-Type: text/plain; charset=utf-8", f"Content-Transfer-Encoding: {encoding}", body=body)

    assert email.text_body.rstrip("\ufffdÃ") == text
    assert email.defects == defects or "charset_errors" in defects


def test_uuencoded_file_in_the_text_becomes_an_attachment() -> None:
    lines = "".join(binascii.b2a_uu(b"a file in the text"[at : at + 45]).decode() for at in range(0, 18, 45))

    email = mail(body=f"see below\r\nbegin 644 note.txt\r\n{lines}`\r\nend\r\nbye\r\n")

    assert email.text_body == "see below\nbye\n"
    assert [(file.file_name, file.content) for file in email.attachments] == [("note.txt", b"a file in the text")]


def test_yenc_file_in_the_text_becomes_an_attachment() -> None:
    encoded = bytes((byte + 42) % 256 for byte in b"bytes")

    email = mail(body=b"=ybegin line=128 size=5 name=a.bin\r\n" + encoded + b"\r\n=yend size=5\r\nbye")

    assert email.text_body == "bye"
    assert [(file.file_name, file.content) for file in email.attachments] == [("a.bin", b"bytes")]


def test_sentence_that_begins_with_begin_stays_text() -> None:
    email = mail(body="begin 644 now\r\nwe need it\r\nend\r\n")

    assert email.text_body == "begin 644 now\nwe need it\nend\n"
    assert email.attachments == ()


def test_flowed_text_is_unwrapped_and_quotes_keep_their_marks() -> None:
    body = "A long \r\nline.\r\n> quoted \r\n> line\r\n-- \r\nCasey\r\n  stuffed\r\n"

    email = mail("Content-Type: text/plain; format=flowed", body=body)

    assert email.text_body == "A long line.\n> quoted line\n-- \nCasey\n stuffed\n"


def test_flowed_text_with_delsp_joins_without_a_blank() -> None:
    email = mail("Content-Type: text/plain; format=flowed; delsp=yes", body="注文が \r\n届きません\r\n")

    assert email.text_body == "注文が届きません\n"


# --- which part is what ----------------------------------------------------------------------------------------------


def test_alternative_gives_both_forms() -> None:
    email = multipart("alternative", PLAIN, HTML)

    assert (email.text_body, email.html_body, email.attachments) == ("plain words", "<p>rich words</p>", ())


def test_other_forms_of_an_alternative_are_no_files_but_an_invitation_is() -> None:
    amp = "Content-Type: text/x-amp-html\r\n\r\n<html amp>"
    invitation = "Content-Type: text/calendar; method=REQUEST\r\n\r\nBEGIN:VCALENDAR"

    email = multipart("alternative", PLAIN, amp, HTML, invitation)

    assert [file.content_type for file in email.attachments] == ["text/calendar"]


def test_texts_of_a_mixed_mail_follow_each_other() -> None:
    email = multipart("mixed", PLAIN, "Content-Type: text/plain\r\n\r\nfooter")

    assert email.text_body == "plain words\nfooter"


def test_text_beside_html_is_in_both_forms() -> None:
    email = multipart("mixed", HTML, "Content-Type: text/plain\r\n\r\na <footer>")

    assert email.text_body == "rich words\n\na <footer>"
    assert email.html_body == '<p>rich words</p>\n<div style="white-space: pre-wrap">a &lt;footer&gt;</div>'


def test_same_text_in_two_forms_is_shown_once_though_declared_mixed() -> None:
    email = multipart("mixed", "\r\nthe same words", "Content-Type: text/html\r\n\r\n<p>the <b>same</b> words</p>")

    assert (email.text_body, email.html_body) == ("the same words", "<p>the <b>same</b> words</p>")


def test_named_text_is_a_file() -> None:
    named = 'Content-Type: text/plain; name="log.txt"\r\n\r\nlog'
    attached = "Content-Type: text/html\r\nContent-Disposition: attachment\r\n\r\n<p>"

    email = multipart("mixed", PLAIN, named, attached)

    assert email.text_body == "plain words"
    assert [(file.file_name, file.content_type, file.content) for file in email.attachments] == [
        ("log.txt", "text/plain", b"log"),
        ("", "text/html", b"<p>"),
    ]


def test_only_text_of_a_mail_is_its_body_even_when_it_is_a_file() -> None:
    email = multipart(
        "mixed", "Content-Type: text/plain\r\nContent-Disposition: inline; filename=a.txt\r\n\r\nthe text"
    )

    assert email.text_body == "the text"
    assert file_names(email) == ["a.txt"]


def test_image_that_the_html_shows_is_inline() -> None:
    page = 'Content-Type: text/html\r\n\r\n<img src="cid:Logo@x.example">'
    shown = (
        "Content-Type: image/png\r\nContent-ID: <logo@x.example>\r\n"
        "Content-Disposition: attachment; filename=l.png\r\n\r\nx"
    )
    photo = "Content-Type: image/jpeg\r\nContent-Disposition: attachment; filename=p.jpg\r\n\r\ny"

    email = multipart("related", page, shown, photo)

    assert [(file.file_name, file.inline, file.content_id) for file in email.attachments] == [
        ("l.png", True, "logo@x.example"),
        ("p.jpg", False, ""),
    ]


def test_forwarded_mail_is_a_file_named_by_its_subject() -> None:
    inner = (
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nContent-Type: multipart/mixed; boundary=zz2\r\n\r\n"
        "--zz2\r\n\r\nx\r\n--zz2--"
    )

    email = multipart("mixed", PLAIN, f"Content-Type: message/rfc822\r\n\r\n{inner}")

    assert [(file.file_name, file.content_type, file.content) for file in email.attachments] == [
        ("Grüße.eml", "message/rfc822", inner.encode())
    ]


def test_delivery_report_is_text_and_files() -> None:
    status = "Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nAction: failed"

    email = multipart('report; report-type="delivery-status"', PLAIN, status)

    assert email.text_body == "plain words"
    assert [file.content_type for file in email.attachments] == ["message/delivery-status"]


def test_signed_mail_shows_its_content_and_lists_the_signature() -> None:
    signature = "Content-Type: application/pgp-signature; name=signature.asc\r\n\r\n-----BEGIN"

    email = multipart("signed", PLAIN, signature)

    assert email.text_body == "plain words"
    assert file_names(email) == ["signature.asc"]


def test_bytes_of_a_file_are_exact() -> None:
    content = bytes(range(256)) * 9
    encoded = base64.encodebytes(content).decode()

    email = multipart(
        "mixed", f"Content-Type: application/x-thing; name=a.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n{encoded}"
    )

    assert email.attachments == (ParsedAttachment("a.bin", "application/x-thing", content),)


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a b.txt"', "a b.txt"),
        ("attachment; filename=a b.txt", "a b.txt"),
        ('attachment; filename="C:\\temp\\new.txt"', "C:\\temp\\new.txt"),
        ('attachment; filename="a\\"b.txt"', 'a"b.txt'),
        ("attachment; filename*=utf-8''Gr%C3%BC%C3%9Fe.txt", "Grüße.txt"),
        ("attachment; filename*=iso-8859-1'de'Gr%FC%DFe.txt", "Grüße.txt"),
        ("attachment; filename*0*=utf-8''Gr%C3; filename*1*=%BC; filename*2=\"n.txt\"", "Grün.txt"),
        ("attachment; filename*1=b.txt; filename*0=a", "ab.txt"),
        ('attachment; filename="=?utf-8?q?Gr=C3=BCn.txt?="', "Grün.txt"),
        ("attachment; filename==?utf-8?q?Gr=C3=BCn.txt?=", "Grün.txt"),
        ('attachment; filename="Grün.txt"', "Grün.txt"),
        ('attachment; filename="../../etc/passwd"', "../../etc/passwd"),
        ('attachment; filename="unclosed.txt', "unclosed.txt"),
        ("attachment; size=5; filename=x; filename=y", "x"),
        ("attachment; ; = ; filename=x", "x"),
        ("attachment", ""),
    ],
)
def test_file_name_is_read_in_every_form(disposition: str, name: str) -> None:
    email = multipart("mixed", f"Content-Type: application/pdf\r\nContent-Disposition: {disposition}\r\n\r\nx")

    assert file_names(email) == [name]


@pytest.mark.parametrize(
    ("content_type", "body", "text"),
    [
        ("multipart/mixed; boundary=zz", "--zz\r\n\r\nnever closed", "never closed"),
        (
            "multipart/mixed",
            "--zz\r\nContent-Type: text/plain\r\n\r\nno boundary declared\r\n--zz--",
            "no boundary declared",
        ),
        (
            "multipart/mixed; boundary=yy",
            "--zz\r\nContent-Type: text/plain\r\n\r\nother boundary\r\n--zz--",
            "other boundary",
        ),
        ("multipart/mixed; boundary=zz", "no part at all", "no part at all"),
        ('multipart/mixed; boundary="z z"', "--z z\r\n\r\nblank in it\r\n--z z--", "blank in it"),
        ("multipart/mixed; boundary=zz", "--zz  \r\n\r\nblanks behind\r\n--zz--  ", "blanks behind"),
        ("multipart/mixed; boundary=zz", "--zz\r\nno header, no separator\r\n--zz--", "no header, no separator"),
        ("multipart/mixed; boundary=zz", "--zzz\r\n--zz\r\n\r\nx\r\n--zzy\r\n--zz--", "x\n--zzy"),
        ("multipart/mixed; boundary=zz", "only a preamble\r\n--zz\r\n--zz--", "only a preamble\n"),
        ("text", "just text", "just text"),
        ("nonsense", "just text", "just text"),
        ("", "just text", "just text"),
    ],
)
def test_badly_built_mail_shows_its_text(content_type: str, body: str, text: str) -> None:
    email = mail(f"Content-Type: {content_type}", body=body)

    assert email.text_body == text


def test_boundary_that_begins_like_the_outer_one_is_its_own() -> None:
    inner = 'Content-Type: multipart/alternative; boundary="zz-1"\r\n\r\n--zz-1\r\n\r\ninner\r\n--zz-1--'

    email = multipart("mixed", inner, "Content-Type: application/pdf; name=a.pdf\r\n\r\nx")

    assert email.text_body == "inner"
    assert file_names(email) == ["a.pdf"]


def test_winmail_dat_that_cannot_be_unpacked_stays_a_file() -> None:
    no_recipient = b"\x01\x04\x90\x06\x00\x04\x00\x00\x00\x01\x00\x00\x00\x00\x00" + b"\x00" * 20
    damaged = base64.encodebytes(b"\x78\x9f\x3e\x22\x01\x00" + no_recipient).decode()

    email = multipart(
        "mixed",
        PLAIN,
        f"Content-Type: application/MS-TNEF; name=winmail.dat\r\nContent-Transfer-Encoding: base64\r\n\r\n{damaged}",
    )

    assert file_names(email) == ["winmail.dat"]
    assert email.text_body == "plain words"
    assert "tnef_damaged" in email.defects


# --- a provider's pieces ---------------------------------------------------------------------------------------------


def test_pieces_of_a_provider_are_read_like_a_mail() -> None:
    file = ParsedAttachment("=?utf-8?q?Gr=C3=BCn.txt?=", "Text/Plain; charset=x", b"x", content_id="<a@x.example>")

    email = read_pieces(
        [
            ("From", "Grün, Casey <casey@example.net>"),
            ("Subject", "a\r\n b\x00\ud800"),
            ("subject", "second"),
            ("Message-ID", "<a@x.example>"),
            ("To", '"Support" <Support@acme.example>'),
        ],
        "text\r\n\ud83d",
        None,
        [file],
    )

    assert email.senders[-1] == MailAddress("Casey", "casey@example.net")
    assert email.subject == "a  b\ufffd\ufffd"
    assert email.text_body == "text\n\ufffd"
    assert email.html_body == ""
    assert email.message_id == "a@x.example"
    assert email.to == (MailAddress("Support", "support@acme.example"),)
    assert email.attachments == (ParsedAttachment("Grün.txt", "text/plain", b"x", content_id="a@x.example"),)


def test_pieces_are_capped_like_a_mail() -> None:
    limits = Limits(headers=10, attachments=2, text=5)
    files = [ParsedAttachment("a", "text/plain", b"x")] * 5

    email = read_pieces([("X-A", "y")] * 50, "text text", None, files, limits=limits)

    assert (len(email.headers), len(email.attachments), email.text_body) == (10, 2, "text ")
    assert email.defects == ("attachments_cut", "headers_cut", "text_cut")


def test_pieces_have_a_limit_for_all_headers_together() -> None:
    """No bounded process reads them: each of ninety long headers alone may cost seconds."""
    headers = [("To", "a@b.example"), ("Cc", "c@d.example, e@f.example"), ("Bcc", "x@y.example")]

    email = read_pieces(headers, "", None, [], limits=Limits(headers_in_pieces=24))

    assert [person.address for person in (*email.to, *email.cc, *email.bcc)] == ["a@b.example", "c@d.example"]
    assert {"headers_cut", "header_value_cut"} <= set(email.defects)
