"""Conversations that show what a page must stand: very many mails, newsletter HTML, long names. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from cases.demo_data.mails import BILLING, SUPPORT, DemoMail, Person, Thread
from cases.demo_data.threads import ALEX, CASEY, KIM, ROBIN, SAM, TARO, hours

LONG = Person(
    "Maximiliana-Alexandra von Hohenstein-Sonnenberg (Facility Management, Building 7, Third Floor)",
    "maximiliana-alexandra.hohenstein-sonnenberg@facility-management.customer.example",
    "Customer Ltd",
)

MAILS_OF_THE_LONG_ONE = 60
LONG_CONVERSATION = "Label printer in the warehouse prints every second label twice"
SAID = (
    "Every second label comes out twice since this morning. We have switched it off and on.",
    "It happens on the other printer as well, but only with labels of 40 mm.",
    "The firmware is 4.2. Shall we go back to 4.1?",
    "With 4.1 it is better: two of fifty labels came out twice.",
    "We have tried another roll. No difference.",
    "The driver on the second computer is older, and there it does not happen.",
)


def _printer_thread() -> Thread:
    people = (ROBIN, CASEY)
    mails = [
        DemoMail(
            people[number % 2],
            f"Hello,\n\n{SAID[number % len(SAID)]}\n\n{people[number % 2].name}\n",
            subject="" if number else LONG_CONVERSATION,
            cc=[people[(number + 1) % 2]],
            after=hours(1.5 if number else 96),
        )
        for number in range(MAILS_OF_THE_LONG_ONE)
    ]
    return Thread("demo-printer", SUPPORT, mails)


OFFER_HTML = """\
<table width="600" cellpadding="0" cellspacing="0" style="font-family:Georgia,serif;background:#f4efe6">
<tr><td style="padding:16px;background:#24452f;color:#ffffff"><img src="https://pictures.customer.example/logo.png"
 width="120" height="32" alt="Customer Ltd"> Order confirmation 7731</td></tr>
<tr><td style="padding:16px">Hello,<p>our system sent the confirmation below, but <b>two of the three lines</b> have
 the price of last year. Which one counts?</p>
<table border="1" cellpadding="6" cellspacing="0"><tr><th>Item</th><th>Pieces</th><th>Price</th></tr>
<tr><td>Desk, oak</td><td align="right">12</td><td align="right">410.00</td></tr>
<tr><td>Chair, blue</td><td align="right">24</td><td align="right">129.90</td></tr>
<tr><td>Lamp</td><td align="right">12</td><td align="right">39.00</td></tr></table>
<p>Kind regards<br>Kim</p><img src="https://pictures.customer.example/opened.gif" width="1" height="1" alt="">
</td></tr></table>
<div class="gmail_quote"><div class="gmail_attr">On Monday Demo Billing &lt;billing@demo.example&gt; wrote:<br></div>
<blockquote class="gmail_quote" style="margin:0 0 0 .8ex;border-left:1px solid #ccc;padding-left:1ex">
<p>Dear Kim,</p><p>please check the order before we send it.</p></blockquote></div>
"""


def _one(key: str, address: str, sender: Person, subject: str, text: str, *, after: float, html: str = "") -> Thread:
    return Thread(key, address, [DemoMail(sender, text, subject=subject, html=html, after=hours(after))])


# Sixty mails on their way through the pipeline would make the first start wait.
THREADS_FOR_THE_TABLES: Sequence[Thread] = (_printer_thread(),)
LIVED_IN_THREADS: Sequence[Thread] = (
    _one(
        "demo-order-html",
        BILLING,
        KIM,
        "Order 7731: two lines have the price of last year",
        "Hello,\n\ntwo of the three lines have the price of last year. Which one counts?\n\nKim\n",
        after=1.5,
        html=OFFER_HTML,
    ),
    _one(
        "demo-long-name",
        SUPPORT,
        LONG,
        "Question about the accessibility of the door control panel in building 7 on the third floor, next to the "
        "goods lift, after the renovation of the entrance in spring",
        "Hello,\n\nthe panel is too high for a wheelchair. Who can move it?\n\nMaximiliana\n",
        after=20,
    ),
    _one(
        "demo-no-subject",
        SUPPORT,
        CASEY,
        " ",
        "It works again since noon. Thank you!\n\nCasey\n",
        after=2.5,
    ),
    _one(
        "demo-export",
        SUPPORT,
        SAM,
        "Export to CSV loses the umlauts",
        "Hello,\n\nMüller becomes M?ller in the export. Can I choose the character set?\n\nSam\n",
        after=31,
    ),
    _one(
        "demo-export-again",
        SUPPORT,
        SAM,
        "CSV export, second try",
        "Hello,\n\nI had written about umlauts in the export. Here is an example: Müller, Jäger, Strauß.\n\nSam\n",
        after=29,
    ),
    _one(
        "demo-training",
        SUPPORT,
        ALEX,
        "Training for new colleagues in January",
        "Hello,\n\nfour new colleagues start in January. Do you offer a training?\n\nAlex\n",
        after=50,
    ),
    _one(
        "demo-address-change",
        BILLING,
        ALEX,
        "Our address has changed",
        "Hello,\n\nplease write the new address on invoices: Example Org, 1 Example Street.\n\nAlex\n",
        after=44,
    ),
    _one(
        "demo-japanese-thanks",
        SUPPORT,
        TARO,
        "新しいバージョンの印刷設定について教えてください",
        "サポートご担当者様\n\n新しいバージョンで、両面印刷の設定が見つかりません。\n\nよろしくお願いいたします。\n見本\n",
        after=7,
    ),
)
