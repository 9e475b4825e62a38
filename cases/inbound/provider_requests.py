"""Turn a stored row back into mails, in the worker: the provider's request through Anymail's view, raw mail as it is.

No mail is parsed here. What a stranger wrote can only end in UnreadableRequest; what a provider does not hand out now,
in FetchFailed; what brings no mail, in NotAMail. Each message is a sentence for admins.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from anymail.exceptions import AnymailAPIError, AnymailConfigurationError, AnymailError
from botocore.exceptions import BotoCoreError, ClientError
from django.core.exceptions import ImproperlyConfigured

from cases.inbound.accept import RequestFacts, raw_bytes
from cases.inbound.captured_message import CapturedMessage, MailPieces
from cases.inbound.enclosed import Content, ForeignEnclosure, enclosed_contents
from cases.inbound.exact_text import exact_text
from cases.inbound.fetching import FetchFailed, NotAMail, TooMuchContent, answered_from, fetch_budget
from cases.inbound.parsed import ProviderFacts
from cases.inbound.provider_facts import facts_of_event, facts_of_row
from cases.inbound.provider_views import FETCHING, view_for
from cases.inbound.stored_request import StoredRequest, rebuilt_request
from cases.models import InboundEmail, TrackingRequest

__all__ = [
    "FetchFailed",
    "MailPieces",
    "NotAMail",
    "ReceivedMail",
    "RequestMails",
    "UnreadableRequest",
    "mails_of",
    "read_tracking_events",
]

RAW_PROVIDERS = frozenset({"smtp", "ingest"})  # their body is the mail
LONGEST_CAUSE = 200  # characters of an exception's own words


class UnreadableRequest(RuntimeError):
    """An authentic request that cannot be understood: kept, and shown to a person."""


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One mail of a request: its exact bytes, or else the pieces that the provider made of it."""

    raw: bytes | None
    pieces: MailPieces | None
    facts: ProviderFacts


@dataclass(frozen=True, slots=True)
class RequestMails:
    """The mails of one stored request, read one at a time: a bad one, or one whose content its provider does not hand
    out now, costs the others nothing.

    `read` gives the mail with that number, from 0. It may fetch from the provider, within E2C_FETCH_TIMEOUT seconds,
    and raises FetchFailed (try again later), NotAMail and UnreadableRequest.
    """

    count: int
    read: Callable[[int], ReceivedMail]


def mails_of(inbound: InboundEmail) -> RequestMails:
    """Raises FetchFailed, NotAMail and UnreadableRequest for what concerns the whole request."""
    provider, body = inbound.provider, stored_bytes(inbound)
    if provider in RAW_PROVIDERS:
        facts = facts_of_row(provider, inbound.envelope_sender, inbound.envelope_recipients)
        return RequestMails(1, lambda _number: ReceivedMail(raw=body, pieces=None, facts=facts))
    jobs = event_jobs(inbound, body, kind="inbound")
    contents = contents_enclosed_in(body) if provider in FETCHING else None

    def read(number: int) -> ReceivedMail:
        with fetch_budget(), answered_from(contents), failures_named(provider):
            events = jobs[number]() if number < len(jobs) else []
        # An event that is None: Mailtrap's test; a message that is None: Resend announced a mail without an id.
        for event in events:
            if event is not None and getattr(event, "message", None) is not None:
                return received(provider, event)
        raise NotAMail(f"{provider} sent a test or a confirmation; the request holds no mail")

    return RequestMails(len(jobs), read)


def contents_enclosed_in(body: bytes) -> Mapping[str, Content] | None:
    try:
        return enclosed_contents(body)
    except ForeignEnclosure as fault:
        raise UnreadableRequest(str(fault)) from fault


def read_tracking_events(tracking: TrackingRequest) -> list[Any]:
    """Anymail's normalised tracking events (anymail.signals.AnymailTrackingEvent); raises as `mails_of` does."""
    jobs = event_jobs(tracking, stored_bytes(tracking), kind="tracking")
    return [event for event in each_for_itself(tracking.provider, jobs) if event is not None]


def stored_bytes(row: InboundEmail | TrackingRequest) -> bytes:
    try:
        return raw_bytes(row.raw)
    except (OSError, BotoCoreError, ClientError) as error:
        raise FetchFailed(f"the storage did not give the stored request ({type(error).__name__})") from error


def received(provider: str, event: Any) -> ReceivedMail:
    message: CapturedMessage = event.message
    return ReceivedMail(raw=message.raw, pieces=message.pieces, facts=facts_of_event(provider, event))


def event_jobs(row: InboundEmail | TrackingRequest, body: bytes, *, kind: str) -> list[Callable[[], list[Any]]]:
    """For each event of the request what the provider's Anymail view makes of it, when it is asked."""
    provider = row.provider
    facts = RequestFacts(row.method, row.path, row.query, row.headers, row.remote_address)
    try:
        view = view_for(provider, kind)
    except (ImproperlyConfigured, ValueError) as error:
        raise FetchFailed(f"{provider} is not set up here any more: {cause(error)}") from error

    def read(single_body: Callable[[], bytes]) -> list[Any]:
        return list(view.parse_events(rebuilt_request(facts, single_body())))

    with failures_named(provider):
        if provider == "mandrill":
            return mandrill_events(view, rebuilt_request(facts, body), kind)
        return [partial(read, single) for single in single_bodies(provider, readable_body(provider, body))]


def each_for_itself(provider: str, jobs: list[Callable[[], list[Any]]]) -> list[Any]:
    """One bad event costs no other of its request. Raises when there is nothing else."""
    events: list[Any] = []
    failures: list[UnreadableRequest | NotAMail] = []
    for job in jobs:
        try:
            with failures_named(provider):
                events += job()
        except UnreadableRequest as failure:
            failures.insert(0, failure)
        except NotAMail as failure:
            failures.append(failure)
    if failures and not events:
        raise failures[0]
    return events


