"""Thanks and nothing else."""

from __future__ import annotations

import pytest

from cases.inbound.analysis.thanks import is_thanks
from cases.inbound.parsed import ParsedAttachment
from tests.cases.inbound.analysis.mails import analysed, mail


@pytest.mark.parametrize(
    "text",
    [
        "Thanks!",
        "Thank you",
        "Thanks, Jane",
        "Thank you very much for your help!",
        "Thanks so much! \U0001f64f",
        "Hi Jane,\n\nmany thanks!\n\nBest regards,\nCasey Customer",
        "Great, thanks!",
        "It works now. Thank you!",
        "Vielen Dank!",
        "Hallo Frau Doe,\n\nvielen Dank für die schnelle Hilfe!\n\nMit freundlichen Grüßen\nCasey",
        "Merci beaucoup.",
        "Bonjour,\nMerci pour votre réponse rapide.\nCordialement,\nCasey",
        "¡Muchas gracias!",
        "Grazie mille!",
        "Hartelijk dank",
        "Dank u wel.",
        "Muito obrigado!",
        "Dziękuję bardzo",
        "Большое спасибо!",
        "Дуже дякую!",
        "Mockrát děkuji.",
        "Tack så mycket!",
        "Mange tak!",
        "Tusen takk!",
        "Paljon kiitoksia!",
        "Teşekkürler",
        "ありがとうございました。",
        "谢谢！",
        "謝謝",
        "감사합니다.",
        "Köszönöm szépen!",
        "Mulțumesc!",
        "Ευχαριστώ πολύ!",
    ],
)
def test_nothing_but_thanks_is_thanks(text: str) -> None:
    assert is_thanks(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "Thanks, but it still fails.",
        "Thank you. When does it come?",
        "Thanks! Please also send the invoice.",
        "No thanks",
        "Thanks for nothing",
        "Vielen Dank, leider geht es nicht.",
        "Merci, mais la lampe est encore noire.",
        "Gracias, pero no funciona.",
        "Thanks.\n\nThe lamp is dark again.",
        "Thanks\nit broke again",
        "谢谢，但是还是不行。",
        "ありがとうございます。まだ動きません。",
        "Regards",
        "Jane",
    ],
)
def test_thanks_with_news_is_no_thanks(text: str) -> None:
    assert not is_thanks(text)


def test_thanks_above_a_quote_is_thanks() -> None:
    result = analysed(
        mail("Thanks!\n\nOn 5 Jan 2024, at 10:12, Acme <support@acme.example> wrote:\n> Please restart the lamp?\n")
    )

    assert result.is_thanks


def test_thanks_with_a_file_is_no_thanks() -> None:
    result = analysed(mail("Thanks!", attachments=(ParsedAttachment("x.pdf", "application/pdf", b"x"),)))

    assert not result.is_thanks


def test_thanks_of_a_machine_is_no_thanks() -> None:
    result = analysed(mail("Thank you!", headers=(("Auto-Submitted", "auto-replied"),)))

    assert not result.is_thanks
