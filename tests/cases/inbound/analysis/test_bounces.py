"""What delivery failures say: whom, why, for how long, and about which mail."""

from __future__ import annotations

import pytest

from cases.inbound.parsed import Bounce, ProviderFacts
from tests.cases.inbound.analysis.mails import analysed_raw


def report(
    fields: str,
    returned: str = "Content-Type: message/rfc822\n\nMessage-ID: <7.abc@ours.example>\nSubject: Re: x\n\nquoted",
    subject: str = "Returned mail",
) -> str:
    return (
        "From: MAILER-DAEMON@mx.example.net\n"
        "To: support@acme.example\nReturn-Path: <>\n"
        f"Subject: {subject}\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status; "
        "boundary=b\n\n--b\nContent-Type: text/plain\n"
        "\ncould not be delivered\n--b\n"
        "Content-Type: message/delivery-status\n"
        "\nReporting-MTA: dns; mx.example.net\n"
        f"\n{fields}\n--b\n{returned}\n--b--\n"
    )


def notice(
    text: str,
    subject: str = "failure notice",
    sender: str = "MAILER-DAEMON@mx.example.net",
    more: str = "Return-Path: <>\n",
) -> str:
    return (
        f"From: {sender}\nTo: support@acme.example\n"
        f"{more}Subject: {subject}\nContent-Type: text/plain; charset=utf-8\n"
        f"\n{text}\n"
    )


def test_a_failed_recipient_of_a_report_is_read() -> None:
    raw = report(
        "Final-Recipient: rfc822; Casey@Example.net\n"
        "Action: failed\nStatus: 5.1.1\n"
        "Diagnostic-Code: smtp; 550 5.1.1 <casey@example.net>:\n"
        " Recipient address rejected"
    )

    result = analysed_raw(raw)

    assert result.automatic_kind == "bounce"
    assert result.bounce == Bounce(
        recipients=("casey@example.net",),
        status="5.1.1",
        hard=True,
        reason="550 5.1.1 <casey@example.net>: Recipient address rejected",
        original_message_id="7.abc@ours.example",
    )


def test_a_temporary_failure_is_soft() -> None:
    result = analysed_raw(report("Final-Recipient: rfc822; casey@example.net\nAction: failed\nStatus: 4.4.7"))

    assert result.bounce is not None
    assert (result.bounce.hard, result.bounce.delayed, result.bounce.status) == (False, False, "4.4.7")


def test_a_delayed_mail_is_a_warning() -> None:
    result = analysed_raw(
        report(
            "Final-Recipient: rfc822; casey@example.net\n"
            "Action: delayed\nStatus: 4.4.1\n"
            "Will-Retry-Until: Mon, 8 Jan 2024 10:12:00 +0000"
        )
    )

    assert result.automatic_kind == "bounce"
    assert result.bounce is not None
    assert (result.bounce.hard, result.bounce.delayed, result.bounce.recipients) == (
        False,
        True,
        ("casey@example.net",),
    )


def test_every_failed_recipient_is_named_and_a_delivered_one_is_not() -> None:
    groups = "\n\n".join(
        f"Final-Recipient: rfc822; {name}@example.net\nAction: {action}\nStatus: {status}"
        for name, action, status in (("a", "failed", "5.1.1"), ("b", "delivered", "2.0.0"), ("c", "failed", "5.2.2"))
    )

    result = analysed_raw(report(groups))

    assert result.bounce is not None
    assert result.bounce.recipients == ("a@example.net", "c@example.net")


def test_the_original_recipient_is_preferred() -> None:
    result = analysed_raw(
        report(
            "Original-Recipient: rfc822;casey@example.net\n"
            "Final-Recipient: rfc822;c.7@inner.example\n"
            "Action: failed\nStatus: 5.0.0"
        )
    )

    assert result.bounce is not None
    assert result.bounce.recipients == ("casey@example.net",)


def test_the_message_id_is_read_from_returned_headers_alone() -> None:
    raw = report(
        "Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1",
        "Content-Type: text/rfc822-headers\n\nSubject: Re: x\nMessage-Id:\n <7.abc@ours.example>\n",
    )

    result = analysed_raw(raw)

    assert result.bounce is not None
    assert result.bounce.original_message_id == "7.abc@ours.example"