@contextmanager
def failures_named(provider: str) -> Iterator[None]:
    """What can go wrong inside an Anymail view, as one of our three exceptions."""
    try:
        yield
    except AnymailConfigurationError as error:
        raise NotAMail(f"{provider} sent an event of another kind to this address: {cause(error)}") from error
    except (BotoCoreError, ClientError) as error:
        raise FetchFailed(f"Amazon did not give the mail's content ({type(error).__name__})") from error
    except TooMuchContent as error:
        raise UnreadableRequest(str(error)) from error
    except RecursionError as error:
        raise UnreadableRequest(f"the request of {provider} is nested too deeply") from error
    except AnymailAPIError as error:
        if isinstance(error.__cause__, ClientError):
            raise FetchFailed(f"Amazon did not give the mail's content: {cause(error)}") from error
        raise UnreadableRequest(f"the request of {provider} cannot be read: {cause(error)}") from error
    except VIEW_STUMBLES as error:
        raise UnreadableRequest(f"the request of {provider} cannot be read: {cause(error)}") from error


# Anymail's views trust their provider: these are the ways in which they trip over anything else.
VIEW_STUMBLES = (AnymailError, ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError)


def cause(error: BaseException) -> str:
    """Kind and beginning of an exception's words, which may quote the request."""
    return f"{type(error).__name__}: {error}"[:LONGEST_CAUSE]


# --- one event at a time ---


def mandrill_events(view: Any, request: StoredRequest, kind: str) -> list[Callable[[], list[Any]]]:
    """Mandrill posts mail and tracking to one path, and may mix them; Anymail refuses a mixture."""
    events = json.loads(request.POST["mandrill_events"])
    wanted = [event for event in events if (event.get("event") == "inbound") == (kind == "inbound")]
    read = view.mandrill_inbound_to_anymail_event if kind == "inbound" else view.mandrill_tracking_to_anymail_event

    def read_one(event: Any) -> list[Any]:
        return [read(event)]

    return [partial(read_one, event) for event in wanted]


# Where the other providers that post several events in one request keep them; "" = the request is the list.
BATCHES = {"brevo": "items", "mailtrap": "events", "sparkpost": ""}


def single_bodies(provider: str, body: bytes) -> list[Callable[[], bytes]]:
    """The request as one request for each of its events."""
    key = BATCHES.get(provider)
    value: Any = json.loads(body) if key is not None else None
    events = value.get(key) if key and isinstance(value, dict) else value
    if key is None or not isinstance(events, list) or len(events) < 2:
        return [lambda: body]

    def single(event: Any) -> bytes:
        return json.dumps({**value, key: [event]} if key else [event]).encode("ascii")

    return [partial(single, event) for event in events]


# --- bodies that Anymail would stumble over though their mail can be read ---


def readable_body(provider: str, body: bytes) -> bytes:
    """The body with the mend its provider needs. JSON that is not UTF-8 becomes JSON that is, and keeps every byte."""
    mend = _MENDS.get(provider)
    if mend is None and (provider in FORM_PROVIDERS or is_utf8(body)):
        return body
    try:
        value = json.loads(exact_text(body.removeprefix(b"\xef\xbb\xbf")))
    except RecursionError:
        raise
    except ValueError as error:
        raise UnreadableRequest(f"the request of {provider} is not JSON: {cause(error)}") from error
    if mend is not None:
        mend(value)
    return json.dumps(value).encode("ascii")


FORM_PROVIDERS = frozenset({"mailgun", "mandrill", "sendgrid"})


def is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return not body.startswith(b"\xef\xbb\xbf")


def _mend_postmark(value: Any) -> None:
    """Headers and files without a name or content are left out."""
    if not isinstance(value, dict):
        return
    headers = value.get("Headers")
    value["Headers"] = [
        {"Name": header["Name"], "Value": header["Value"]}
        for header in (headers if isinstance(headers, list) else [])
        if isinstance(header, dict) and isinstance(header.get("Name"), str) and isinstance(header.get("Value"), str)
    ]
    files = value.get("Attachments")
    value["Attachments"] = [
        {"ContentType": None, "Data": "", **file}
        for file in (files if isinstance(files, list) else [])
        if isinstance(file, dict)
    ]
    for name in ("ToFull", "CcFull", "BccFull"):
        if not isinstance(value.get(name), list):
            value[name] = None
    for name in ("Subject", "TextBody", "HtmlBody"):
        if not isinstance(value.get(name, ""), str):
            value[name] = ""


def _mend_postal(value: Any) -> None:
    """A base64 mail is decoded here: Anymail would want it to be UTF-8."""
    if isinstance(value, dict) and value.get("base64") is True:
        value["message"] = text_of_base64(value["message"])
        value["base64"] = False


def _mend_sparkpost(value: Any) -> None:
    for event in value if isinstance(value, list) else ():
        relayed = event.get("msys", {}).get("relay_message") if isinstance(event, dict) else None
        content = relayed.get("content") if isinstance(relayed, dict) else None
        if isinstance(content, dict) and content.get("email_rfc822_is_base64"):
            content["email_rfc822"] = text_of_base64(content["email_rfc822"])
            content["email_rfc822_is_base64"] = False


def text_of_base64(encoded: str) -> str:
    try:
        return exact_text(base64.b64decode(encoded))
    except (binascii.Error, TypeError, ValueError) as error:
        raise UnreadableRequest(f"the mail in the request is not base64: {cause(error)}") from error


_MENDS: dict[str, Callable[[Any], None]] = {
    "postal": _mend_postal,
    "postmark": _mend_postmark,
    "sparkpost": _mend_sparkpost,
}
