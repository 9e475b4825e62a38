"""How each field of a manifest is compared with a mail as read. White space never counts, nor case in addresses."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from cases.inbound.analysis import html_to_text

Json = dict[str, Any]
# (what is stated, the message as ingest --full prints it, the whole line) -> (agrees?, what was read)
Compare = Callable[[Any, Json, Json], tuple[bool, Any]]

# Notes of the manifest's makers, and words of one library for which there is no counterpart.
NOT_COMPARED = frozenset(
    ("note", "reply_match", "bounce.reason", "message_count_in_thread", "attachment_count_peer", "to_display")
)
# Kinds of mail that people write.
HUMAN_KINDS = frozenset(("ordinary", "reply", "forward", "tnef", "encrypted", "calendar"))


def implied_by_kind(kind: str, expect: Json) -> Json:
    """What the kind alone says where the project states nothing."""
    if kind == "bounce" and "is_bounce" not in expect:
        return {"is a bounce, by its kind": True}
    if kind in HUMAN_KINDS and not {"is_bounce", "is_auto"} & set(expect):
        return {"is a person's, by its kind": True}
    return {}


def words(text: str | None) -> str:
    return " ".join((text or "").split())


def letters(text: str | None) -> str:
    return "".join((text or "").split())


def addresses(people: list[Json]) -> list[str]:
    return [person["address"].lower() for person in people]


def bare(identifier: str | None) -> str:
    return (identifier or "").strip().removeprefix("<").removesuffix(">")


def same_text(of: Callable[[Json], str | None]) -> Compare:
    def compare(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
        return words(of(message)) == words(stated), of(message)

    return compare


def same_addresses(role: str) -> Compare:
    def compare(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
        read = addresses(message[role])
        return read == [address.lower() for address in stated], read

    return compare


def same_ids(field: str) -> Compare:
    def compare(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
        value = message[field] or []
        read = [bare(each) for each in (value.split() if isinstance(value, str) else value)]
        return read == [bare(each) for each in stated], read

    return compare


def same_date(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
    read = message["date"]
    wanted = datetime.fromisoformat(stated)
    wanted = wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
    return bool(read) and datetime.fromisoformat(read.replace("Z", "+00:00")) == wanted, read


def shown(message: Json) -> str:
    """Everything of the body: its text, its HTML, and what the HTML reads like."""
    page = message["html"] or ""
    return "\n".join([message["text"] or "", page, html_to_text(page)])


def contains(of: Callable[[Json], str | None]) -> Compare:
    def compare(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
        text = letters(of(message))
        missing = [part for part in stated if letters(part) not in text]
        return not missing, {"missing": missing} if missing else None

    return compare


def leaves_out(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
    text = letters(message["reply_text"])
    found = [part for part in stated if letters(part) in text]
    return not found, {"found": found} if found else None


def quotes(stated: Any, message: Json, line: Json) -> tuple[bool, Any]:
    """The text is in the mail and not in its new part."""
    agrees, missing = contains(shown)(stated, message, line)
    left, found = leaves_out(stated, message, line)
    return agrees and left, missing or found


def reply_text(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
    return letters(message["reply_text"]) == letters(stated), message["reply_text"]


def reply_starts(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
    return letters(message["reply_text"]).startswith(letters(stated)), (message["reply_text"] or "")[:300]


def whole_body(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
    bodies = {letters(message["text"]), letters(html_to_text(message["html"] or ""))}
    return (letters(message["reply_text"]) in bodies) is stated, message["reply_text"]


def file_facts(message: Json) -> list[Json]:
    return [
        {
            "name": file["file_name"] or "",
            "content_type": file["content_type"],
            "size": file["size"],
            "sha256": file["sha256"],
            "content_id": file["content_id"] or "",
        }
        for file in message["attachments"]
    ]


def has_files(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
    """Every stated file is among those read; "disposition" is how the sender labels it, and not asked."""
    files = file_facts(message)
    asked = [{key: each[key] for key in ("name", "content_type", "size", "sha256") if key in each} for each in stated]
    missing = [each for each in asked if not any(each.items() <= file.items() for file in files)]
    return not missing, files


def has_all_files(stated: Any, message: Json, line: Json) -> tuple[bool, Any]:
    agrees, files = has_files(stated, message, line)
    return agrees and len(files) == len(stated), files


def file_count(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
    return len(message["attachments"]) == stated, [file["name"] for file in file_facts(message)]


def has_file_names(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
    names = [file["name"] for file in file_facts(message)]
    return set(stated) <= set(names), names


def equals(of: Callable[[Json, Json], Any]) -> Compare:
    def compare(stated: Any, message: Json, line: Json) -> tuple[bool, Any]:
        read = of(message, line)
        return read == stated, read

    return compare


def bounce_fact(message: Json, name: str) -> Any:
    return (message["bounce"] or {}).get(name)


def failed_recipients(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
    read = bounce_fact(message, "recipients") or []
    return sorted(each.lower() for each in read) == sorted(each.lower() for each in stated), read


def smtp_code(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
    reason = bounce_fact(message, "reason") or ""
    return bool(re.search(rf"\b{re.escape(str(stated))}\b", reason)), reason


def forwarded(name: str) -> Callable[[Json], str | None]:
    return lambda message: (message["forwarded_original"] or {}).get(name)


def display_holds_address(stated: Any, message: Json, _line: Json) -> tuple[bool, Any]:
    address = forwarded("from_address")(message) or ""
    return bool(address) and address.lower() in stated.lower(), address


FIELDS: dict[str, Compare] = {
    "subject": same_text(lambda message: message["subject"]),
    "subject_starts_with": lambda stated, message, _line: (
        words(message["subject"]).startswith(words(stated)),
        message["subject"],
    ),
    "from_email": lambda stated, message, _line: (
        (message["from"] or {}).get("address", "").lower() == stated.lower(),
        message["from"],
    ),
    "from_name": same_text(lambda message: (message["from"] or {}).get("name")),
    "to": same_addresses("to"),
    "cc": same_addresses("cc"),
    "bcc": same_addresses("bcc"),
    "reply_to": same_addresses("reply_to"),
    "to_first": lambda stated, message, _line: (
        addresses(message["to"])[:1] == [stated.lower()],
        addresses(message["to"]),
    ),
    "message_id": lambda stated, message, _line: (
        bare(message["message_identifier"]) == bare(stated),
        message["message_identifier"],
    ),
    "in_reply_to": same_ids("in_reply_to"),
    "references": same_ids("references"),
    "date": same_date,
    "date_utc": same_date,
    "body_contains": contains(shown),
    "body_text": same_text(lambda message: message["text"]),
    "body_empty": equals(lambda message, _line: not words(shown(message))),
    "attachments": has_all_files,
    "attachments_include": has_files,
    "attachment_count": file_count,
    "tnef_files": has_file_names,
    "is_bounce": equals(lambda _message, line: line["is_bounce"]),
    "is_auto": equals(lambda _message, line: line["is_automatic"]),
    "is a bounce, by its kind": equals(lambda _message, line: line["is_bounce"]),
    "is a person's, by its kind": equals(lambda _message, line: not line["is_automatic"]),
    "delivery_delay_warning": equals(lambda message, _line: bool(bounce_fact(message, "delayed"))),
    "bounce.failed_recipients": failed_recipients,
    "bounce.status": equals(lambda message, _line: [bounce_fact(message, "status")]),
    "bounce.temporary": equals(lambda message, _line: bool(bounce_fact(message, "delayed"))),
    "bounce.original_message_id": lambda stated, message, _line: (
        bare(bounce_fact(message, "original_message_id")) == bare(stated),
        bounce_fact(message, "original_message_id"),
    ),
    "bounce.smtp_code": smtp_code,
    "reply_text": reply_text,
    "reply_starts_with": reply_starts,
    "reply_contains": contains(lambda message: message["reply_text"]),
    "reply_not_contains": leaves_out,
    "reply_equals_body": whole_body,
    "quoted_contains": quotes,
    "comment_text": same_text(forwarded("comment")),
    "is_forward": equals(lambda message, _line: message["forwarded_original"] is not None),
    "forwarded.from_email": lambda stated, message, _line: (
        (forwarded("from_address")(message) or "").lower() == stated.lower(),
        forwarded("from_address")(message),
    ),
    "forwarded.from_display": display_holds_address,
    "forwarded.to": same_text(forwarded("to")),
    "forwarded.subject": same_text(forwarded("subject")),
    "forwarded.date": same_text(forwarded("date")),
    "forwarded.body_contains": contains(forwarded("body")),
    "must_not_crash": lambda _stated, _message, _line: (True, None),
}
