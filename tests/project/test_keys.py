"""The keys of the console: the help, the documentation and the pages name the same ones."""

from __future__ import annotations

import re

from django.template.loader import render_to_string

from tests.project.processes import ROOT


def keys_of_help() -> dict[str, str]:
    shown = render_to_string("cases/console/help.html")
    rows = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", shown)
    return {" ".join(re.findall(r"<kbd>(.*?)</kbd>", keys)): words for words, keys in rows}


def test_the_documentation_lists_what_the_help_lists() -> None:
    table = re.findall(r"^\| (`.*`) \| (.*) \|$", (ROOT / "docs" / "console.md").read_text(), re.MULTILINE)
    documented = {" ".join(re.findall(r"`([^`]+)`", keys)): words for keys, words in table}

    assert documented == keys_of_help()


def test_every_key_of_a_page_is_in_the_help() -> None:
    used = {
        key
        for path in (ROOT / "templates").rglob("*.html")
        for key in re.findall(r'data-key="([^"{]+)"', path.read_text())
    }

    assert used <= set(keys_of_help())


def test_every_key_of_the_scripts_is_in_the_help() -> None:
    script = (ROOT / "static" / "cases" / "console" / "keys.js").read_text()
    own = re.search(r"const OWN = \{(.*?)\};", script)
    places = re.search(r"const PLACES = \{(.*?)\};", script)
    assert own is not None
    assert places is not None
    single = set(re.findall(r'(?:^|, )\s*"?([a-z/?])"?:', own[1])) | {"?", "/"}
    after_g = set(re.findall(r"([a-z]):", places[1]))

    assert single == {"j", "k", "x", "/", "?"}
    assert single <= set(keys_of_help())
    assert {f"g {key}" for key in after_g} == {keys for keys in keys_of_help() if keys.startswith("g ")}
