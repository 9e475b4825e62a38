"""Calendar invitations as mail carries them (RFC 5545, 5546, 6047): read what one says, write the answer to it. Pure.

What a stranger sends is bounded before the library sees it: its size, its lines, and no VTIMEZONE, whose rules can
describe a change of the clock for every second of a century. Zones are known by their names instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

__all__ = ["ANSWERS", "Invitation", "Invited", "NotAnInvitation", "answer_invitation", "read_invitation"]

# How somebody may answer: our word -> PARTSTAT (RFC 5545 section 3.2.12).
ANSWERS: Mapping[str, str] = {"accept": "ACCEPTED", "tentative": "TENTATIVE", "decline": "DECLINED"}
MOST_BYTES = 200_000
MOST_LINES = 3_000
MOST_ATTENDEES = 50
_FOLD = re.compile(r"\n[ \t]")  # RFC 5545 section 3.1: a line goes on behind a blank
_MAILTO = re.compile(r"^mailto:", re.IGNORECASE)


class NotAnInvitation(ValueError):
    """There is no event in it that can be shown or answered; the message says why."""


@dataclass(frozen=True, slots=True)
class Invited:
    """The organizer or an attendee. `status` is a PARTSTAT, "" for the organizer."""

    name: str
    address: str  # lower case; "" when it is no mail address
    status: str = ""


@dataclass(frozen=True, slots=True)
class Invitation:
    """The first event of a calendar file. Times are ISO 8601: with an offset when the moment is known, without one in
    a zone that only its sender knows (`zone` has the name), a date alone for whole days; "" when missing.
    """

    method: str  # REQUEST, CANCEL, REPLY, ...; "" for a plain file
    uid: str
    sequence: int
    summary: str
    location: str
    start: str
    end: str
    zone: str
    repeats: bool
    organizer: Invited
    attendees: tuple[Invited, ...]
    attendees_cut: bool = False

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_invitation(content: bytes) -> Invitation:
    """Raises NotAnInvitation for whatever cannot be read."""
    calendar, event = _first_event(content)
    start, zone = _moment(event, "DTSTART")
    attendees = [_person(each) for each in _all(event, "ATTENDEE")[: MOST_ATTENDEES + 1]]
    return Invitation(
        method=_text(calendar, "METHOD", 20).upper(),
        uid=_text(event, "UID", 500),
        sequence=_number(event, "SEQUENCE"),
        summary=_text(event, "SUMMARY", 300),
        location=_text(event, "LOCATION", 300),
        start=start,
        end=_end(event, start),
        zone=zone,
        repeats="RRULE" in event or "RDATE" in event,
        organizer=_person(next(iter(_all(event, "ORGANIZER")), None)),
        attendees=tuple(attendees[:MOST_ATTENDEES]),
        attendees_cut=len(attendees) > MOST_ATTENDEES,
    )


def answer_invitation(content: bytes, answer: str, *, attendee: str, name: str, now: datetime) -> bytes:
    """The iTIP REPLY (RFC 5546 section 3.2.3) in which `attendee` accepts, declines or leaves it open.

    `answer` is a key of ANSWERS. Raises NotAnInvitation for what asks for no answer.
    """
    # Imported here: the library costs 80 ms to import and few mails need it.
    from icalendar import Calendar, Event, vCalAddress, vText

    _calendar, event = _first_event(content)
    invitation = read_invitation(content)
    if invitation.method != "REQUEST" or not invitation.organizer.address or not invitation.uid:
        raise NotAnInvitation("It asks for no answer.")
    reply = Event()
    reply.add("UID", invitation.uid)
    reply.add("SEQUENCE", invitation.sequence)
    reply.add("DTSTAMP", now.astimezone(UTC))
    for field in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        value = _time(event.get(field))
        if isinstance(value, datetime) and value.tzinfo is not None:
            reply.add(field, value.astimezone(UTC))  # a zone by name would need its rules beside it
        elif isinstance(value, date):
            reply.add(field, value)
    if invitation.summary:
        reply.add("SUMMARY", invitation.summary)
    organizer = vCalAddress(f"mailto:{invitation.organizer.address}")
    if invitation.organizer.name:
        organizer.params["CN"] = vText(invitation.organizer.name)
    reply.add("ORGANIZER", organizer)
    replying = vCalAddress(f"mailto:{attendee}")
    replying.params["PARTSTAT"] = vText(ANSWERS[answer])
    if name:
        replying.params["CN"] = vText(name.replace('"', "'"))
    reply.add("ATTENDEE", replying)
    calendar = Calendar()
    calendar.add("PRODID", "-//Email-to-Case//EN")
    calendar.add("VERSION", "2.0")
    calendar.add("METHOD", "REPLY")
    calendar.add_component(reply)
    return bytes(calendar.to_ical())


def _first_event(content: bytes) -> tuple[Any, Any]:
    """(the calendar, its first event)."""
    from icalendar import Calendar

    if len(content) > MOST_BYTES or content.count(b"\n") > MOST_LINES:
        raise NotAnInvitation("The calendar file is too large to be shown.")
    text = content.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    text = _without_zones(_FOLD.sub("", text.lstrip("\ufeff")))
    if "BEGIN:VEVENT" not in text.upper():
        raise NotAnInvitation("The calendar file has no event.")
    try:
        calendar = Calendar.from_ical(text)
        event = next(iter(calendar.walk("VEVENT")), None)
    except Exception as error:  # a parser that strangers feed fails in every way; the reason is shown, the file stays
        raise NotAnInvitation(f"The calendar file cannot be read: {type(error).__name__}.") from error
    if event is None:
        raise NotAnInvitation("The calendar file has no event.")
    return calendar, event


def _without_zones(text: str) -> str:
    """The text without its VTIMEZONE parts, by lines: linear whatever is nested in what."""
    kept: list[str] = []
    inside = False
    for line in text.split("\n"):
        mark = line.strip().upper()
        if mark.startswith("BEGIN") and mark.endswith("VTIMEZONE"):  # parameters may stand between
            inside = True
        if not inside:
            kept.append(line)
        if mark.startswith("END") and mark.endswith("VTIMEZONE"):
            inside = False
    return "\n".join(kept)


def _all(event: Any, name: str) -> list[Any]:
    value = event.get(name)
    return value if isinstance(value, list) else [] if value is None else [value]


def _text(component: Any, name: str, limit: int) -> str:
    """One line of clean text."""
    value = next(iter(_all(component, name)), "")
    text = "".join(letter if letter.isprintable() else " " for letter in str(value))
    return " ".join(text.split())[:limit]


def _number(event: Any, name: str) -> int:
    value = next(iter(_all(event, name)), 0)
    return min(max(int(value), 0), 2**31 - 1) if isinstance(value, int) else 0


def _person(value: Any) -> Invited:
    if value is None:
        return Invited("", "")
    text = str(value).strip()
    address = _MAILTO.sub("", text).lower()[:254]
    is_address = bool(_MAILTO.match(text)) and address.count("@") == 1 and address.isprintable() and " " not in address
    params = getattr(value, "params", {})
    name = " ".join("".join(each if each.isprintable() else " " for each in str(params.get("CN", ""))).split())[:150]
    status = str(params.get("PARTSTAT", "NEEDS-ACTION")).upper()[:20]
    return Invited(name, address if is_address else "", status)


def _moment(event: Any, name: str) -> tuple[str, str]:
    """(ISO 8601, the name of a zone that we do not know)."""
    field = next(iter(_all(event, name)), None)
    value = _time(field)
    if isinstance(value, datetime):
        if value.tzinfo is not None:
            return _in_utc(value), ""
        return value.isoformat(), str(getattr(field, "params", {}).get("TZID", ""))[:60]
    return (value.isoformat(), "") if isinstance(value, date) else ("", "")


def _time(field: Any) -> Any:
    """The datetime, date or timedelta of a property; None without a readable one."""
    try:
        return getattr(field, "dt", None)
    except ValueError:
        return None


def _in_utc(value: datetime) -> str:
    try:
        return value.astimezone(UTC).isoformat()
    except OverflowError:  # the first or last day that there is
        return ""


def _end(event: Any, start: str) -> str:
    end, _zone = _moment(event, "DTEND")
    if end or not start:
        return end
    duration = _time(event.get("DURATION"))
    if not isinstance(duration, timedelta):
        return ""
    try:
        return (datetime.fromisoformat(start) + duration).isoformat()
    except (OverflowError, ValueError):
        return ""
