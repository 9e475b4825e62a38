"""The way from an empty instance to the first case. Each state is read from what is there: nothing is ticked off."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.models import Case, InboundEmail
from cases.outbound.loop_tests import last_tests_of
from cases.selectors.people import reps
from cases.setup_checks import organisation, surroundings
from cases.setup_checks.address_proof import forwarding_line, said_at, senders_line, verified_line, way_out_line
from cases.setup_checks.calls_seen import webhook_lines
from cases.setup_checks.finding import Finding
from cases.setup_checks.loop_way import LoopWay, way_of
from cases.setup_checks.proof_lines import OK, TODO, UNKNOWN, WRONG, ProofLine
from cases.setup_checks.way_out import last_try_line
from routing.choices import Strategy
from routing.models import EmailToCaseSettings, Queue, RecordType, RoutingAddress
from routing.queues import active_members

__all__ = ["FirstSteps", "Step", "first_steps", "team_queue"]

WORST_FIRST = (WRONG, TODO, UNKNOWN)
MOST_NAMES = 5


@dataclass(frozen=True, slots=True)
class Step:
    """`lines`: what it is made of, each with what to do next."""

    key: str
    title: str
    lines: list[ProofLine]
    may_change_by_itself: bool = False  # within minutes, without a click on the page

    @property
    def state(self) -> str:
        """The worst of its lines."""
        found = {line.state for line in self.lines}
        return next((state for state in WORST_FIRST if state in found), OK)

    @property
    def is_done(self) -> bool:
        return self.state == OK


@dataclass(frozen=True, slots=True)
class FirstSteps:
    address: RoutingAddress | None  # the one that the later steps are about
    queue: Queue | None  # whose members get its cases; None where a person owns them
    way: LoopWay | None  # of the last test mail
    first_case: Case | None
    steps: list[Step]

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def next_step(self) -> Step | None:
        return next((step for step in self.steps if not step.is_done), None)

    def after(self, key: str) -> Step | None:
        """The next one that is not done behind the step of this key, else the first that is not done."""
        keys = [step.key for step in self.steps]
        behind = [step for step in self.steps[keys.index(key) + 1 :] if not step.is_done]
        return behind[0] if behind else next((s for s in self.steps if not s.is_done and s.key != key), None)


def first_steps(address: RoutingAddress | None, *, now: datetime) -> FirstSteps:
    """Some thirty statements, the same number for any amount of mail. Asks nobody outside."""
    settings_row = EmailToCaseSettings.load()
    queue = team_queue(address, settings_row)
    test = last_tests_of([address]).get(address.pk) if address is not None else None
    way = way_of(test, now=now) if test is not None else None
    first_case = Case.objects.filter(routing_address=address).order_by("pk").first() if address is not None else None
    steps = [
        Step("site", _("Names of this site"), _site()),
        Step("basics", _("What every case needs"), _basics()),
        Step("way_out", _("Mail that leaves"), _way_out(address)),
        Step("team", _("A queue and a kind of case"), _team(settings_row)),
        Step("rep", _("Somebody who answers"), _rep(address, queue)),
        Step("address", _("Your customers’ address"), _address(address)),
        Step("webhook", _("The provider calls"), webhook_lines(now=now), may_change_by_itself=True),
    ]
    if address is None:
        later = [
            ("verify", _("Verify the address")),
            ("forward", _("Forward its mail to here")),
            ("senders", _("Who may send from it")),
            ("test", _("A test mail goes round")),
            ("case", _("The first case")),
        ]
        waits = _("There is no routing address yet.")
        steps += [Step(key, title, [ProofLine(key, title, TODO, waits)]) for key, title in later]
        return FirstSteps(None, queue, None, None, steps)
    verified = verified_line(address, now)
    steps += [
        Step("verify", _("Verify the address"), [verified], may_change_by_itself=not address.is_verified),
        Step("forward", _("Forward its mail to here"), [forwarding_line(address, test, now)], True),
        Step("senders", _("Who may send from it"), [senders_line(address)]),
        Step("test", _("A test mail goes round"), _test(way), bool(way and way.is_under_way)),
        Step("case", _("The first case"), _first_case(address, first_case), first_case is None),
    ]
    return FirstSteps(address, queue, way, first_case, steps)


def team_queue(address: RoutingAddress | None, settings_row: EmailToCaseSettings) -> Queue | None:
    """The queue whose members get the cases of the address; None where a person owns them, or there is no queue."""
    if address is not None:
        if address.strategy == Strategy.OWNER and address.owner_user is not None:
            return None
        if of_address := address.owner_queue or address.fallback_queue:
            return of_address
    default = settings_row.default_case_owner_queue
    own = Queue.objects.exclude(pk=default.pk) if default is not None else Queue.objects.all()
    return own.order_by("pk").first() or default


def _as_lines(findings: Iterable[Finding], titles: dict[str, str]) -> list[ProofLine]:
    """What is not set yet is to do: nothing was tried that failed."""
    return [
        ProofLine(each.name, titles[each.name], OK if each.is_ok else TODO, each.message, each.remedy)
        for each in findings
        if each.name in titles
    ]


def _site() -> list[ProofLine]:
    findings = [
        *surroundings.check_public_url(),
        *surroundings.check_inbound_domain(),
        *surroundings.check_system_from(),
    ]
    titles = {
        "public_url": "E2C_PUBLIC_URL",
        "inbound_domain": "E2C_INBOUND_DOMAIN",
        "system_from": "E2C_SYSTEM_FROM",
    }
    return _as_lines(findings, titles)


def _basics() -> list[ProofLine]:
    findings = [
        *organisation.check_settings_row(),
        *organisation.check_default_owner(),
        *organisation.check_defaults(),
    ]
    titles = {
        "settings": _("Email-to-Case settings"),
        "default_owner": _("Default case owner"),
        "default_status": _("Status of new cases"),
        "closed_status": _("Closed status"),
        "default_record_type": _("Default record type"),
    }
    return _as_lines(findings, titles)


def _way_out(address: RoutingAddress | None) -> list[ProofLine]:
    lines = _as_lines(surroundings.check_outgoing_mail(), {"outgoing_mail": "E2C_EMAIL_URL"})
    lines.append(last_try_line())
    if address is not None and address.connection is not None:
        lines.append(way_out_line(address))
    return lines


def _team(settings_row: EmailToCaseSettings) -> list[ProofLine]:
    default = settings_row.default_case_owner_queue
    queues = list(Queue.objects.order_by("pk")[: MOST_NAMES + 1])
    own = [each.name for each in queues if default is None or each.pk != default.pk]
    title = _("Queue")
    if own:
        queue = ProofLine("queue", title, OK, _named(own))
    else:
        words = (
            _("Only “%(queue)s”, which catches what nobody owns.") % {"queue": default.name}
            if default is not None
            else _("None yet.")
        )
        queue = ProofLine("queue", title, TODO, words, _("Name the team that answers, such as Support."))
    names = list(RecordType.objects.order_by("pk").values_list("name", flat=True)[: MOST_NAMES + 1])
    title = _("Record type")
    kind = (
        ProofLine("record_type", title, OK, _named(names))
        if names
        else ProofLine("record_type", title, TODO, _("None yet."), _("Name the kind of case, such as Support."))
    )
    return [queue, kind]


def _named(names: list[str]) -> str:
    return ", ".join(names[:MOST_NAMES]) + (" …" if len(names) > MOST_NAMES else "")


def _rep(address: RoutingAddress | None, queue: Queue | None) -> list[ProofLine]:
    title = _("Rep")
    give = _("Give the permission “Can reply to cases”, by a group.")
    if queue is None:
        person = address.owner_user if address is not None else None
        if person is None:
            return [ProofLine("rep", title, TODO, _("There is no queue yet."), _("Make the queue first."))]
        if not person.is_active:
            words = _("%(name)s owns new cases, and is not active.") % {"name": person.get_username()}
            return [ProofLine("rep", title, WRONG, words, _("Choose another case owner."))]
        if not reps().filter(pk=person.pk).exists():
            words = _("%(name)s owns new cases, and may not reply to them.") % {"name": person.get_username()}
            return [ProofLine("rep", title, TODO, words, give)]
        words = _("%(name)s owns new cases and may reply to them.") % {"name": person.get_username()}
        return [ProofLine("rep", title, OK, words)]
    members = list(active_members(queue).values_list("pk", "username")[:200])
    replying = set(reps().filter(pk__in=[key for key, _name in members]).values_list("pk", flat=True))
    named = {"queue": queue.name}
    if replying:
        names = _named([name for key, name in members if key in replying])
        words = _("In the queue %(queue)s, and may reply: %(names)s.") % (named | {"names": names})
        return [ProofLine("rep", title, OK, words)]
    if members:
        words = _("In the queue %(queue)s, but may not reply to cases: %(names)s.") % (
            named | {"names": _named([name for _key, name in members])}
        )
        return [ProofLine("rep", title, TODO, words, give)]
    words = _("Nobody active is in the queue %(queue)s.") % named
    return [ProofLine("rep", title, TODO, words, _("Put somebody into it."))]


def _address(address: RoutingAddress | None) -> list[ProofLine]:
    title = _("Routing address")
    if address is None:
        words = _("None yet: no mail can become a case.")
        return [ProofLine("address", title, TODO, words, _("Enter one below."))]
    words = f"{address.routing_name} <{address.email_address}>"
    if not address.is_active:
        return [ProofLine("address", title, WRONG, words, _("It is switched off: its new mail is held."))]
    owner = address.assignment_rule or address.flow or address.owner_user or address.owner_queue
    stamps = _("Origin %(origin)s, priority %(priority)s, owner %(owner)s") % {
        "origin": address.get_case_origin_display(),
        "priority": address.get_case_priority_display(),
        "owner": owner or _("the default case owner"),
    }
    return [ProofLine("address", title, OK, words), ProofLine("stamps", _("Its new cases"), OK, stamps)]


def _test(way: LoopWay | None) -> list[ProofLine]:
    if way is None:
        words = _("None was sent yet.")
        return [ProofLine("test", _("Test mail"), TODO, words, _("Press “Send test mail”."))]
    return [step for step in way.steps if step.key in ("queued", "sent", "back", "from")]


def _first_case(address: RoutingAddress, first_case: Case | None) -> list[ProofLine]:
    title = _("First case")
    if first_case is not None:
        return [ProofLine("case", title, OK, _("Opened %(day)s.") % {"day": said_at(first_case.created_at)})]
    step = _("Write to %(email)s from an account outside of your company.") % {"email": address.email_address}
    last = InboundEmail.objects.filter(routing_address=address).exclude(reason="own_loop").order_by("-id").first()
    if last is None:
        return [ProofLine("case", title, TODO, _("No mail of a customer has come in yet."), step)]
    words = _("The last mail opened none. It is %(state)s: %(why)s") % {
        "state": last.get_state_display(),
        "why": last.because or "–",
    }
    state = WRONG if last.is_settled else TODO
    return [ProofLine("case", title, state, words, _("Open it under Inbound mail, or write again."))]


def summary(steps: FirstSteps) -> str:
    count = len(steps.steps)
    return ngettext("%(done)s of %(count)s step done", "%(done)s of %(count)s steps done", count) % {
        "done": steps.done,
        "count": count,
    }
