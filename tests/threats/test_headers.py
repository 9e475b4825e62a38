"""What browsers are told: policies of every page, cookies in production, downloads of hostile files (AT15)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cases.inbound.provider_views import provider_paths
from cases.mail_html import FRAME_POLICY
from cases.middleware import ADMIN_POLICY, POLICY
from cases.views.satisfaction import FEEDBACK_POLICY
from tests.factories import RoutingAddressFactory
from tests.hostile.make import hostile_mail
from tests.mails import ingest, raw_mail
from tests.project.processes import PRODUCTION, environment, python
from tests.threats.urls import Kind, found_urls, kind_of
from tests.threats.world import World, build_world

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation"), pytest.mark.every_page]

BYTES_OF_STRANGERS = "default-src 'none'; frame-ancestors 'none'; sandbox"
PICTURE = "default-src 'none'; frame-ancestors 'self'; sandbox"
OWN_POLICIES = {
    "message_html": FRAME_POLICY,
    "message_text": BYTES_OF_STRANGERS,
    "message_headers": BYTES_OF_STRANGERS,
    "message_raw": BYTES_OF_STRANGERS,
    "attachment": BYTES_OF_STRANGERS,
    "inline_image": PICTURE,
    "satisfaction": FEEDBACK_POLICY,
    "admin:cases_inboundemail_download": BYTES_OF_STRANGERS,
    "admin:cases_inboundemail_raw": BYTES_OF_STRANGERS,
}


@pytest.fixture
def world(settings: Any) -> World:
    settings.E2C_PROVIDERS = [path.provider for path in provider_paths()]
    return build_world()


@pytest.fixture
def root(world: World) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(world.users["root"])
    return client


def test_every_answer_has_its_policy(root: Client, world: World) -> None:
    wrong: list[Any] = []

    for url in found_urls():
        path = url.path(world.values | {"object_id": world.keys.get(url.model, 1)})
        response = root.get(path)
        headers = response.headers
        expected = OWN_POLICIES.get(url.name) or (ADMIN_POLICY if path.startswith("/admin/") else POLICY)
        if headers.get("Content-Security-Policy") != expected:
            wrong.append((str(url), headers.get("Content-Security-Policy")))
        if headers.get("X-Content-Type-Options") != "nosniff":
            wrong.append((str(url), "may be sniffed"))
        if headers.get("X-Frame-Options", "") not in ("SAMEORIGIN", "DENY") and kind_of(url) is not Kind.WEBHOOK:
            wrong.append((str(url), "may be framed"))
        if not headers.get("Referrer-Policy"):
            wrong.append((str(url), "tells where its reader came from"))

    assert wrong == []


def test_policies_name_no_other_host_and_run_no_script_that_came_with_a_page() -> None:
    for policy in (POLICY, FRAME_POLICY, BYTES_OF_STRANGERS, PICTURE, FEEDBACK_POLICY):
        assert policy.startswith("default-src 'none'")
        assert "http" not in policy
        assert "unsafe-eval" not in policy
        assert not re.search(r"script-src[^;]*unsafe", policy)
    assert "script-src" not in FRAME_POLICY  # so default-src holds: none
    assert "allow-scripts" not in FRAME_POLICY
    assert "allow-top-navigation" not in FRAME_POLICY
    assert "unsafe-inline" not in POLICY
    assert "http" not in ADMIN_POLICY
    assert "default-src 'none'" in ADMIN_POLICY


def test_pages_of_reps_hold_no_script_and_no_handler_of_their_own(root: Client, world: World) -> None:
    number = world.values["number"]

    for path in ("/cases/", f"/cases/{number}/", f"/cases/{number}/compose/?mode=reply", "/cases/00000000/"):
        page = root.get(path).content.decode()

        assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", page) == [], path
        assert re.findall(r"<[^>]+\son[a-z]+=", page) == [], path
        assert re.findall(r"<[^>]+\sstyle=", page) == [], path
        assert re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page) == [], path


def test_pages_about_people_are_not_kept_by_caches_of_others(root: Client, world: World) -> None:
    """What shows mail content is at least private: Vary by cookie or no caching at all."""
    wrong = []
    for url in found_urls():
        if kind_of(url) not in (Kind.REP_LIST, Kind.REP_OBJECT):
            continue
        headers = root.get(url.path(world.values)).headers
        if "private" not in headers.get("Cache-Control", "") and "Cookie" not in headers.get("Vary", ""):
            wrong.append(str(url))

    assert wrong == []


NAMES = [
    'a"; filename="b.html',
    "a\r\nSet-Cookie: pwned=1\r\n\r\n<script>",
    "../../../etc/passwd",
    "..\\..\\windows\\system32\\evil.exe",
    "\u202egnp.exe",
    "a\u2028b.txt",
    "%0d%0aX-Evil: 1",
    "=?utf-8?q?a=0d=0aX-Evil:_1?=",
    "名前.html",
    "a;b=c,d.svg",
    ".htaccess",
    "con",
    "a\x00b.html",
    "x" * 300 + ".html",
]


def downloads_of(client: Client, raw: bytes) -> list[Any]:
    settled = ingest(raw, to=["support@acme.example"])
    assert settled.message is not None
    number = settled.message.case.number
    files = list(settled.message.attachments.all())
    paths = [reverse("attachment", kwargs={"number": number, "attachment_id": file.pk, "name": "x"}) for file in files]
    paths += [
        reverse(
            "inline_image",
            kwargs={"number": number, "message_id": settled.message.pk, "attachment_id": file.pk},
        )
        for file in files
    ]
    return [client.get(path) for path in paths]


def check_download(response: Any) -> None:
    if response.status_code == 404:  # no picture that may be shown
        return
    disposition = response.headers["Content-Disposition"]
    b"".join(response.streaming_content)
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] in (BYTES_OF_STRANGERS, PICTURE)
    if disposition == "inline":
        assert response.headers["Content-Type"] in ("image/png", "image/jpeg", "image/gif", "image/webp")
        return
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert re.fullmatch(r"""attachment; filename(?:="[^"\\/]+"|\*=utf-8''[A-Za-z0-9%._~!$&+-]+)""", disposition), (
        disposition
    )
    assert not re.search(r"[\x00-\x1f\x7f\u2028\u202e]", disposition)
    # In the second form a percent sign is an encoding, in the first one it is a percent sign.
    assert not re.search(r"\*=.*(%0[0-9a-f]|%E2%80%AE)", disposition, re.IGNORECASE)
    assert "X-Evil" not in response.headers
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_hostile_file_name_is_a_name_and_nothing_else(root: Client, name: str) -> None:
    RoutingAddressFactory(email_address="support@acme.example", verified=True)
    quoted = name.encode().replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    head, _blank, _body = raw_mail(content_type='multipart/mixed; boundary="x"').partition(b"\r\n\r\n")
    part = (
        b'Content-Type: text/html\r\nContent-Disposition: attachment; filename="'
        + quoted
        + b'"\r\n\r\n<script>1</script>'
    )

    responses = downloads_of(root, head + b"\r\n\r\n--x\r\n\r\nhello\r\n--x\r\n" + part + b"\r\n--x--\r\n")

    assert responses
    for response in responses:
        check_download(response)


