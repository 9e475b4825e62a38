from __future__ import annotations

from cases.models import Case

MOST_DIGITS = 18  # fits a 64-bit key


def find_case(number: str, *related: str) -> Case | None:
    """The case that an argument names, with or without leading zeros; None also for what is no number. `related`: what
    is read with it beside its routing address.
    """
    if not (number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS):
        return None
    return Case.objects.with_number(int(number)).select_related("routing_address", *related).first()
