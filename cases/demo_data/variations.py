"""Further conversations, as many as asked for, the same for the same seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

from cases.demo_data.mails import BILLING, SALES, SUPPORT, DemoMail, Person, Thread

SEED = 2041
CUSTOMERS = 400
NAMES = ("Casey", "Robin", "Sam", "Kim", "Alex", "Jo", "Charlie", "Jamie", "Taylor", "Morgan", "Riley", "Avery")
ROLES = ("Customer", "Reader", "Sample", "Buyer", "Account", "Newcomer", "Caller", "Visitor")
DOMAINS = ("example.net", "example.com", "example.org", "customer.example", "shop.example")
MATTERS = {
    SUPPORT: (
        ("{thing} does not open", "When I open {thing}, nothing happens. It worked last week."),
        ("Error in {thing}", "{thing} shows error {number}. What does it mean, and what can I do?"),
        ("How do I share {thing}?", "I would like to share {thing} with a colleague, but find no button for it."),
        ("{thing} is very slow", "{thing} takes {number} seconds to load since this morning."),
        ("Data missing in {thing}", "In {thing} the rows of the last {number} days are missing."),
    ),
    BILLING: (
        ("Question about invoice {number}", "Invoice {number} has an item that we do not know. What is it for?"),
        ("Please change our billing address", "From next month on, please use our new address for invoices."),
        ("Payment of order {number}", "We have paid order {number}, but it is still shown as open."),
    ),
    SALES: (
        ("Price for {number} seats", "What would {number} seats cost for a year?"),
        ("Trial of {thing}", "May we try {thing} for two weeks before we decide?"),
    ),
}
THINGS = ("the report", "the dashboard", "the export", "the calendar", "the mobile app", "the import", "the search")
ANSWERS = (
    "Is there any news on this?",
    "I have tried again: it is still the same.",
    "Thank you, I will wait for your answer.",
    "In the meantime a colleague has the same problem.",
)


def customer(number: int) -> Person:
    """The customer of that number; the same one always has the same name and address."""
    first, last = NAMES[number % len(NAMES)], ROLES[number // len(NAMES) % len(ROLES)]
    return Person(f"{first} {last}", f"{first}.{last}{number}@{DOMAINS[number % len(DOMAINS)]}".lower())


def further_threads(first: int, last: int) -> Iterator[Thread]:
    """Threads number `first` up to, not including, `last`. Each depends on its own number alone."""
    for number in range(first, last):
        yield _thread(number)


def _thread(number: int) -> Thread:
    chance = random.Random(f"{SEED}-{number}")  # noqa: S311 - the same data each time, not a secret
    address = chance.choices([SUPPORT, BILLING, SALES], weights=[6, 3, 1])[0]
    subject, sentence = chance.choice(MATTERS[address])
    words = {"thing": chance.choice(THINGS), "number": chance.randint(2, 90)}
    subject, sentence = (_capitalised(text.format(**words)) for text in (subject, sentence))
    sender = customer(chance.randrange(CUSTOMERS))
    mails = [
        DemoMail(
            sender,
            f"Hello,\n\n{sentence}\n\n{sender.name}\n",
            subject=subject,
            after=timedelta(minutes=chance.randint(60 * 24, 60 * 24 * 90)),
        )
    ]
    for _ in range(chance.choices([0, 1, 2, 3], weights=[6, 2, 1, 1])[0]):
        mails.append(
            DemoMail(
                sender,
                f"Hello,\n\n{chance.choice(ANSWERS)}\n\n{sender.name}\n\n> {sentence}\n",
                after=timedelta(minutes=chance.randint(30, 60 * 6)),
            )
        )
    return Thread(f"demo-{number}", address, mails)


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]
