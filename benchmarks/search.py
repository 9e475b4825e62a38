"""Searches for words of every frequency among many mails, on PostgreSQL.

python -m benchmarks.search [MAILS]

The mails are copies of one, made by the database; only their words differ. Word number n stands in about 1/n of them:
the first is in every mail, the rarest in one of many thousands, as it is with the words of a language.
"""

from __future__ import annotations

import sys
import time

from benchmarks.surroundings import inside, new_instance, say

USUAL_MAILS = "1000000"


def main(mails: str) -> None:
    with new_instance() as instance:
        started = time.perf_counter()
        inside(instance, "fill_search", mails)
        say(f"{mails} mails", f"written in {time.perf_counter() - started:.0f} s")
        for what, found in inside(instance, "search_times").items():
            say(what, f"{found['ms']:.1f} ms{', capped' if found['capped'] else ''}", "at most 50 ms")


if __name__ == "__main__":
    main(*(sys.argv[1:] or [USUAL_MAILS]))
