"""In which language a mail is written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.inbound.analysis.language import language_of

WRITTEN = {
    "en": "Hello, my order has not arrived yet. Could you please check where it is?",
    "de": "Guten Tag, meine Lampe ist kaputt. Bitte senden Sie mir eine neue.",
    "fr": "Bonjour, je n'ai pas encore reçu ma commande. Merci de vérifier.",
    "es": "Hola, todavía no he recibido mi pedido. ¿Pueden comprobarlo?",
    "it": "Buongiorno, non ho ancora ricevuto il mio ordine.",
    "nl": "Goedendag, mijn bestelling is nog niet aangekomen.",
    "pt": "Olá, ainda não recebi a minha encomenda.",
    "pl": "Dzień dobry, nie otrzymałem jeszcze zamówienia.",
    "sv": "Hej, min beställning har inte kommit fram än.",
    "da": "Hej, min ordre er ikke kommet endnu.",
    "no": "Hei, bestillingen min har ikke kommet ennå.",
    "fi": "Hei, tilaukseni ei ole vielä saapunut.",
    "cs": "Dobrý den, moje objednávka ještě nedorazila.",
    "hu": "Jó napot, a rendelésem még nem érkezett meg.",
    "tr": "Merhaba, siparişim henüz gelmedi.",
    "el": "Γεια σας, η παραγγελία μου δεν έχει φτάσει ακόμα.",
    "ru": "Здравствуйте, мой заказ ещё не пришёл.",
    "uk": "Добрий день, моє замовлення ще не надійшло.",
    "he": "שלום, ההזמנה שלי עדיין לא הגיעה.",
    "ar": "مرحبا، لم يصل طلبي بعد. متى سيصل؟",
    "ja": "注文した商品が届きません。",
    "zh": "你好，我的订单还没有到。",
    "ko": "주문한 상품이 아직 도착하지 않았습니다.",
}


@pytest.mark.parametrize("language", WRITTEN)
def test_text_shows_its_language(language: str) -> None:
    assert language_of(WRITTEN[language]) == language


def test_text_is_believed_before_the_header() -> None:
    assert language_of(WRITTEN["de"], stated="en-US") == "de"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Hello",
        "thanks",
        "-- \n",
        "4711 / 0815",
        "https://shop.example.com/index.php?order=4711&language=de",
        "Broken lamp",
    ],
)
def test_little_text_tells_nothing(text: str) -> None:
    assert language_of(text) == ""
    assert language_of(text, stated="nl-NL") == "nl"


@pytest.mark.parametrize(
    ("stated", "language"),
    [
        ("de", "de"),
        ("DE-at", "de"),
        (" fil ", "fil"),
        ("iw", "he"),
        ("nb-NO", "no"),
        ("de, en", ""),
        ("x-klingon", ""),
        ("", ""),
    ],
)
def test_header_names_one_language(stated: str, language: str) -> None:
    assert language_of("", stated=stated) == language


@given(st.text(alphabet=st.characters(), max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_gives_a_code_or_nothing(text: str) -> None:
    code = language_of(text)

    assert code == "" or (2 <= len(code) <= 3 and code.isalpha())
