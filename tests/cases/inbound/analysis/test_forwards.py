"""Forwarded mails: who wrote the original, what it said, and the comment above it."""

from __future__ import annotations

import pytest

from cases.inbound.parsed import ForwardedOriginal, ParsedAttachment
from tests.cases.inbound.analysis.mails import analysed, analysed_raw, mail

# (language and program, separator, labels of from, date, subject, to, prefix of the subject)
FORWARDS = [
    ("en gmail", "---------- Forwarded message ---------", "From|Date|Subject|To", "Fwd"),
    ("en thunderbird", "-------- Forwarded Message --------", "From|Date|Subject|To", "Fwd"),
    ("en apple", "Begin forwarded message:", "From|Date|Subject|To", "Fwd"),
    ("en outlook", "", "From|Sent|Subject|To", "FW"),
    ("en classic", "-----Original Message-----", "From|Sent|Subject|To", "FW"),
    ("en yahoo", "----- Forwarded message -----", "From|Sent|Subject|To", "Fw"),
    ("en proton", "------- Forwarded Message -------", "From|Date|Subject|To", "Fw"),
    ("de gmail", "---------- Forwarded message ---------", "Von|Date|Subject|To", "Fwd"),
    ("de thunderbird", "-------- Weitergeleitete Nachricht --------", "Von|Datum|Betreff|An", "Fwd"),
    ("de apple", "Anfang der weitergeleiteten Nachricht:", "Von|Datum|Betreff|An", "Fwd"),
    ("de outlook", "", "Von|Gesendet|Betreff|An", "WG"),
    ("fr thunderbird", "-------- Message transféré --------", "De |Date |Sujet |Pour ", "Fwd"),
    ("fr apple", "Début du message réexpédié :", "De|Date|Objet|À", "Fwd"),
    ("fr outlook", "", "De |Envoyé |Objet |À ", "TR"),
    ("es thunderbird", "-------- Mensaje reenviado --------", "De|Fecha|Asunto|Para", "Fwd"),
    ("es apple", "Inicio del mensaje reenviado:", "De|Fecha|Asunto|Para", "Fwd"),
    ("es outlook", "", "De|Enviado|Asunto|Para", "RV"),
    ("it thunderbird", "-------- Messaggio Inoltrato --------", "Da|Data|Oggetto|A", "Fwd"),
    ("it apple", "Inizio messaggio inoltrato:", "Da|Data|Oggetto|A", "Fwd"),
    ("it outlook", "", "Da|Inviato|Oggetto|A", "I"),
    ("nl thunderbird", "-------- Doorgestuurd bericht --------", "Van|Datum|Onderwerp|Aan", "Fwd"),
    ("nl apple", "Begin doorgestuurd bericht:", "Van|Datum|Onderwerp|Aan", "Fwd"),
    ("nl outlook", "", "Van|Verzonden|Onderwerp|Aan", "FW"),
    ("pt thunderbird", "-------- Mensagem encaminhada --------", "De|Data|Assunto|Para", "Fwd"),
    ("pt apple", "Início da mensagem reencaminhada:", "De|Data|Assunto|Para", "Fwd"),
    ("pt outlook", "", "De|Enviada em|Assunto|Para", "ENC"),
    ("pl gmail", "---------- Forwarded message ---------", "Od|Date|Subject|To", "Fwd"),
    ("pl thunderbird", "-------- Wiadomość przekazana dalej --------", "Od|Data|Temat|Do", "Fwd"),
    ("pl outlook", "", "Od|Wysłano|Temat|Do", "PD"),
    ("ru gmail", "---------- Forwarded message ---------", "От|Date|Subject|To", "Fwd"),
    ("ru mail.ru", "-------- Пересылаемое сообщение --------", "От кого|Дата|Тема|Кому", "Fwd"),
    ("ru apple", "Начало переадресованного сообщения:", "От|Дата|Тема|Кому", "Fwd"),
    ("ru outlook", "", "От|Отправлено|Тема|Кому", "FW"),
    ("uk thunderbird", "-------- Переслане повідомлення --------", "Від|Дата|Тема|Кому", "Fwd"),
    ("cs thunderbird", "-------- Přeposlaná zpráva --------", "Od|Datum|Předmět|Komu", "Fwd"),
    ("cs outlook", "", "Od|Odesláno|Předmět|Komu", "FW"),
    ("sv thunderbird", "-------- Vidarebefordrat meddelande --------", "Från|Datum|Ämne|Till", "Fwd"),
    ("sv apple", "Vidarebefordrat brev:", "Från|Datum|Ämne|Till", "Fwd"),
    ("sv outlook", "", "Från|Skickat|Ämne|Till", "VB"),
    ("da thunderbird", "-------- Videresendt meddelelse --------", "Fra|Dato|Emne|Til", "Fwd"),
    ("da outlook", "", "Fra|Sendt|Emne|Til", "VS"),
    ("nb thunderbird", "-------- Videresendt melding --------", "Fra|Dato|Emne|Til", "Fwd"),
    ("nb outlook", "", "Fra|Sendt|Emne|Til", "VS"),
    ("fi thunderbird", "-------- Välitetty viesti --------", "Lähettäjä|Päivämäärä|Aihe|Vastaanottaja", "Fwd"),
    ("fi outlook", "", "Lähettäjä|Lähetetty|Aihe|Vastaanottaja", "VL"),
    ("tr thunderbird", "-------- İletilmiş Mesaj --------", "Kimden|Tarih|Konu|Kime", "Fwd"),
    ("tr outlook", "", "Kimden|Gönderildi|Konu|Kime", "İLT"),
    ("ja thunderbird", "-------- 転送メッセージ --------", "差出人|日付|件名|宛先", "Fwd"),
    ("ja outlook", "", "差出人|送信日時|件名|宛先", "転送"),
    ("zh-cn", "---------- 转发的邮件 ----------", "发件人|日期|主题|收件人", "转发"),
    ("zh-cn outlook", "", "发件人|发送时间|主题|收件人", "转发"),
    ("zh-tw", "---------- 轉寄的郵件 ----------", "寄件者|日期|主旨|收件者", "轉寄"),
    ("ko thunderbird", "-------- 전달된 메시지 --------", "보낸사람|날짜|제목|받는사람", "Fwd"),
    ("ko outlook", "", "보낸 사람|보낸 날짜|제목|받는 사람", "전달"),
]

