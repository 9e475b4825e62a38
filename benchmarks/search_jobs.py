"""The jobs of benchmarks.search: fill the index of searches, and time searches in it."""

from __future__ import annotations

import statistics
import time
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from cases.demo_data.seeding import seed
from cases.models import EmailMessage
from cases.search_query import read_search
from cases.selectors.search import find_candidates

WORDS = 40  # of a mail, beside the one that every mail has
VOCABULARY = 50_000
RUNS = 20
# In quotation marks the last word is a whole one; without, it may be the beginning of others.
SEARCHES = {
    "a word of every mail": '"every"',
    "a word of most mails": '"word1"',
    "a word of 1 mail in 3": '"word10"',
    "a word of 1 mail in 30": '"word100"',
    "a word of 1 mail in 300": '"word1000"',
    "a rare word": '"word40000"',
    "a word that nobody wrote": '"absent"',
    "two frequent words": '"every" "word10"',
    "two words that seldom meet": '"word1000" "word2000"',
    "a phrase of frequent words": '"every word1"',
    "a beginning of every word": "wor",
    "a beginning of some words": "word100",
    "a word of the subject": 'subject:"word5"',
}

# A word's number is drawn so that number n comes about once in n: 1 / n is what a language's words do (Zipf).
_WORDS = """
INSERT INTO cases_messagesearch (message_id, words)
SELECT m.id, (quote_literal(subject.word) || ':1A ' || quote_literal('a:' || subject.word) || ':1A')::tsvector
    || to_tsvector('simple', 'every ' || (
        SELECT string_agg('word' || floor(exp(random() * ln(%(vocabulary)s)))::int, ' ')
        FROM generate_series(1, %(words)s) WHERE m.id > 0))
FROM cases_emailmessage m
CROSS JOIN LATERAL (SELECT 'word' || floor(exp(random() * ln(%(vocabulary)s))) AS word WHERE m.id > 0) subject
ON CONFLICT DO NOTHING
"""


def fill_search(count: str) -> dict[str, Any]:
    seed(1)
    template = EmailMessage.objects.order_by("pk").first()
    names = [field.column for field in EmailMessage._meta.local_fields if field.column != "id"]
    unique = {"dedupe_key": "md5(n::text) || n", "inbound_email_id": "NULL", "idempotency_key": "NULL"}
    quoted = connection.ops.quote_name
    columns = ", ".join(quoted(name) for name in names)
    values = ", ".join(unique.get(name, f"m.{quoted(name)}") for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO cases_emailmessage ({columns}) SELECT {values}"  # noqa: S608 - names of our own columns
            " FROM cases_emailmessage m, generate_series(1, %s) n WHERE m.id = %s",
            [int(count), template.pk if template else 0],
        )
        cursor.execute("DROP INDEX message_search_words")
        cursor.execute("TRUNCATE cases_messagesearch")
        cursor.execute(_WORDS, {"vocabulary": VOCABULARY, "words": WORDS})
        cursor.execute("CREATE INDEX message_search_words ON cases_messagesearch USING gin (words)")
        cursor.execute("VACUUM ANALYZE cases_messagesearch")
        cursor.execute("VACUUM ANALYZE cases_emailmessage")
    return {}


def search_times() -> dict[str, Any]:
    """Medians of the SQL of one search, for somebody who sees all cases."""
    user = User.objects.order_by("pk").first()
    found = {}
    for what, typed in SEARCHES.items():
        search = read_search(typed)
        times = []
        for _run in range(RUNS):
            started = time.perf_counter()
            candidates = find_candidates(search, user=user, among=None)
            times.append(1000 * (time.perf_counter() - started))
        found[what] = {"ms": statistics.median(times), "capped": candidates.is_capped}
    return found
