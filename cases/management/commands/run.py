"""Web server, Celery worker, sweeper and SMTP listener of one machine in one command (docs/commands.md)."""

from __future__ import annotations

import os
import shlex
import socket
import sys
import urllib.error
import urllib.request
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils.module_loading import import_string

from cases.demo import DEMO_PASSWORDS
from cases.management.base import ContractCommand
from cases.management.supervisor import Program, Supervisor
from routing.models import RoutingAddress

# A slow client holds a thread, not a process: fifty phones on a bad line must not stop the others.
WEB_THREADS = 64
READY_TIMEOUT = 1.0  # seconds
# Lines come at once, without warnings that mean nothing here: outside production static files are served from where
# they are, and Celery's worry about the superuser is about pickle, which is not accepted (CELERY_ACCEPT_CONTENT).
QUIET = {
    "PYTHONUNBUFFERED": "1",
    "PYTHONWARNINGS": "ignore:No directory at,ignore:You're running the worker with superuser",
}


class Command(ContractCommand):
    help = "Run web server, Celery worker, sweeper and SMTP listener together; Ctrl-C stops them all."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--setup", action="store_true", help="set the instance up first, in demo mode with demo data"
        )
        parser.add_argument(
            "--with-parent", action="store_true", help="stop when the process that started this one is gone"
        )
        parser.add_argument("--host", default="127.0.0.1", help="address the web server listens on (127.0.0.1)")
        parser.add_argument("--workers", type=int, default=1, metavar="N", help="Celery workers (1)")
        parser.add_argument("--web-workers", type=int, default=1, metavar="N", help="web server processes (1)")

    def handle(self, *args: Any, **options: Any) -> None:
        import_string(settings.E2C_START_GUARD)()
        host = options["host"]
        if not can_listen(host, settings.PORT):
            raise CommandError(
                f"Port {settings.PORT} of {host} is taken. Stop what uses it, or choose another one: "
                f"PORT={settings.PORT + 1 if settings.PORT < 65535 else 8000} and the same command again."
            )
        if options["setup"]:
            self.set_up()
        smtp = free_smtp_address()
        programs = all_programs(host=host, workers=options["workers"], web_workers=options["web_workers"], smtp=smtp)
        where_to_look = welcome(smtp=smtp)
        connections.close_all()
        self.stdout.write("Starting ...")
        self.stdout.flush()
        parent = os.getppid() if options["with_parent"] else None
        supervisor = Supervisor(programs, environment=os.environ | QUIET, out=sys.stdout)
        has_started = False

        def on_tick() -> bool | None:
            nonlocal has_started
            if parent is not None and os.getppid() != parent:
                # Whoever runs `make run` and ends make alone means all of it.
                return False
            if has_started:
                return None
            if supervisor.is_running("web"):
                if is_ready(host):
                    has_started = True
                    sys.stdout.write(where_to_look)
                    sys.stdout.flush()
                return None
            # It ended before it ever answered: starting it again would only say the same again.
            return False

        supervisor.run(on_tick=on_tick)
        if not has_started and not supervisor.stop_requests:
            raise CommandError("The web server did not start; its lines above say why.")
        self.stdout.write("Stopped.")

    def set_up(self) -> None:
        call_command("setup", verbosity=0, stdout=open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - one line
        is_empty = not User.objects.exists() and not RoutingAddress.objects.exists()
        if settings.E2C_MODE == "demo" and settings.E2C_DEMO_DATA and is_empty:
            self.stdout.write("Adding demo data ...")
            self.stdout.flush()
            call_command("seed_demo", lived_in=True, stdout=self.stderr)


def all_programs(*, host: str, workers: int, web_workers: int, smtp: str | None) -> list[Program]:
    python = sys.executable
    manage = [python, sys.argv[0]]
    programs = [Program("web", web_command(host=host, web_workers=web_workers))]
    for number in range(1, workers + 1):
        name = "worker" if workers == 1 else f"worker{number}"
        programs.append(
            Program(
                name,
                [
                    *[python, "-m", "celery", "--quiet", "--app", "e2c_project", "worker", "--hostname", f"{name}@%h"],
                    *["--pool", "solo", "--concurrency", "1", "--loglevel", "WARNING"],
                    *["--without-mingle", "--without-gossip", "--without-heartbeat"],
                ],
            )
        )
    programs.append(Program("sweeper", [*manage, "sweep"]))
    if smtp:
        programs.append(Program("smtp", [*manage, "smtp_listener"]))
    return programs


def web_command(*, host: str, web_workers: int) -> list[str]:
    return [
        sys.executable,
        *["-m", "gunicorn", "e2c_project.wsgi:application"],
        *["--bind", f"{host}:{settings.PORT}"],
        *["--worker-class", "gthread", "--workers", str(web_workers), "--threads", str(WEB_THREADS)],
        *["--timeout", "120", "--graceful-timeout", "5", "--no-control-socket", "--log-level", "warning"],
    ]


def can_listen(host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError:
            return False
    return True


def free_smtp_address() -> str | None:
    """Where the SMTP listener may listen; None when switched off or taken."""
    address: str = settings.E2C_SMTP_LISTEN
    host, _colon, port = address.rpartition(":")
    if not address or not port.isdigit():
        return None
    return address if can_listen(host or "127.0.0.1", int(port)) else None


def is_ready(host: str) -> bool:
    shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104 - compared, not bound
    try:
        with urllib.request.urlopen(f"http://{shown}:{settings.PORT}/readyz", timeout=READY_TIMEOUT) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def welcome(*, smtp: str | None) -> str:
    """Where to look, and how to send a first mail. Secrets and passwords are shown in demo mode only."""
    site = f"http://127.0.0.1:{settings.PORT}"
    is_demo = settings.E2C_MODE == "demo"
    address = RoutingAddress.objects.filter(is_active=True).order_by("pk").first()
    recipient = address.email_address if address else "support@example.com"
    lines = ["", f"  Cases       {site}/cases/", f"  Back office {site}/admin/"]
    if is_demo and settings.E2C_DEMO_DATA:
        users = ", ".join(f"{name} / {password}" for name, password in DEMO_PASSWORDS.items())
        lines.append(f"  Sign in as  {users}")
    elif not User.objects.filter(is_superuser=True, is_active=True).exists():
        lines.append(f"  Nobody can sign in yet: {superuser_command()}")
    lines.append(f"  Data        {settings.E2C_DATA_DIR}")
    if "postmark" in settings.E2C_PROVIDERS:
        lines += [
            "",
            "  Send a first mail, as a provider would post it:",
            "",
            f"    {curl_line(site, recipient, is_demo=is_demo)}",
        ]
    if smtp:
        lines += ["", "  or over SMTP:", "", f"    {smtp_line(smtp, recipient)}"]
    else:
        lines += [
            "",
            f"  The SMTP listener is off: {settings.E2C_SMTP_LISTEN or 'E2C_SMTP_LISTEN'} is not free or not set.",
        ]
    return "\n".join([*lines, "", "  Ctrl-C stops everything.", "", ""])


def superuser_command() -> str:
    """For another terminal, which knows neither the mode nor the data folder of this one."""
    told = {"E2C_MODE": settings.E2C_MODE}
    if folder := os.environ.get("E2C_DATA_DIR"):
        told["E2C_DATA_DIR"] = folder
    variables = " ".join(f"{name}={shlex.quote(value)}" for name, value in told.items())
    return f"{variables} {shlex.quote(sys.executable)} manage.py createsuperuser"


def curl_line(site: str, recipient: str, *, is_demo: bool) -> str:
    """One mail in Postmark's shape. Pasted again it is another mail: the Message-ID holds the second."""
    credentials = settings.E2C_WEBHOOK_SECRET if is_demo else "$E2C_WEBHOOK_SECRET"
    quoted = shlex.quote(credentials) if is_demo else f'"{credentials}"'
    mail = (
        '{"FromFull":{"Email":"casey@example.net","Name":"Casey"},"ToFull":[{"Email":"RECIPIENT"}],"OriginalRecipient":"RECIPIENT",'
        '"Subject":"The lamp flickers","TextBody":"It worked until yesterday. What can I do?",'
        """"Headers":[{"Name":"Message-ID","Value":"<'$(date +%s)'@example.net>"}]}"""
    ).replace("RECIPIENT", recipient)
    options = f"-sS -w '%{{http_code}}\\n' -u {quoted} -H 'Content-Type: application/json'"
    return f"curl {options} -d '{mail}' {site}/anymail/postmark/inbound/"


def smtp_line(smtp: str, recipient: str) -> str:
    """The same by SMTP, with the standard library: a Message-ID of its own each time it is pasted."""
    host, _colon, port = smtp.rpartition(":")
    headers = rf"From: Casey <casey@example.net>\nTo: {recipient}\nSubject: The lamp flickers\n\nWhat can I do?"
    return (
        f"""python3 -c 'import smtplib, time; smtplib.SMTP("{host or "127.0.0.1"}", {port})"""
        f""".sendmail("casey@example.net", ["{recipient}"], """
        rf""""Message-ID: <" + str(time.time()) + "@example.net>\n{headers}")'"""
    )