ORIGINAL = ForwardedOriginal(
    from_name="Jane Roe",
    from_address="jane@example.org",
    subject="The lamp",
    date="5 Jan 2024 10:12",
    to="Kim <kim@example.net>",
    body="It is dark.\n\nJane",
    comment="Can you help her?",
)


@pytest.mark.parametrize(
    ("separator", "labels", "prefix"), [row[1:] for row in FORWARDS], ids=[row[0] for row in FORWARDS]
)
def test_an_inline_forward_is_read(separator: str, labels: str, prefix: str) -> None:
    sender, date, subject, to = labels.split("|")
    block = (
        f"{sender}: Jane Roe <jane@example.org>\n"
        f"{date}: 5 Jan 2024 10:12\n{subject}: The lamp\n"
        f"{to}: Kim <kim@example.net>"
    )
    text = f"Can you help her?\n\n{separator}\n{block}\n\nIt is dark.\n\nJane\n"

    result = analysed(mail(text, subject=f"{prefix}: The lamp"))

    assert result.forwarded == ORIGINAL
    assert result.reply_text == "Can you help her?"


def test_a_quoted_forward_of_apple_mail_is_read() -> None:
    text = (
        "Can you help her?\n\n> Begin forwarded message:\n"
        "> \n> From: Jane Roe <jane@example.org>\n"
        "> Subject: The lamp\n> Date: 5 Jan 2024 10:12\n"
        "> To: Kim <kim@example.net>\n> \n> It is dark.\n> \n> Jane\n"
    )

    result = analysed(mail(text, subject="Fwd: The lamp"))

    assert result.forwarded == ORIGINAL