@pytest.mark.parametrize(
    "identifier", ["AT01", "AT02", "AT03", "AT04", "AT06", "AT07", "AT11", "AT12", "AT13", "AT15"]
)
def test_files_of_hostile_mails_are_saved_and_never_run(root: Client, identifier: str) -> None:
    RoutingAddressFactory(email_address="support@acme.example", verified=True)

    for response in downloads_of(root, hostile_mail(identifier)):
        check_download(response)


PRINT_SETTINGS = """
import json, django
django.setup()
from django.conf import settings
from django.core.checks import run_checks
names = ("SESSION_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY", "SESSION_COOKIE_SAMESITE", "CSRF_COOKIE_SECURE",
         "CSRF_COOKIE_SAMESITE", "SECURE_SSL_REDIRECT", "SECURE_CONTENT_TYPE_NOSNIFF", "DEBUG", "SECURE_HSTS_SECONDS",
         "USE_X_FORWARDED_HOST", "SECURE_PROXY_SSL_HEADER", "SECURE_REDIRECT_EXEMPT", "SESSION_SERIALIZER")
found = {name: getattr(settings, name) for name in names}
found["checks"] = [str(each.id) for each in run_checks(include_deployment_checks=True) if not each.is_silenced()]
print(json.dumps(found))
"""


def test_production_has_safe_cookies_and_passes_djangos_own_checks(tmp_path: Path) -> None:
    env = environment(tmp_path, DJANGO_SETTINGS_MODULE="e2c_project.settings", **PRODUCTION)

    done = python("-c", PRINT_SETTINGS, env=env)

    found = json.loads(done.stdout.splitlines()[-1])
    assert found == {
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "SECURE_SSL_REDIRECT": True,
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "DEBUG": False,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "USE_X_FORWARDED_HOST": False,
        "SECURE_PROXY_SSL_HEADER": None,
        "SECURE_REDIRECT_EXEMPT": ["^anymail/", "^healthz$", "^readyz$", "^metrics$"],
        "SESSION_SERIALIZER": "django.contrib.sessions.serializers.JSONSerializer",
        "checks": [],
    }, done.stderr
