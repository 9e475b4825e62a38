"""The documentation is compared with the code: what only one of them knows fails."""

from __future__ import annotations

import ast
import importlib
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from django.core.management import get_commands

from cases.inbound.provider_views import provider_paths
from cases.models import EmailMessage, InboundEmail
from cases.reasons import Reason
from e2c_project.providers import CREDENTIALS
from tests.project.processes import ROOT

DOCS = ROOT / "docs"
READ_BY_ENV = {"text", "words", "flag", "whole_number", "choice", "folder", "fernet_keys", "time_zone", "database"}
# Read by tests and by make, never by the application.
TEST_VARIABLES = {"E2C_TEST_POSTGRES_URL", "E2C_TEST_REDIS_URL", "E2C_TEST_REQUIRE_SERVICES"}


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def variables_read_by(source: str) -> set[str]:
    """Names given as text to env.<function>(...), to Credential(...) and to os.environ."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
            continue
        name = node.args[0].value
        called = node.func
        is_env = isinstance(called, ast.Attribute) and (
            (called.attr in READ_BY_ENV and isinstance(called.value, ast.Name) and called.value.id == "env")
            or (called.attr in {"get", "getenv"} and ast.unparse(called.value) in {"os", "os.environ"})
        )
        is_credential = isinstance(called, ast.Name) and called.id == "Credential"
        if (is_env or is_credential) and isinstance(name, str):
            found.add(name)
    return found


def first_column(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    sources = [path for package in ("e2c_project", "cases", "routing") for path in (ROOT / package).rglob("*.py")]
    read = set().union(*(variables_read_by(path.read_text(encoding="utf-8")) for path in sources))

    documented = first_column(page("settings.md"))

    assert len(documented) == len(set(documented))
    assert set(documented) == read | TEST_VARIABLES


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    ours = {name for name, app in get_commands().items() if app in {"cases", "routing"}}

    assert sorted(re.findall(r"^### `(\w+)`$", page("commands.md"), re.MULTILINE)) == sorted(ours)


def test_every_outcome_and_reason_is_documented() -> None:
    text = page("inbound.md")
    outcomes = set(InboundEmail.State.values) - {"received", "processing"}

    assert set(first_column(text)[: len(outcomes)]) == outcomes
    assert set(first_column(text.partition("## Reasons")[2].partition("## Which address")[0])) == set(Reason.values)


def test_every_thread_basis_is_explained() -> None:
    section = page("inbound.md").partition("## Which case")[2].partition("## A closed case")[0]

    assert set(EmailMessage.ThreadBasis.values) <= set(re.findall(r"`(\w+)`", section))


def test_every_provider_is_documented_with_its_paths_and_variables() -> None:
    text = page("providers.md")
    rows = {match[1]: match[0] for match in re.finditer(r"^\| [\w ]+ \(`(\w+)`\) \|.*$", text, re.MULTILINE)}

    assert set(rows) == set(CREDENTIALS)
    for provider, credentials in CREDENTIALS.items():
        for credential in credentials:
            assert credential.variable in rows[provider], f"{provider} needs {credential.variable}"
        assert f"`/anymail/{provider}/" in rows[provider]
    answering = {path.provider for path in provider_paths()}
    assert set(CREDENTIALS) <= answering


@pytest.mark.parametrize(
    "path", [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.glob("*.md"))], ids=lambda p: p.name
)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\((?!https?://|#)([^)#\s]+)", path.read_text(encoding="utf-8"))

    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_every_picture_is_taken_by_the_script_and_shown_on_a_page() -> None:
    script = (DOCS / "pictures" / "take.py").read_text(encoding="utf-8")
    pages = [ROOT / "README.md", *DOCS.glob("*.md")]
    shown = {
        name for path in pages for name in re.findall(r"pictures/([a-z-]+)\.png", path.read_text(encoding="utf-8"))
    }

    kept = {path.stem for path in (DOCS / "pictures").glob("*.png")}

    assert set(re.findall(r'Picture\(\s*"([a-z-]+)"', script)) == kept
    assert shown == kept


def test_the_architecture_page_names_code_that_exists() -> None:
    names = re.findall(r"`((?:cases|routing|e2c_project)(?:\.\w+)+)`", page("architecture.md"))

    assert len(names) > 20
    for name in names:
        module, attribute = name, ""
        try:
            importlib.import_module(module)
        except ModuleNotFoundError:
            module, _dot, attribute = name.rpartition(".")
        assert not attribute or hasattr(importlib.import_module(module), attribute), name


def test_every_documented_manage_command_of_a_page_exists() -> None:
    known = set(get_commands())
    for path in [ROOT / "README.md", *DOCS.glob("*.md")]:
        used = set(re.findall(r"manage\.py ([a-z]\w*)", path.read_text(encoding="utf-8")))
        assert used <= known, path.name


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
@pytest.mark.parametrize("target", ["install", "run", "test", "lint", "format", "requirements", "help"])
def test_make_knows_every_target_that_is_documented(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stderr) == (0, "")


def test_pages_name_only_make_targets_that_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for path in [ROOT / "README.md", *DOCS.glob("*.md")]:
        used = set(
            re.findall(r"(?:^    |`)(?:\w+=\S+ )*make ([a-z-]+)", path.read_text(encoding="utf-8"), re.MULTILINE)
        )
        assert used <= targets, path.name


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_requirements_are_pinned_hashed_and_name_no_machine(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    pins = re.findall(r"^([A-Za-z0-9][\w.-]*)(\S*)", text, re.MULTILINE)

    assert all(rest.startswith("==") for _name, rest in pins)
    assert text.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"://|--index-url|--find-links|(?:^|\s)/\w", text)


def normalised(name: str) -> str:
    """PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def test_every_dependency_of_the_project_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for name_of_file, wanted in [
        ("requirements.txt", project["dependencies"]),
        ("requirements-dev.txt", project["dependencies"] + project["optional-dependencies"]["dev"]),
    ]:
        pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / name_of_file).read_text(encoding="utf-8"), re.MULTILINE))
        names = {re.split(r"[\[<>=!~; ]", requirement)[0] for requirement in wanted}
        assert {normalised(name) for name in names} <= {normalised(name) for name in pinned}, name_of_file
