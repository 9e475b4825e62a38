"""Take the pictures of the documentation anew: `make pictures`, or `make pictures ONLY="case note"`.

Needs Chromium (CHROMIUM, default /usr/bin/chromium), pngquant and a Japanese font. A demonstration of its own is set
up in a folder that is thrown away, served on a free port of this machine, and looked at as its users do; demo.yaml
holds what it has beside the demonstration of `make run`.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parent.parent
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
COLOURS = "160"  # of a picture; pages have few, and more of them double the file

WIDE, TABLET, SMALL, PHONE = (1440, 900), (768, 800), (1024, 640), (390, 844)
BACK_OFFICE = (1280, 800)


@dataclass(frozen=True, slots=True)
class Picture:
    """What `user` sees at `path` ("" is somebody without an account), after `act` did something there."""

    name: str
    user: str
    path: str
    size: tuple[int, int] = BACK_OFFICE
    act: Callable[[Any], None] | None = None
    is_dark: bool = False


def main(only: list[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="e2c-pictures-") as folder:
        port = free_port()
        for name in [name for name in os.environ if name.startswith("E2C_")]:
            del os.environ[name]  # an instance of the developer's own has nothing to say here
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "e2c_project.settings",
            "E2C_MODE": "demo",
            "E2C_DATA_DIR": folder,
            "E2C_SMTP_LISTEN": "",
            "E2C_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "PORT": str(port),
            "DATABASE_URL": "",
            "CELERY_BROKER_URL": "",
        }
        sys.path.insert(0, str(ROOT))
        places = furnish()
        with running(port):
            send_test_mails(Path(folder) / "outbox")
            take_all([picture for picture in PICTURES if not only or picture.name in only], places, port)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


# --- the demonstration -----------------------------------------------------------------------------------------------


def furnish() -> dict[str, str]:
    """Fill the instance; returns what stands for {name} in the paths of pictures."""
    import django

    django.setup()
    # What follows needs the apps to be ready.
    from django.core.management import call_command
    from django.db import connections

    from cases.models import EmailMessage, SatisfactionRequest
    from cases.outbound.satisfaction import token_of
    from routing.connections import note_state
    from routing.models import (
        AssignmentRule,
        BusinessHours,
        Connection,
        EmailTemplate,
        PermissionSet,
        Queue,
        QuickText,
        RecordType,
        RoutingAddress,
        RoutingFlow,
        ServiceLevel,
    )

    said = StringIO()
    call_command("setup", verbosity=0, stdout=said)
    call_command("seed_demo", lived_in=True, stdout=said)
    call_command("import_config", str(FOLDER / "demo.yaml"), stdout=said)
    connection = Connection.objects.get()
    note_state(connection, Connection.State.WORKS, "The server answers and accepts the login.")
    asked = SatisfactionRequest.objects.order_by("pk").first()
    assert asked is not None
    SatisfactionRequest.objects.filter(pk=asked.pk).update(rating="", comment="", answered_at=None)

    def case(key: str) -> str:
        return EmailMessage.objects.get(message_identifier__startswith=f"demo-{key}.0@").case.number_text

    def row(model: Any, **fields: str) -> str:
        return str(model.objects.get(**fields).pk)

    places = {
        "invoice": case("invoice"),
        "import": case("import"),
        "billing": row(RoutingAddress, email_address="billing@demo.example"),
        "support": row(RoutingAddress, email_address="support@demo.example"),
        "sales": row(RoutingAddress, email_address="sales@demo.example"),
        "rule": row(AssignmentRule),
        "flow": row(RoutingFlow),
        "connection": row(Connection),
        "queue": row(Queue, name="Support"),
        "permission_set": row(PermissionSet),
        "record_type": row(RecordType, name="Billing"),
        "template": row(EmailTemplate, name="Ask for the order number"),
        "quick_text": row(QuickText, shortcut="thanks"),
        "hours": row(BusinessHours, name="Office"),
        "service_level": row(ServiceLevel, name="High priority"),
        "feedback": token_of(asked),
    }
    connections.close_all()
    return places


@contextmanager
def running(port: int) -> Iterator[None]:
    with tempfile.TemporaryFile() as log:
        program = subprocess.Popen([sys.executable, "manage.py", "run"], cwd=ROOT, stdout=log, stderr=log)
        try:
            wait_until(lambda: answers(f"http://127.0.0.1:{port}/readyz"), "the instance answers")
            yield
        finally:
            program.terminate()
            program.wait(30)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def wait_until(condition: Callable[[], bool], what: str, *, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"Not within {seconds:g} s: {what}.")
        time.sleep(0.2)


def send_test_mails(outbox: Path) -> None:
    """Four by the schedule, as the company's forward would bring them back; one is lost on its way."""
    from django.db import connections
    from django.utils import timezone

    from cases.inbound.ingesting import ingest_mail
    from cases.models import LoopTest
    from cases.outbound.loop_tests import send_test
    from routing.models import RoutingAddress

    support = RoutingAddress.objects.get(email_address="support@demo.example")
    for hours, seconds in ((18, 4), (12, 7), (6, None), (0.1, 5)):
        test = send_test(support, by=None, is_canary=True, now=timezone.now())
        asked_at = test.asked_at - timedelta(hours=hours)
        connections.close_all()
        if seconds is not None:
            wait_until(lambda nonce=test.nonce: bool(mails_with(outbox, nonce)), "a test mail left")  # type: ignore[misc]
            ingest_mail(mails_with(outbox, test.nonce)[0], envelope_recipients=[support.services_address])
            LoopTest.objects.filter(pk=test.pk).update(arrived_at=asked_at + timedelta(seconds=seconds))
        LoopTest.objects.filter(pk=test.pk).update(asked_at=asked_at)
    connections.close_all()


