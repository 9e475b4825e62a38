"""The rows that administrators write: settings, default owner, statuses, routing addresses, permission sets."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count

from cases.models import Case, CaseStatus
from cases.setup_checks.finding import Finding, ok, wrong
from routing.models import Connection, EmailToCaseSettings, Queue, RecordType, RoutingAddress
from routing.permission_sets import addresses_without_senders
from routing.sealing import CannotSeal, CannotUnseal


def check_settings_row() -> Iterator[Finding]:
    row = EmailToCaseSettings.objects.first()
    if row is None:
        yield wrong("settings", "There are no Email-to-Case settings.", "Run manage.py setup.")
    elif not row.enabled:
        remedy = "Switch it on in the Email-to-Case settings; held mail goes on from the inbound mail list."
        yield wrong("settings", "Email-to-Case is switched off: new mail is held.", remedy)
    else:
        yield ok("settings", "Email-to-Case is switched on.")


def check_default_owner() -> Iterator[Finding]:
    row = EmailToCaseSettings.load()
    remedy = "Choose a queue or an active user as default case owner in the Email-to-Case settings."
    if row.default_case_owner_queue is not None:
        yield ok("default_owner", f"Default case owner: queue {row.default_case_owner_queue}.")
    elif row.default_case_owner_user is None:
        yield wrong("default_owner", "There is no default case owner.", remedy)
    elif not row.default_case_owner_user.is_active:
        yield wrong("default_owner", f"The default case owner, {row.default_case_owner_user}, is not active.", remedy)
    else:
        yield ok("default_owner", f"Default case owner: {row.default_case_owner_user}.")


def check_defaults() -> Iterator[Finding]:
    status = CaseStatus.objects.filter(is_default=True).first()
    if status is None:
        yield wrong("default_status", "No case status is the default.", "Mark an open case status as the default one.")
    else:
        yield ok("default_status", f"New cases start as {status}.")
    if CaseStatus.objects.filter(is_closed=True).exists():
        yield ok("closed_status", "Cases can be closed.")
    else:
        yield wrong("closed_status", "No case status means closed.", "Add a case status that is marked as closed.")
    record_type = RecordType.objects.filter(is_default=True).first()
    if record_type is None:
        yield wrong("default_record_type", "No record type is the default.", "Mark one record type as the default.")
    else:
        yield ok("default_record_type", f"Cases are of type {record_type} unless their address says otherwise.")


def active_addresses() -> list[RoutingAddress]:
    addresses = RoutingAddress.objects.not_deleted().filter(is_active=True)
    return list(addresses.select_related("owner_user", "owner_queue").order_by("email_address"))


def check_addresses() -> Iterator[Finding]:
    count = len(active_addresses())
    if count:
        yield ok("routing_addresses", f"Active routing addresses: {count}.")
    else:
        remedy = "Add one in the admin, or run manage.py create_routing_address EMAIL --name NAME."
        yield wrong("routing_addresses", "No routing address is active: no mail can become a case.", remedy)


def check_each_address() -> Iterator[Finding]:
    staffed = set(Queue.objects.filter(members__is_active=True).values_list("pk", flat=True))
    for address in active_addresses():
        yield _check_verified(address)
        yield _check_owner(address, staffed)
        yield _check_forwarding(address)


def _check_verified(address: RoutingAddress) -> Finding:
    name = "address_verified"
    if address.is_verified:
        return ok(name, f"{address.email_address} is verified.")
    remedy = "Send the verification mail from its page and open the link in it."
    return wrong(name, f"{address.email_address} is not verified: nothing can be sent from it.", remedy)


def _check_owner(address: RoutingAddress, staffed: set[int]) -> Finding:
    name = "address_owner"
    remedy = "Choose another case owner on its page."
    if address.owner_user is not None and not address.owner_user.is_active:
        message = f"{address.owner_user}, case owner of {address.email_address}, is not active."
        return wrong(name, message, remedy)
    if address.owner_queue is not None and address.owner_queue.pk not in staffed:
        message = f"The queue {address.owner_queue}, case owner of {address.email_address}, has no active member."
        return wrong(name, message, "Add members to the queue, or choose another case owner.")
    owner = address.owner_queue or address.owner_user or "the default case owner"
    return ok(name, f"Cases of {address.email_address} go to {owner}.")


def _check_forwarding(address: RoutingAddress) -> Finding:
    name = "address_forwarding"
    if address.forwarding_seen_at is not None:
        return ok(name, f"Mail to {address.email_address} has come in through its forward.")
    message = f"No mail to {address.email_address} has come in through its forward yet."
    return wrong(name, message, f"Forward it to {address.services_address} and send a mail to it from outside.")


def check_case_owners() -> Iterator[Finding]:
    """Whoever left keeps the cases: a customer who writes again is heard by nobody."""
    name = "case_owners"
    left = Case.objects.filter(closed_at__isnull=True, owner_user__is_active=False).order_by()
    counted = left.values_list("owner_user__username").annotate(count=Count("pk")).order_by("owner_user__username")
    remedy = "Assign them: filter the list of open cases by this owner, select all."
    found = [wrong(name, f"{who} is not active and owns open cases: {count}.", remedy) for who, count in counted]
    yield from found or [ok(name, "No open case belongs to somebody who is not active.")]


def check_connections() -> Iterator[Finding]:
    name = "connections"
    used = Connection.objects.filter(routing_addresses__deleted_at__isnull=True, routing_addresses__isnull=False)
    broken = 0
    for connection in used.distinct().order_by("name"):
        problem, remedy = connection.state_detail, "Open its page, mend it, and press Test."
        try:
            connection.secrets()
        except (CannotSeal, CannotUnseal) as error:
            problem, remedy = str(error), "Set the former key in E2C_FIELD_KEYS, or enter the secrets again."
        else:
            if connection.uses_oauth and not connection.is_connected:
                remedy = "Open its page and press Connect."
                problem = problem or "its account is not connected."
            elif connection.state not in (Connection.State.BROKEN, Connection.State.NEEDS_CONNECTING):
                continue
        broken += 1
        message = f"{connection.account} cannot send through {connection.name}: {problem}"
        yield wrong(name, message, remedy)
    if not broken:
        yield ok(name, "No connection that an address sends through is known to be broken.")


def check_controlled_addresses() -> Iterator[Finding]:
    name = "controlled_addresses"
    unsent = list(addresses_without_senders().filter(is_active=True).order_by("email_address"))
    for address in unsent:
        remedy = "Grant it in an active permission set that has members, or switch the control off on its page."
        yield wrong(name, f"{address.email_address} is controlled by permission set, but nobody may send.", remedy)
    if not unsent:
        yield ok(name, "Every address that is controlled by permission set can be sent from by somebody.")