def test_a_gmail_forward_in_html_is_read() -> None:
    html = (
        '<div dir="ltr">Can you help her?<br><br><div class="gmail_quote">'
        '<div dir="ltr" class="gmail_attr">---------- Forwarded message '
        "---------<br>From: "
        '<strong class="gmail_sendername" dir="auto">Jane Roe</strong>'
        ' <span dir="auto">&lt;<a href="mailto:jane@example.org">jane@example.org</a>'
        "&gt;</span><br>"
        "Date: 5 Jan 2024 10:12<br>Subject: The lamp<br>To: Kim &lt;kim@example.net&gt;<br>"
        "</div><br><br><div>It is dark.</div><div><br></div><div>Jane</div>"
        "</div></div>"
    )

    result = analysed(mail("", html, subject="Fwd: The lamp"))

    assert result.forwarded == ORIGINAL


def test_a_forward_without_a_comment_has_an_empty_one() -> None:
    text = "---------- Forwarded message ---------\nFrom: <jane@example.org>\nSubject: The lamp\n\nIt is dark.\n"

    result = analysed(mail(text, subject="Fwd: The lamp"))

    assert result.forwarded == ForwardedOriginal("", "jane@example.org", "The lamp", "", "", "It is dark.", "")
    assert result.reply_text == ""


def test_an_answer_with_a_header_block_is_no_forward() -> None:
    text = (
        "Yes.\n\nFrom: Acme <support@acme.example>\n"
        "Sent: Friday, January 5, 2024 10:12 AM\n"
        "To: Casey\nSubject: Re: Lamp\n\n"
        "Dark?\n"
    )

    result = analysed(mail(text, subject="RE: Lamp", in_reply_to=("x@acme.example",)))

    assert result.forwarded is None
    assert result.reply_text == "Yes."


def test_a_forward_inside_an_answered_mail_is_no_forward_to_us() -> None:
    text = (
        "Yes.\n\nOn 5 Jan 2024, at 10:12, Acme <support@acme.example> "
        "wrote:\n> Is it this one?\n>\n> ---------- Forwarded message "
        "---------\n"
        "> From: Jane Roe <jane@example.org>\n> Subject: The lamp\n>\n> It is dark.\n"
    )

    result = analysed(mail(text, subject="Re: Lamp", in_reply_to=("x@acme.example",)))

    assert result.forwarded is None
    assert result.reply_text == "Yes."


def test_an_attached_mail_is_a_forward() -> None:
    content = (
        b"From: Jane Roe <jane@example.org>\r\n"
        b"To: Kim <kim@example.net>\r\nSubject: The lamp\r\n"
        b"Date: Fri, 05 Jan 2024 10:12:00 +0000\r\n"
        b"\r\nIt is dark.\r\n\r\nJane\r\n"
    )
    attachment = ParsedAttachment("lamp.eml", "message/rfc822", content)

    result = analysed(mail("Can you help her?", subject="Fwd: The lamp", attachments=(attachment,)))

    assert result.forwarded == ForwardedOriginal(
        "Jane Roe",
        "jane@example.org",
        "The lamp",
        "Fri, 05 Jan 2024 10:12:00 +0000",
        "Kim <kim@example.net>",
        "It is dark.\n\nJane",
        "Can you help her?",
    )


def test_mails_of_a_digest_are_no_forward() -> None:
    raw = (
        "From: list@lists.example\nTo: support@acme.example\n"
        "Subject: Digest 7\nMIME-Version: 1.0\n"
        "Content-Type: multipart/digest; boundary=b\n"
        "\n"
        "--b\n\nFrom: a@example.org\nSubject: one\n\nOne.\n--b\n\nFrom: b@example.org\nSubject: two\n\nTwo.\n--b--\n"
    )

    result = analysed_raw(raw)

    assert result.forwarded is None


def test_a_sender_without_an_address_keeps_the_name() -> None:
    text = "-----Original Message-----\nFrom: Jane Roe\nSent: Friday\nTo: Kim\nSubject: The lamp\n\nIt is dark.\n"

    result = analysed(mail(text, subject="FW: The lamp"))

    assert result.forwarded is not None
    assert (result.forwarded.from_name, result.forwarded.from_address) == ("Jane Roe", "")
