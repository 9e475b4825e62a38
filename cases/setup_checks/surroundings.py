"""Settings, database, broker, storage and the sweeper."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from kombu import Connection

from cases.demo import active_demo_users
from cases.models import Heartbeat, InboundEmail
from cases.setup_checks.finding import Finding, ok, wrong
from routing.addresses import read_address_list
from routing.email_url import BadEmailUrl, parse_email_url

BROKER_TIMEOUT = 2  # seconds
SWEEPER = "sweeper"  # the heartbeat that cases.sweeping writes
OLDEST_HEARTBEAT = timedelta(seconds=60)
OLDEST_WAITING_MAIL = timedelta(seconds=120)
# Names that no mail or browser of the outside world can reach (RFC 2606 and RFC 6761).
PRIVATE_ENDINGS = ("localhost", ".test", ".example", ".invalid", ".local", "example.com", "example.net", "example.org")


def is_demo() -> bool:
    return bool(settings.E2C_MODE == "demo")


def is_reachable_name(domain: str) -> bool:
    return "." in domain and not domain.lower().endswith(PRIVATE_ENDINGS) and not domain.startswith("127.")


def check_database() -> Iterator[Finding]:
    try:
        executor = MigrationExecutor(connection)
        plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        problem = str(error).splitlines()[0]
        yield wrong("database", f"The database does not answer: {problem}", "Start it, or correct DATABASE_URL.")
        return
    yield ok("database", f"The database answers ({connection.vendor}).")
    if plan:
        message = f"Migrations that are not applied: {len(plan)}, the first is {plan[0][0]}."
        yield wrong("migrations", message, "Run manage.py setup.")
    else:
        yield ok("migrations", "Every migration is applied.")


def check_secrets() -> Iterator[Finding]:
    try:
        is_set = bool(settings.SECRET_KEY)
    except ImproperlyConfigured:
        is_set = False
    if is_set:
        yield ok("secret_key", "SECRET_KEY is set.")
    else:
        yield wrong("secret_key", "SECRET_KEY is not set.", "Set it to a long random text and keep it.")
    if settings.E2C_WEBHOOK_SECRET:
        yield ok("webhook_secret", "E2C_WEBHOOK_SECRET is set.")
    else:
        remedy = "Set it to user:password and give both to your providers as basic authentication."
        yield wrong("webhook_secret", "E2C_WEBHOOK_SECRET is not set: no webhook can be trusted.", remedy)


def check_provider_credentials() -> Iterator[Finding]:
    missing = settings.E2C_MISSING_CREDENTIALS
    for provider, variable in missing:
        remedy = f"Set {variable}, or take {provider} out of E2C_PROVIDERS."
        yield wrong("provider_credentials", f"{variable} is not set, but {provider} is listed.", remedy)
    if not missing:
        listed = ", ".join(settings.E2C_PROVIDERS) or "none"
        yield ok("provider_credentials", f"Every inbound provider has its credentials: {listed}.")


def check_inbound_domain() -> Iterator[Finding]:
    domain = settings.E2C_INBOUND_DOMAIN
    if is_demo() or is_reachable_name(domain):
        yield ok("inbound_domain", f"Services addresses are at {domain}.")
    else:
        remedy = "Set E2C_INBOUND_DOMAIN to the domain whose MX records point to your inbound provider."
        yield wrong("inbound_domain", f"No mail from outside reaches services addresses at {domain}.", remedy)


def check_public_url() -> Iterator[Finding]:
    parts = urlsplit(settings.E2C_PUBLIC_URL)
    remedy = "Set E2C_PUBLIC_URL to the address under which people open this site, such as https://cases.company.com."
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield wrong("public_url", f"E2C_PUBLIC_URL, {settings.E2C_PUBLIC_URL}, is not a web address.", remedy)
    elif not is_demo() and not is_reachable_name(parts.hostname):
        yield wrong("public_url", f"Links in mail point to {parts.hostname}, which only this machine knows.", remedy)
    elif settings.E2C_MODE == "production" and parts.scheme != "https":
        yield wrong("public_url", "E2C_PUBLIC_URL does not begin with https.", remedy)
    else:
        yield ok("public_url", f"Links in mail begin with {settings.E2C_PUBLIC_URL}.")


def check_system_from() -> Iterator[Finding]:
    found = read_address_list(settings.E2C_SYSTEM_FROM)
    remedy = "Set E2C_SYSTEM_FROM to an address of a domain you may send from."
    if len(found) != 1:
        yield wrong("system_from", f"E2C_SYSTEM_FROM, {settings.E2C_SYSTEM_FROM!r}, is not one address.", remedy)
    elif not is_demo() and not is_reachable_name(found[0].address.rpartition("@")[2]):
        yield wrong("system_from", f"Nobody accepts mail from {found[0].address}.", remedy)
    else:
        yield ok("system_from", f"Verification mail and notices come from {found[0].address}.")


def check_outgoing_mail() -> Iterator[Finding]:
    try:
        parse_email_url(settings.E2C_EMAIL_URL, api_url=settings.E2C_ESP_API_URL)
    except BadEmailUrl as error:
        yield wrong("outgoing_mail", str(error), "Correct E2C_EMAIL_URL, such as smtp://user:password@host:587?tls=1.")
        return
    scheme = settings.E2C_EMAIL_URL.partition(":")[0].lower()
    if scheme in ("file", "memory") and not is_demo():
        message = f"E2C_EMAIL_URL is {scheme}: mail stays on this machine and reaches nobody."
        yield wrong("outgoing_mail", message, "Set it to smtp://... or to your provider, anymail+<provider>://...")
    else:
        yield ok("outgoing_mail", f"Mail leaves by {scheme}.")


def check_storage() -> Iterator[Finding]:
    """Write a small file, read it back, delete it."""
    content = secrets.token_bytes(16)
    try:
        name = default_storage.save(f"check_setup-{secrets.token_hex(8)}", ContentFile(content))
        try:
            with default_storage.open(name) as stored:
                is_same = stored.read() == content
        finally:
            default_storage.delete(name)
    except Exception as error:  # noqa: BLE001 - each storage fails in its own way; the finding says how
        is_same, problem = False, f"{type(error).__name__}: {error}".splitlines()[0]
    else:
        problem = "it gives back something else than was stored"
    if is_same:
        yield ok("storage", "Mail and attachments can be stored and read.")
    else:
        remedy = "Make E2C_DATA_DIR writable for this user, or correct E2C_STORAGE_URL and its credentials."
        yield wrong("storage", f"Storage does not work: {problem}.", remedy)


def check_broker() -> Iterator[Finding]:
    scheme = settings.CELERY_BROKER_URL.partition(":")[0]
    try:
        broker = Connection(
            settings.CELERY_BROKER_URL,
            connect_timeout=BROKER_TIMEOUT,
            transport_options=settings.CELERY_BROKER_TRANSPORT_OPTIONS,
        )
        with broker:
            broker.ensure_connection(max_retries=1, interval_start=0, interval_step=0, timeout=BROKER_TIMEOUT)
    except Exception as error:  # noqa: BLE001 - each broker's client has errors of its own; the finding says which
        message = f"The broker ({scheme}) does not answer: {type(error).__name__}."
        remedy = "Start it, or correct CELERY_BROKER_URL. Until then only the sweeper settles mail."
        yield wrong("broker", message, remedy)
    else:
        yield ok("broker", f"The broker answers ({scheme}).")


def check_sweeper() -> Iterator[Finding]:
    heartbeat = Heartbeat.objects.filter(name=SWEEPER).first()
    remedy = "Start manage.py sweep under a supervisor (make run does); look at its log if it runs."
    if heartbeat is None:
        yield wrong("sweeper", "The sweeper has never run.", remedy)
    elif (age := timezone.now() - heartbeat.at) > OLDEST_HEARTBEAT:
        yield wrong("sweeper", f"The sweeper was last seen {round(age.total_seconds())} seconds ago.", remedy)
    else:
        yield ok("sweeper", "The sweeper runs.")


def check_waiting_mail() -> Iterator[Finding]:
    waiting = InboundEmail.objects.filter(state__in=InboundEmail.UNSETTLED)
    oldest = waiting.order_by("received_at").values_list("received_at", flat=True).first()
    if oldest is not None and timezone.now() - oldest > OLDEST_WAITING_MAIL:
        message = f"Mail waits to be settled since {oldest:%Y-%m-%d %H:%M} UTC."
        yield wrong("waiting_mail", message, "Look at the logs of the workers and of the sweeper.")
    else:
        yield ok("waiting_mail", "No mail waits for longer than two minutes.")


def check_demo_users() -> Iterator[Finding]:
    names = [] if is_demo() else active_demo_users()
    for name in names:
        remedy = "Give the user another password, or deactivate it."
        yield wrong("demo_users", f"The user {name} has its demo password, which everybody can read.", remedy)
    if not names:
        yield ok("demo_users", "No user has a demo password." if not is_demo() else "Demo users belong to demo mode.")
