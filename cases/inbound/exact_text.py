"""Text that stands for bytes and loses none of them. Pure."""

from __future__ import annotations

__all__ = ["exact_bytes", "exact_text"]


def exact_text(value: bytes) -> str:
    """UTF-8, with other bytes as lone surrogates: `exact_bytes` gives back what was there."""
    return value.decode("utf-8", "surrogateescape")


def exact_bytes(text: str) -> bytes:
    """The bytes of a text that `exact_text` or a JSON reader made."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a lone surrogate that JSON spelled out stands for no byte
        return text.encode("utf-8", "replace")
