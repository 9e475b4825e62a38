"""Who wrote a mail: a person, or a machine and of what kind."""

from __future__ import annotations

import pytest

from cases.inbound.parsed import ProviderFacts
from routing.addresses import MailAddress
from tests.cases.inbound.analysis.mails import OURS, analysed, analysed_raw, mail

TEXT = "Hello, my order 7 has not come."


# --- RFC 3834 and its like ------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("header", "kind"),
    [
        (("Auto-Submitted", "auto-replied"), "auto_reply"),
        (("Auto-Submitted", "auto-replied (vacation)"), "auto_reply"),
        (("Auto-Submitted", "auto-generated; type=x"), "bulk"),
        (("Auto-Submitted", "auto-notified; owner-email=a@example.org"), "bulk"),
        (("Auto-Submitted", "something-new"), "auto_reply"),
        (("X-Autoreply", "yes"), "auto_reply"),
        (("X-Autorespond", "Your mail"), "auto_reply"),
        (("X-AutoReply-From", "a@example.org"), "auto_reply"),
        (("Precedence", "auto_reply"), "auto_reply"),
        (("Precedence", "bulk"), "bulk"),
        (("Precedence", "junk"), "bulk"),
    ],
)
def test_a_header_of_a_machine_tells_its_kind(header: tuple[str, str], kind: str) -> None:
    result = analysed(mail(TEXT, headers=(header,)))

    assert result.automatic_kind == kind
    assert not result.auto_response_allowed


@pytest.mark.parametrize(
    "headers",
    [
        (("Auto-Submitted", "no"),),
        (("Auto-Submitted", "No; comment"), ("Precedence", "bulk")),
        (("Return-Path", "<>"),),
        (("X-Auto-Response-Suppress", "All"),),
        (("X-Autoreply", "no"),),
        (("X-Loop", "else@example.org"),),
        (("X-Failed-Recipients", "a@example.org"),),
        (("List-Unsubscribe", "<mailto:u@example.net>"),),
        (("Feedback-ID", "1:2:3"),),
        (("Precedence", "first-class"),),
    ],
)
def test_a_persons_mail_with_such_a_header_stays_a_persons(headers: tuple[tuple[str, str], ...]) -> None:
    result = analysed(mail(TEXT, headers=headers))

    assert result.automatic_kind == ""
    assert result.auto_response_allowed


def test_an_absence_told_by_a_machine_is_out_of_office() -> None:
    result = analysed(
        mail("Ich bin bis 5.1. im Urlaub.", subject="Re: Lampe", headers=(("Auto-Submitted", "auto-replied"),))
    )

    assert result.automatic_kind == "out_of_office"


@pytest.mark.parametrize(
    "subject",
    [
        "Automatic reply: Lamp",
        "Out of Office AutoReply: Lamp",
        "Automatische Antwort: Lampe",
        "Abwesenheitsnotiz: Lampe",
        "Réponse automatique : Lampe",
        "Respuesta automática: Lámpara",
        "Risposta automatica: Lampada",
        "Automatisch antwoord: Lamp",
        "Resposta automática: Lâmpada",
        "Odpowiedź automatyczna: Lampa",
        "Автоматический ответ: Лампа",
        "Автоматична відповідь: Лампа",
        "Automatická odpověď: Lampa",
        "Automatiskt svar: Lampa",
        "Autosvar: Lampe",
        "Automatisk svar: Lampe",
        "Automaattinen vastaus: Lamppu",
        "Otomatik Yanıt: Lamba",
        "自動応答: ランプ",
        "自动答复: 灯",
        "自動回覆: 燈",
        "자동 회신: 램프",
        "Automatikus válasz: Lámpa",
        "Răspuns automat: Lampă",
        "Αυτόματη απάντηση: Λάμπα",
    ],
)
def test_a_subject_that_only_programs_write_is_out_of_office(subject: str) -> None:
    result = analysed(mail("x", subject=subject))

    assert result.automatic_kind == "out_of_office"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Re: Automatic reply: Lamp", "Thanks, I saw that you are out of the office."),
        ("AW: Abwesenheitsnotiz: Lampe", "Danke, melde mich nach dem Urlaub."),
        ("Out of office hours support?", "Do you answer on Sundays?"),
        ("Vacation", "I am on vacation until Monday, please deliver later."),
        ("Urlaub", "Ich bin im Urlaub, bitte später liefern."),
        ("Delivery failed: order 7", "The parcel could not be delivered to me."),
        ("Absence of a manual", "The box had none."),
        ("不在", "不在だったので再配達をお願いします。"),
        ("Read: the manual", "I read it and it was displayed badly."),
        ("Auto: replacement part", "I need a part for my car."),
        ("Undeliverable parcel", "It came back: 550 5.1.1 user unknown, what is that?"),
        (
            "Fwd: Undelivered Mail Returned to Sender",
            "This came back:\n\n<x@acme.example>: host mx said: 550 5.1.1 User unknown",
        ),
    ],
)
def test_a_persons_words_about_absences_and_bounces_are_a_persons(subject: str, text: str) -> None:
    result = analysed(mail(text, subject=subject))

    assert result.automatic_kind == ""
    assert result.bounce is None


