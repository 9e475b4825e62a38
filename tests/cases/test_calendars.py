"""Invitations of calendar programs, and what is answered to them."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from icalendar import Calendar

from cases.calendars import Invited, NotAnInvitation, answer_invitation, read_invitation

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


def invitation(*lines: str, method: str = "REQUEST") -> bytes:
    """A calendar file with one event; `lines` come last in it."""
    event = (
        "UID:one@example.com",
        "SEQUENCE:2",
        "ORGANIZER;CN=Jane Doe:MAILTO:jane@example.com",
        "ATTENDEE;CN=Support;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:Support@company.example",
        *lines,
    )
    calendar = ("BEGIN:VCALENDAR", "VERSION:2.0", f"METHOD:{method}", "BEGIN:VEVENT", *event)
    return "\r\n".join([*calendar, "END:VEVENT", "END:VCALENDAR", ""]).encode()


def test_invitation_is_read() -> None:
    content = invitation(
        "DTSTART;TZID=Europe/Berlin:20261201T100000", "DURATION:PT45M", "SUMMARY:Lamps\\, and more", "LOCATION:Room 1"
    )

    read = read_invitation(content)

    assert (read.method, read.uid, read.sequence) == ("REQUEST", "one@example.com", 2)
    assert (read.summary, read.location) == ("Lamps, and more", "Room 1")
    assert (read.start, read.end, read.zone) == ("2026-12-01T09:00:00+00:00", "2026-12-01T09:45:00+00:00", "")
    assert read.organizer == Invited("Jane Doe", "jane@example.com", "NEEDS-ACTION")
    assert read.attendees == (Invited("Support", "support@company.example", "NEEDS-ACTION"),)


@pytest.mark.parametrize(
    ("line", "start", "zone"),
    [
        ("DTSTART:20261201T100000Z", "2026-12-01T10:00:00+00:00", ""),
        ("DTSTART;TZID=W. Europe Standard Time:20261201T100000", "2026-12-01T09:00:00+00:00", ""),
        ("DTSTART;TZID=Our zone:20261201T100000", "2026-12-01T10:00:00", "Our zone"),
        ("DTSTART:20261201T100000", "2026-12-01T10:00:00", ""),
        ("DTSTART;VALUE=DATE:20261201", "2026-12-01", ""),
        ("DTSTART:tomorrow", "", ""),
        ("SUMMARY:no start", "", ""),
    ],
)
def test_start_is_a_moment_a_local_time_or_a_day(line: str, start: str, zone: str) -> None:
    read = read_invitation(invitation(line))

    assert (read.start, read.zone) == (start, zone)


def test_rules_of_a_senders_own_zone_are_never_run() -> None:
    zone = (
        "BEGIN:VTIME\r\n ZONE\r\nTZID:Trap\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
        "RRULE:FREQ=SECONDLY\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    content = invitation("DTSTART;TZID=Trap:20261201T100000").replace(b"BEGIN:VEVENT", zone.encode() + b"BEGIN:VEVENT")
    before = time.process_time()

    read = read_invitation(content)

    assert (read.start, read.zone) == ("2026-12-01T10:00:00", "Trap")
    assert time.process_time() - before < 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n",
        b"BEGIN:VEVENT\r\n" * 500,
        b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n\xff\xfe:::;;;=\r\n",
        invitation(*["X-LONG:" + "x" * 200] * 2000),
        invitation(*["X:y"] * 4000),
    ],
    ids=["empty", "no event", "never closed", "junk", "large", "many lines"],
)
def test_what_is_no_invitation_is_refused(content: bytes) -> None:
    with pytest.raises(NotAnInvitation):
        read_invitation(content)


def test_people_without_a_mail_address_have_none() -> None:
    read = read_invitation(
        invitation("ATTENDEE;CN=Room:urn:uuid:1", "ATTENDEE:mailto:a@b@c", "ATTENDEE:mailto:x\\ny@z")
    )

    assert [each.address for each in read.attendees[1:]] == ["", "", ""]


def test_long_lists_of_attendees_are_cut() -> None:
    read = read_invitation(invitation(*[f"ATTENDEE:mailto:a{number}@example.com" for number in range(80)]))

    assert (len(read.attendees), read.attendees_cut) == (50, True)


@pytest.mark.parametrize(
    ("answer", "status"), [("accept", "ACCEPTED"), ("tentative", "TENTATIVE"), ("decline", "DECLINED")]
)
def test_answer_is_an_itip_reply(answer: str, status: str) -> None:
    content = invitation("DTSTART;TZID=Europe/Berlin:20261201T100000", "SUMMARY:Lamps")

    reply = answer_invitation(content, answer, attendee="support@company.example", name='Gold "1"', now=NOW)

    calendar = Calendar.from_ical(reply)
    [event] = calendar.walk("VEVENT")
    assert (calendar["METHOD"], event["UID"], event["SEQUENCE"]) == ("REPLY", "one@example.com", 2)
    assert (str(event["ORGANIZER"]), str(event["ATTENDEE"])) == (
        "mailto:jane@example.com",
        "mailto:support@company.example",
    )
    assert event["ATTENDEE"].params == {"PARTSTAT": status, "CN": "Gold '1'"}
    assert (event["DTSTAMP"].dt, event["DTSTART"].dt) == (NOW, datetime(2026, 12, 1, 9, tzinfo=UTC))
    assert reply.count(b"ATTENDEE") == 1


def test_answer_names_the_one_instance_that_was_asked_about() -> None:
    content = invitation("DTSTART:20261208T100000Z", "RECURRENCE-ID;TZID=Europe/Berlin:20261208T110000")

    reply = answer_invitation(content, "decline", attendee="support@company.example", name="", now=NOW)

    assert b"RECURRENCE-ID:20261208T100000Z\r\n" in reply


def test_line_breaks_in_an_invitation_add_nothing_to_the_answer() -> None:
    content = invitation("SUMMARY:Lamps\\nATTENDEE:mailto:victim@example.net", "DTSTART:20261201T100000Z")

    reply = answer_invitation(content, "accept", attendee="support@company.example", name="", now=NOW)

    assert reply.count(b"\r\nATTENDEE") == 1
    assert b"SUMMARY:Lamps ATTENDEE:mailto:victim@example.net\r\n" in reply


@pytest.mark.parametrize("method", ["CANCEL", "REPLY", "PUBLISH", ""])
def test_only_a_request_is_answered(method: str) -> None:
    with pytest.raises(NotAnInvitation):
        answer_invitation(invitation(method=method), "accept", attendee="support@company.example", name="", now=NOW)
