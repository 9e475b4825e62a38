"""A name server on loopback that answers TXT questions from a zone, and can keep silent."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset

SILENT = "silent"  # as a zone's value: the question is not answered


@dataclass
class FakeDns:
    """`zone` maps a name without its last dot to its TXT records. Other names do not exist."""

    zone: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    port: int = 0

    def resolver(self) -> dns.resolver.Resolver:
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], self.port
        return resolver

    def answer(self, wire: bytes) -> bytes | None:
        question = dns.message.from_wire(wire)
        name = question.question[0].name.to_text(omit_final_dot=True).lower()
        self.asked.append(name)
        records = self.zone.get(name)
        if records == SILENT:
            return None
        response = dns.message.make_response(question)
        response.flags |= dns.flags.RA
        if records is None:
            response.set_rcode(dns.rcode.NXDOMAIN)
        elif records:
            texts = [" ".join(f'"{part}"' for part in _in_parts(record)) for record in records]
            response.answer.append(dns.rrset.from_text(question.question[0].name, 300, "IN", "TXT", *texts))
        return response.to_wire()


def _in_parts(record: str) -> list[str]:
    """One string of a TXT record holds 255 bytes."""
    return [record[start : start + 200] for start in range(0, len(record), 200)]


@contextmanager
def fake_dns(zone: dict[str, Any] | None = None) -> Iterator[FakeDns]:
    fake = FakeDns(zone or {})

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            wire, sock = self.request
            if (reply := fake.answer(wire)) is not None:
                sock.sendto(reply, self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        fake.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()