def test_a_person_who_quotes_a_bounce_is_a_person() -> None:
    text = (
        "I got this when I wrote to you:\n"
        "\n> This is the mail system at host mx.example.net.\n"
        "> <help@acme.example>: host mx.acme.example said: 550 5.1.1 User "
        "unknown\n"
    )

    result = analysed(mail(text, subject="Undelivered Mail Returned to Sender"))

    assert result.automatic_kind == ""


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Out of office: Lamp", "I am out of the office until Monday."),
        ("Nicht im Büro: Lampe", "Ich bin bis Montag im Urlaub."),
        ("Fuera de la oficina: Lámpara", "Estoy de vacaciones hasta el lunes."),
        ("Fuori ufficio: Lampada", "Sono in ferie fino a lunedì."),
    ],
)
def test_an_absence_in_subject_and_text_needs_no_header(subject: str, text: str) -> None:
    result = analysed(mail(text, subject=subject))

    assert result.automatic_kind == "out_of_office"


@pytest.mark.parametrize("header", [("Auto-Submitted", "auto-generated"), ("Precedence", "bulk")])
def test_a_travel_agencys_mail_about_a_vacation_is_no_absence(header: tuple[str, str]) -> None:
    result = analysed(
        mail("Your vacation in Rome is booked. Urlaub!", subject="Your vacation: booking 7", headers=(header,))
    )

    assert result.automatic_kind == "bulk"


def test_a_person_who_tells_of_an_absence_in_a_sentence_is_a_person() -> None:
    result = analysed(mail("I will be out of the office.", subject="Out of office next week - please deliver later"))

    assert result.automatic_kind == ""


# --- lists, newsletters ---------------------------------------------------------------------------------------------
def test_a_persons_post_to_a_list_is_a_persons_with_the_list_noted() -> None:
    headers = (
        ("List-Id", "<lamps.lists.example>"),
        ("List-Post", "<mailto:lamps@lists.example>"),
        ("List-Unsubscribe", "<mailto:u@lists.example>"),
        ("Precedence", "list"),
    )

    result = analysed(mail(TEXT, headers=headers))

    assert (result.automatic_kind, result.is_list_mail, result.auto_response_allowed) == ("", True, False)


@pytest.mark.parametrize(
    "header",
    [
        ("Mailing-List", "list lamps@lists.example; contact lamps-owner@lists.example"),
        ("X-BeenThere", "lamps@lists.example"),
        ("Sender", "owner-lamps@lists.example"),
        ("List-Post", "<mailto:lamps@lists.example>"),
    ],
)
def test_a_post_to_a_discussion_is_a_persons_in_spite_of_precedence_bulk(header: tuple[str, str]) -> None:
    result = analysed(mail(TEXT, headers=(("Precedence", "bulk"), header)))

    assert result.automatic_kind == ""


def test_precedence_list_alone_is_a_person() -> None:
    result = analysed(mail(TEXT, headers=(("Precedence", "list"),)))

    assert (result.automatic_kind, result.is_list_mail) == ("", True)


def test_a_list_that_takes_no_posts_is_bulk() -> None:
    headers = (("List-Id", "<news.example.net>"), ("List-Post", "NO"), ("List-Unsubscribe", "<mailto:u@example.net>"))

    result = analysed(mail(TEXT, headers=headers))

    assert result.automatic_kind == "bulk"