# --- servers that write no RFC 3464 ---------------------------------------------------------------------------------
NOTICES = [
    (
        "qmail",
        notice(
            "Hi. This is the qmail-send program at mx.example.net.\n"
            "I'm afraid I wasn't able to deliver your message to the following "
            "addresses.\n"
            "This is a permanent error; I've given up. Sorry it didn't work "
            "out.\n\n<casey@example.net>:\nSorry, no mailbox here by that "
            "name. (#5.1.1)\n\n"
            "--- Below this line is a copy of the message.\n"
            "\nReturn-Path: <support@acme.example>\n"
            "Message-ID: <7.abc@ours.example>\n"
            "Subject: x\n\nHello"
        ),
        "5.1.1",
    ),
    (
        "exim",
        notice(
            "This message was created automatically by mail delivery software.\n"
            "\nA message that you sent could not be delivered to one or more "
            "of its\nrecipients. This is a permanent error. "
            "The following address(es) failed:\n"
            "\n  casey@example.net\n    SMTP error from remote mail server "
            "after RCPT TO:<casey@example.net>:\n"
            "    host mx.example.net [192.0.2.1]: 550 5.1.1 User unknown\n"
            "\n"
            "------ This is a copy of the message, including all the headers. "
            "------\n\nReturn-path: <support@acme.example>\n"
            "Message-ID: <7.abc@ours.example>\n"
            "\nHello",
            subject="Mail delivery failed: returning message to sender",
            sender="Mail Delivery System <Mailer-Daemon@mx.example.net>",
            more="X-Failed-Recipients: casey@example.net\nAuto-Submitted: auto-replied\n",
        ),
        "5.1.1",
    ),
    (
        "gmail before 2010",
        notice(
            "Delivery to the following recipient failed permanently:\n"
            "\n     casey@example.net\n\nTechnical details of permanent failure:\n"
            "The error that the other server returned was: 550 5.1.1 No such "
            "user\n\n"
            "----- Original message -----\n\nMessage-ID: <7.abc@ours.example>\nSubject: x\n\nHello",
            subject="Delivery Status Notification (Failure)",
            sender="Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        ),
        "5.1.1",
    ),
]


@pytest.mark.parametrize(("raw", "status"), [row[1:] for row in NOTICES], ids=[row[0] for row in NOTICES])
def test_a_notice_in_a_known_form_is_read(raw: str, status: str) -> None:
    result = analysed_raw(raw)

    assert result.automatic_kind == "bounce"
    assert result.bounce is not None
    assert result.bounce.recipients == ("casey@example.net",)
    assert (result.bounce.status, result.bounce.hard, result.bounce.delayed) == (status, True, False)
    assert result.bounce.original_message_id == "7.abc@ours.example"


@pytest.mark.parametrize(
    ("subject", "sentence"),
    [
        ("Undeliverable: Lamp", "Your message could not be delivered to casey@example.net."),
        ("Unzustellbar: Lampe", "Ihre Nachricht an casey@example.net konnte nicht zugestellt werden."),
        ("Non remis : Lampe", "Votre message n'a pas pu être remis à casey@example.net."),
        ("No se puede entregar: Lámpara", "Su mensaje no se ha podido entregar a casey@example.net."),
        ("Impossibile recapitare: Lampada", "Il messaggio per casey@example.net non è stato recapitato."),
        ("Onbestelbaar: Lamp", "Uw bericht aan casey@example.net kon niet worden bezorgd."),
        ("Não é possível entregar: Lâmpada", "A mensagem para casey@example.net não foi entregue."),
        ("Niedostarczone: Lampa", "Wiadomość do casey@example.net nie została dostarczona."),
        ("Недоставлено: Лампа", "Не удалось доставить сообщение для casey@example.net."),
        ("Не вдалося доставити: Лампа", "Повідомлення для casey@example.net не було доставлено."),
        ("Nedoručitelné: Lampa", "Zpráva pro casey@example.net nemohla být doručena."),
        ("Kan inte levereras: Lampa", "Meddelandet till casey@example.net kunde inte levereras."),
        ("Kan ikke leveres: Lampe", "Beskeden til casey@example.net kunne ikke leveres."),
        ("Kan ikke leveres: Lampe", "Meldingen til casey@example.net ble ikke levert."),
        ("Ei voi toimittaa: Lamppu", "Viestiä osoitteeseen casey@example.net ei voitu toimittaa."),
        ("Teslim Edilemedi: Lamba", "casey@example.net adresine iletiniz teslim edilemedi."),
        ("配信不能: ランプ", "casey@example.net にメッセージを配信できませんでした。"),
        ("无法送达: 灯", "您发送给 casey@example.net 的邮件无法送达。"),
        ("無法傳遞: 燈", "您寄給 casey@example.net 的郵件無法傳遞。"),
        ("来自mx.example.net的退信", "很抱歉您发送给 casey@example.net 的邮件被退回。"),
        ("[Postmaster] Email Delivery Failure", "Your message to casey@example.net could not be delivered."),
        ("배달되지 않음: 램프", "casey@example.net 에게 메시지를 배달하지 못했습니다."),
    ],
)
def test_a_failure_notice_in_words_is_a_bounce(subject: str, sentence: str) -> None:
    result = analysed_raw(notice(sentence, subject=subject, sender="postmaster@mx.example.net"))

    assert result.automatic_kind == "bounce"
    assert result.bounce is not None
    assert result.bounce.recipients == ("casey@example.net",)
    assert result.bounce.reason == sentence


def test_a_failure_told_by_a_null_sender_without_a_subject_is_a_bounce() -> None:
    raw = notice("You sent mail to casey@example.net. That's not a valid user here.", subject="", sender="<>")

    result = analysed_raw(raw)

    assert result.automatic_kind == "bounce"


def test_a_warning_in_words_is_delayed() -> None:
    raw = notice(
        (
            "Delivery to the following recipient has been delayed:\n"
            "\n     casey@example.net\n\nMessage will be retried for 2 more "
            "day(s)"
        ),
        subject="Delivery Status Notification (Delay)",
    )

    result = analysed_raw(raw)

    assert result.bounce is not None
    assert (result.bounce.delayed, result.bounce.hard) == (True, False)


def test_a_shops_notice_about_a_parcel_is_no_bounce() -> None:
    raw = notice(
        "Your parcel 7 could not be delivered today.",
        subject="Delivery failed",
        sender="Parcels <noreply@shop.example>",
        more="Auto-Submitted: auto-generated\n",
    )

    result = analysed_raw(raw)

    assert (result.automatic_kind, result.bounce) == ("bulk", None)


def test_a_challenge_in_a_report_is_a_challenge_that_keeps_its_facts() -> None:
    raw = report(
        "Final-Recipient: rfc822; casey@example.net\n"
        "Action: failed\nStatus: 4.7.0\n"
        "Diagnostic-Code: X-Notice; Sender not pre-approved. Follow the "
        "instructions"
    )

    result = analysed_raw(raw)

    assert result.automatic_kind == "challenge"
    assert result.bounce is not None
    assert result.bounce.recipients == ("casey@example.net",)


def test_a_null_envelope_sender_counts_like_a_null_return_path() -> None:
    raw = notice(
        "550 5.1.1 casey@example.net user unknown",
        subject="Mail failure",
        sender="Server <server@mx.example.net>",
        more="",
    )

    result = analysed_raw(raw, ProviderFacts("test", envelope_sender=""))

    assert result.automatic_kind == "bounce"


def test_a_person_who_attaches_a_bounce_is_a_person() -> None:
    inner = (
        report("Final-Recipient: rfc822; a@example.net\nAction: failed\nStatus: 5.1.1")
        .replace("boundary=b", "boundary=c")
        .replace("--b", "--c")
    )
    raw = (
        "From: Casey <casey@example.net>\n"
        "To: support@acme.example\nSubject: Your address does not work\n"
        "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"
        "\n"
        f"--b\n\nSee the bounce that I got.\n--b\nContent-Type: message/rfc822\n\n{inner}\n--b--\n"
    )

    result = analysed_raw(raw)

    assert (result.automatic_kind, result.bounce) == ("", None)


def test_brackets_in_brackets_break_nothing() -> None:
    """The standard library reads comments of an address by recursion, and the forms ask it."""
    result = analysed_raw(notice("Your parcel is on its way.", sender="(" * 490 + "a@b.example"))

    assert result.reply_text == "Your parcel is on its way."