def mails_with(outbox: Path, word: str) -> list[bytes]:
    mails = (path.read_bytes() for path in sorted(outbox.glob("*.eml")))
    return [mail for mail in mails if word.encode() in mail.replace(b"=\r\n", b"")]


# --- what is done on the pages ---------------------------------------------------------------------------------------


def open_case(subject: str) -> Callable[[Any], None]:
    def act(page: Any) -> None:
        page.get_by_role("link", name=subject).first.click()
        page.get_by_role("heading", name=subject).first.wait_for()
        page.mouse.move(0, 0)

    return act


def write_reply(page: Any) -> None:
    page.keyboard.press("a")
    editor = page.get_by_role("textbox", name="Your reply")
    editor.wait_for()
    page.keyboard.type("Hello Casey,\nthe next version goes on where it stopped.")


def open_palette(page: Any) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("dialog").wait_for()
    page.keyboard.type("cl")


def try_sample(page: Any) -> None:
    page.get_by_label("Sample", exact=True).select_option(index=2)
    page.get_by_role("button", name="See what would happen").click()
    page.get_by_role("heading", name="Step by step").wait_for()


NEW_CONFIGURATION = """\
version: 1
queues:
  - name: Imports
    members: [rep]
settings:
  daily_limit: 5000
assignment_rules:
  - name: By subject
    entries:
      - label: Imports
        conditions: {field: subject, operator: contains, value: import}
        owner: queue:Imports
      - label: The rest
        owner: queue:Support
routing_addresses:
  - email_address: support@demo.example
    strategy: rules
    assignment_rule: By subject
    fallback_queue: Support
"""


def look_at_file(page: Any) -> None:
    page.get_by_label("or its text").fill(NEW_CONFIGURATION)
    page.get_by_role("button", name="See what would change").click()
    page.get_by_role("button", name="See what mail would become").click()
    page.get_by_role("status").wait_for()