def test_a_newsletter_with_one_click_unsubscription_is_bulk() -> None:
    headers = (
        ("List-Unsubscribe", "<https://example.net/u>"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )

    result = analysed(mail(TEXT, headers=headers))

    assert result.automatic_kind == "bulk"


# --- our own --------------------------------------------------------------------------------------------------------
def test_a_mail_from_one_of_our_addresses_is_a_loop() -> None:
    result = analysed(mail(TEXT, sender=MailAddress("", OURS), senders=(MailAddress("", OURS),)))

    assert result.automatic_kind == "own_loop"


def test_a_second_sender_that_is_ours_is_a_loop() -> None:
    result = analysed(mail(TEXT, senders=(MailAddress("", "casey@example.net"), MailAddress("", OURS))))

    assert result.automatic_kind == "own_loop"


def test_x_loop_with_one_of_our_addresses_is_a_loop() -> None:
    result = analysed(mail(TEXT, headers=(("X-Loop", OURS), ("X-Failed-Recipients", "a@example.org"))))

    assert result.automatic_kind == "own_loop"


def test_a_mail_of_ours_that_comes_back_is_a_loop() -> None:
    result = analysed(mail(TEXT, message_id="7.abc@ours.example"))

    assert result.automatic_kind == "own_loop"


# --- reports --------------------------------------------------------------------------------------------------------
def test_a_disposition_notification_is_a_read_receipt() -> None:
    raw = (
        "From: casey@example.net\nTo: support@acme.example\nSubject: Disposition notification\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=disposition-notification; "
        "boundary=b\n\n--b\n\nYour mail was displayed.\n"
        "--b\n"
        "Content-Type: message/disposition-notification\n"
        "\nFinal-Recipient: rfc822;casey@example.net\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n"
        "--b--\n"
    )

    result = analysed_raw(raw)

    assert result.automatic_kind == "read_receipt"


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("Read: Lamp", "Your message\n\nTo: support\nSubject: Lamp\nSent: 5.1.2024\n\nwas read on 5.1.2024 10:12."),
        ("Gelesen: Lampe", "Ihre Nachricht\n\nwurde am 5.1.2024 gelesen.\n\nGelesen am 5.1."),
        ("Lu : Lampe", "Votre message a été lu le vendredi 5 janvier 2024."),
        ("Leído: Lámpara", "El mensaje se leyó el viernes 5."),
        ("Прочитано: Лампа", "Ваше сообщение было прочитано 5 января."),
    ],
)
def test_a_read_receipt_in_words_is_one(subject: str, text: str) -> None:
    result = analysed(mail(text, subject=subject))

    assert result.automatic_kind == "read_receipt"


def test_a_feedback_report_is_one() -> None:
    raw = (
        "From: fbl@example.net\nTo: support@acme.example\n"
        "Subject: FW: Lamps\nMIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=feedback-report; "
        "boundary=b\n\n"
        "--b\n\nAn abuse report.\n--b\nContent-Type: message/feedback-report\n"
        "\nFeedback-Type: abuse\nUser-Agent: x/1\n"
        "Version: 1\n--b\nContent-Type: message/rfc822\n"
        "\nSubject: Lamps\n\nHi\n--b--\n"
    )

    result = analysed_raw(raw)

    assert result.automatic_kind == "feedback_report"
    assert result.forwarded is None


def test_a_report_of_success_is_no_bounce() -> None:
    raw = (
        "From: mailer-daemon@example.net\n"
        "To: support@acme.example\nSubject: Delivered: Lamp\n"
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; "
        "boundary=b\n\n"
        "--b\n\nDelivered.\n--b\nContent-Type: message/delivery-status\n"
        "\nReporting-MTA: dns; mx\n\nFinal-Recipient: rfc822; casey@example.net\n"
        "Action: delivered\nStatus: 2.0.0\n"
        "--b--\n"
    )

    result = analysed_raw(raw)

    assert (result.automatic_kind, result.bounce) == ("read_receipt", None)


def test_a_demand_to_confirm_is_a_challenge() -> None:
    text = "Your message to Jane waits. To be delivered, please confirm you are a person: https://example.org/c/1"

    result = analysed(mail(text, subject="Re: Lamp", headers=(("Auto-Submitted", "auto-replied"),)))

    assert result.automatic_kind == "challenge"


def test_a_daemon_with_ordinary_words_is_an_automatic_reply() -> None:
    daemon = MailAddress("", "mailer-daemon@example.net")

    result = analysed(mail(TEXT, sender=daemon, senders=(daemon,), headers=(("Return-Path", "<>"),)))

    assert result.automatic_kind == "auto_reply"


def test_a_null_envelope_sender_alone_is_no_bounce() -> None:
    result = analysed(mail(TEXT), ProviderFacts("test", envelope_sender=""))

    assert result.automatic_kind == ""


def test_a_tag_before_the_subject_hides_neither_a_machine_nor_a_person() -> None:
    machine = analysed(mail("x", subject="[EXTERNAL] Automatic reply: Lamp"))
    person = analysed(mail("Thanks, I saw it.", subject="***SPAM*** Re: Automatic reply: Lamp"))

    assert (machine.automatic_kind, person.automatic_kind) == ("out_of_office", "")
