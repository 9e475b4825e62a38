"""docs/config-yaml.md: its example works, and its tables name every key."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cases.configuration import Contacts, all_sections, export_configuration, import_configuration
from routing.configuration.email_action import EmailAction
from routing.configuration.importing import RowsSection
from routing.configuration.organisation import Settings
from routing.configuration.strategies import RowsWithRows

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "config-yaml.md").read_text(encoding="utf-8")
EXAMPLE = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0]


def documented_keys() -> dict[str, set[str]]:
    """{section: keys} from the tables below "## Keys"."""
    found = {}
    for part in PAGE.split("## Keys\n")[1].split("\n### ")[1:]:
        name, _line_end, text = part.partition("\n")
        cells = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
        found[name] = {key for cell in cells for key in re.findall(r"`(\w+)`", cell)}
    return found


def known_keys() -> dict[str, set[str]]:
    found = {}
    for section in all_sections():
        if isinstance(section, EmailAction):
            found[section.name] = {field.name for field in (*section.for_all, *section.for_type)} | {"record_types"}
            continue
        assert isinstance(section, (RowsSection, Settings, Contacts))
        extra = [section.key, *section.extra_keys] if isinstance(section, RowsSection) else []
        rows = section.children.keys if isinstance(section, RowsWithRows) else []
        found[section.name] = {field.name for field in section.fields} | {*extra, *rows}
    return found


@pytest.mark.usefixtures("organisation")
def test_the_example_can_be_imported_and_is_exported_again() -> None:
    import_configuration(EXAMPLE)

    exported = {**yaml.safe_load(export_configuration())}
    example = yaml.safe_load(EXAMPLE)
    addresses = {address["email_address"]: address for address in exported["routing_addresses"]}
    settings_row: dict[str, Any] = exported["settings"]
    assert addresses["billing@company.example"]["owner"] == "user:dana"
    assert addresses["billing@company.example"]["accept_email_from"] == (
        "customer.example\n*.customer.example\ncasey@example.net"
    )
    assert addresses["support@company.example"]["verified"] is True
    assert example["settings"].items() <= settings_row.items()
    assert exported["contacts"] == example["contacts"]
    assert exported["permission_sets"][0]["members"] == [{"user": "dana", "expires": "2031-12-31T18:00:00Z"}]
    assert addresses["support@company.example"]["auto_response_template"] == "We got your mail"
    assert exported["email_action"] == example["email_action"]
    assert exported["business_hours"][0]["week"] == example["business_hours"][0]["week"]
    assert exported["business_hours"][0]["holidays"] == ["2030-12-25", "2030-12-26"]
    assert exported["service_levels"][0]["business_hours"] == "Office"
    [rule], [flow] = exported["assignment_rules"], exported["flows"]
    assert [each["label"] for each in rule["entries"]] == ["Invoices", "Everything else"]
    assert rule["entries"][0]["conditions"] == example["assignment_rules"][0]["entries"][0]["conditions"]
    assert [(each["label"], each["target"], each["skills"]) for each in flow["steps"]] == [
        ("French", "skills", ["French"]),
        ("The rest", "members", []),
    ]
    assert addresses["billing@company.example"]["assignment_rule"] == "By subject"
    assert [status["label"] for status in exported["case_statuses"] if status["is_default"]] == ["New"]
    assert exported["case_fields"][0]["record_types"] == ["Support"]


@pytest.mark.usefixtures("organisation")
def test_importing_the_example_twice_changes_nothing_the_second_time() -> None:
    import_configuration(EXAMPLE)

    assert import_configuration(EXAMPLE).changes == []


def test_every_key_is_documented_and_every_documented_key_exists() -> None:
    assert documented_keys() == known_keys()
