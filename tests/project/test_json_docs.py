"""docs/json.md names every key that the JSON has."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from cases.inbound.parsed import Bounce, ForwardedOriginal
from cases.representation import case_json, message_json, settled_json
from tests.factories import RoutingAddressFactory
from tests.mails import ingest_mail

DOCS = Path(__file__).parents[2] / "docs" / "json.md"


@pytest.mark.django_db
@pytest.mark.usefixtures("organisation")
def test_every_key_is_documented() -> None:
    RoutingAddressFactory(email_address="support@company.example")
    settled = ingest_mail()
    case = settled.case
    assert case is not None
    documented = set(re.findall(r"`([a-z_0-9]+)`", DOCS.read_text(encoding="utf-8")))

    line: dict[str, Any] = settled_json(settled, file="a.eml", sha256="", full=True)
    keys = line.keys() | line["message"].keys() | case_json(case).keys()
    keys |= message_json(case.messages.get()).keys()
    keys |= {field.name for kind in (Bounce, ForwardedOriginal) for field in dataclasses.fields(kind)}

    assert keys - documented == set()
