"""Organisations by the public suffix list, as it was installed."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from routing import organisations
from routing.organisations import organisation_of, organisational_domain


@pytest.mark.parametrize(
    ("domain", "organisation"),
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("Mail.Example.COM.", "example.com"),
        ("shop.example.co.uk", "example.co.uk"),
        ("mail.example.com.au", "example.com.au"),
        # Suffixes that nobody guesses: hospitals of one country, places of another, tenants of a host.
        ("mail.leeds.nhs.uk", "leeds.nhs.uk"),
        ("www.shop.chiyoda.tokyo.jp", "shop.chiyoda.tokyo.jp"),
        ("www.city.kawasaki.jp", "city.kawasaki.jp"),
        ("a.tenant.github.io", "tenant.github.io"),
        # What looks like a suffix and is none.
        ("mail.co.example", "co.example"),
        ("x.me.de", "me.de"),
        # Nobody's domain, and no list names it: the last label is the suffix.
        ("support.company.example", "company.example"),
        ("localhost", "localhost"),
        ("co.uk", "co.uk"),
        ("uk", "uk"),
        ("", ""),
        ("mail.食狮.公司.cn", "食狮.公司.cn"),
        ("mail.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"),
        # Not a domain: it is in no organisation but its own.
        ("evil.example/bank.co.uk", "evil.example/bank.co.uk"),
        ("user@bank.co.uk", "user@bank.co.uk"),
        ("bank.co.uk:25", "bank.co.uk:25"),
        ("x" * 300 + ".example.com", "x" * 300 + ".example.com"),
    ],
)
def test_organisational_domains(domain: str, organisation: str) -> None:
    assert organisational_domain(domain) == organisation


def test_an_address_has_the_organisation_of_its_domain() -> None:
    assert organisation_of("ana@mail.example.co.uk") == "example.co.uk"
    assert organisation_of("nobody") == ""


def test_no_server_and_no_file_is_asked_for_the_list(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    def refuse(*_args: Any, **_options: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    organisations._suffixes.cache_clear()
    organisational_domain.cache_clear()

    assert organisational_domain("a.example.co.uk") == "example.co.uk"

    assert list(tmp_path.iterdir()) == []