PICTURES = (
    # For reps
    Picture("case-list", "lead", "/cases/?view=open", WIDE),
    Picture("case-dark", "rep", "/cases/?view=mine", WIDE, open_case("Cannot sign in after the update"), is_dark=True),
    Picture("case-narrow", "rep", "/cases/?view=mine", PHONE, open_case("Cannot sign in after the update")),
    Picture("case", "rep", "/cases/?view=mine", WIDE, open_case("Cannot sign in after the update")),
    Picture("note", "rep", "/cases/?view=mine", TABLET, open_case("Cannot sign in after the update")),
    Picture("search", "rep", "/cases/?q=import", PHONE),
    Picture("files", "rep", "/cases/{invoice}/files/", SMALL),
    Picture("palette", "rep", "/cases/{invoice}/", SMALL, open_palette),
    Picture("approval", "lead", "/cases/?view=open", WIDE, open_case("URGENT: charged twice"), is_dark=True),
    Picture("notifications", "lead", "/cases/notifications/", SMALL),
    Picture("notification-settings", "rep", "/cases/notifications/settings/", (1440, 940)),
    Picture("reply", "rep", "/cases/{import}/", WIDE, write_reply),
    # For customers
    Picture("feedback", "", "/feedback/{feedback}/", PHONE),
    # For administrators
    Picture("first-steps", "admin", "/admin/routing/routingaddress/first-steps/?address={sales}&step=forward", WIDE),
    Picture("routing-address", "admin", "/admin/routing/routingaddress/{support}/change/"),
    Picture("connection", "admin", "/admin/routing/connection/{connection}/change/"),
    Picture("permission-set", "admin", "/admin/routing/permissionset/{permission_set}/change/"),
    Picture("who-can-send", "admin", "/admin/cases/senddecision/address/{billing}/", (1280, 640)),
    Picture("queue", "admin", "/admin/routing/queue/{queue}/change/", (1280, 640)),
    Picture("assignment-rule", "admin", "/admin/routing/assignmentrule/{rule}/change/"),
    Picture("routing-flow", "admin", "/admin/routing/routingflow/{flow}/change/"),
    Picture("lint", "admin", "/admin/routing/assignmentrule/lint/", (1280, 560)),
    Picture("rep-presence", "admin", "/admin/routing/reppresence/", (1280, 480)),
    Picture("business-hours", "admin", "/admin/routing/businesshours/{hours}/change/"),
    Picture("record-type", "admin", "/admin/routing/recordtype/{record_type}/change/", (1280, 640)),
    Picture("service-level", "admin", "/admin/routing/servicelevel/{service_level}/change/"),
    Picture("email-action", "admin", "/admin/routing/recordtype/email-action/"),
    Picture("email-template", "admin", "/admin/routing/emailtemplate/{template}/change/"),
    Picture("quick-text", "admin", "/admin/routing/quicktext/{quick_text}/change/", (1280, 640)),
    Picture("settings", "admin", "/admin/routing/emailtocasesettings/"),
    Picture("dashboard", "admin", "/admin/cases/case/figures/?days=7", (1280, 1100)),
    Picture("inbound-mail", "admin", "/admin/cases/inboundemail/"),
    Picture("test-mails", "admin", "/admin/cases/looptest/", (1340, 560)),
    Picture("users", "admin", "/admin/auth/user/", (1340, 480)),
    Picture("audit", "admin", "/admin/routing/auditevent/", (1280, 640)),
    Picture("mail-lab", "admin", "/admin/cases/inboundemail/lab/", (1280, 1000), try_sample),
    Picture(
        "configuration-file",
        "admin",
        "/admin/routing/emailtocasesettings/configuration/",
        (1280, 1000),
        look_at_file,
    ),
)


# --- taking them -----------------------------------------------------------------------------------------------------


def take_all(pictures: list[Picture], places: dict[str, str], port: int) -> None:
    from playwright.sync_api import sync_playwright

    origin = f"http://127.0.0.1:{port}"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--mute-audio"])
        sessions = {"": None} | {user: log_in(browser, origin, user) for user in ("admin", "rep", "lead")}
        for picture in pictures:
            width, height = picture.size
            context = browser.new_context(
                base_url=origin,
                storage_state=sessions[picture.user],
                viewport={"width": width, "height": height},
                color_scheme="dark" if picture.is_dark else "light",
                locale="en-GB",
                timezone_id="UTC",
            )
            page = context.new_page()
            answer = page.goto(picture.path.format(**places), wait_until="networkidle")
            if answer is None or not answer.ok:
                raise SystemExit(f"{picture.name}: {page.url} was not answered well.")
            wait_until_loaded(page)
            if picture.act is not None:
                picture.act(page)
                wait_until_loaded(page)
            kept = write_small(page.screenshot(animations="disabled", caret="hide"), FOLDER / f"{picture.name}.png")
            sys.stdout.write(f"{picture.name}: {kept // 1024} KB\n")
            context.close()
        browser.close()


def wait_until_loaded(page: Any) -> None:
    """Also the parts of the page that come by requests of their own."""
    from playwright.sync_api import expect

    page.wait_for_load_state("networkidle")
    expect(page.locator(".htmx-request:visible, .skeleton:visible")).to_have_count(0)


def log_in(browser: Any, origin: str, user: str) -> Any:
    from cases.demo import DEMO_PASSWORDS

    context = browser.new_context(base_url=origin)
    page = context.new_page()
    page.goto("/login/")
    page.locator("[name=username]").fill(user)
    page.locator("[name=password]").fill(DEMO_PASSWORDS[user])
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**/cases/**")
    state = context.storage_state()
    context.close()
    return state


def write_small(png: bytes, path: Path) -> int:
    """Fewer colours, no metadata; returns the size in bytes."""
    quantise = ["pngquant", "--strip", "--speed", "1", "--nofs", COLOURS, "-"]
    small = subprocess.run(quantise, input=png, capture_output=True, check=True).stdout
    path.write_bytes(small)
    return len(small)


if __name__ == "__main__":
    main(sys.argv[1:])
