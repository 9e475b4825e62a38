"""Runs several programs as one: prefixes what they say, starts a dead one again, stops all of them together.

One thread, one selector. Each program leads a process group of its own, so that Ctrl-C reaches the supervisor alone,
which then stops the programs; leash.py ends the groups if the supervisor is killed.
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

__all__ = ["Program", "Supervisor"]

PATIENCE = 10.0  # seconds a program may take to stop before it is killed
FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 30.0  # seconds
LIVED_LONG = 60.0  # seconds; a program that ran this long starts again at once
TICK = 0.25  # seconds
LONGEST_LINE = 64 * 1024  # bytes; a program that never ends its line must not fill the memory


@dataclass(slots=True)
class Program:
    """One command that should always run."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    not_before: float = 0.0
    backoff: float = FIRST_BACKOFF
    unfinished: bytearray = field(default_factory=bytearray)


class Supervisor:
    def __init__(self, programs: Sequence[Program], *, environment: Mapping[str, str], out: IO[str]) -> None:
        self.programs = list(programs)
        self.environment = dict(environment)
        self.out = out
        self.stop_requests = 0
        self._width = max(len(program.name) for program in self.programs)
        self._selector = selectors.DefaultSelector()
        self._leash: subprocess.Popen[bytes] | None = None

    def run(self, *, on_tick: Callable[[], bool | None]) -> None:
        """Run until a signal asks to stop or on_tick (called a few times a second) returns False."""
        wake_reader, wake_writer = socket.socketpair()
        for end in (wake_reader, wake_writer):
            end.setblocking(False)
        self._selector.register(wake_reader, selectors.EVENT_READ)
        handled = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        previous = {number: signal.signal(number, self._ask_to_stop) for number in handled}
        # Without it a signal would wait for the end of the select() it arrives in.
        previous_wakeup = signal.set_wakeup_fd(wake_writer.fileno())
        try:
            self._start_leash()
            while not self.stop_requests:
                self._start_due()
                self._read_output(TICK, wake_reader)
                self._notice_deaths()
                if on_tick() is False:
                    break
        finally:
            self._stop_all(wake_reader)
            signal.set_wakeup_fd(previous_wakeup)
            for number, handler in previous.items():
                signal.signal(number, handler)
            self._selector.close()
            wake_reader.close()
            wake_writer.close()

    def say(self, name: str, text: str) -> None:
        try:
            self.out.write(f"{name:<{self._width}} | {text}\n")
            self.out.flush()
        except BrokenPipeError:
            # Whoever read our output went away: stop, and let the interpreter's last flush go nowhere.
            self.out = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - lives as long as the process
            self.stop_requests += 1

    def is_running(self, name: str) -> bool:
        return any(program.name == name and program.process is not None for program in self.programs)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_requests += 1

    def _start_leash(self) -> None:
        script = Path(__file__).with_name("leash.py")
        self._leash = subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-I", "-S", str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _tell_leash(self, line: str) -> None:
        if self._leash is None or self._leash.stdin is None:
            return
        with suppress(BrokenPipeError):  # somebody killed the leash; the programs run on
            self._leash.stdin.write(f"{line}\n".encode())
            self._leash.stdin.flush()

    def _start_due(self) -> None:
        for program in self.programs:
            if program.process is None and time.monotonic() >= program.not_before:
                self._start(program)

    def _start(self, program: Program) -> None:
        program.process = subprocess.Popen(  # noqa: S603 - commands of run.py
            list(program.command),
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._tell_leash(f"+{program.process.pid}")
        program.started_at = time.monotonic()
        stdout = program.process.stdout
        if stdout is not None:
            os.set_blocking(stdout.fileno(), False)
            self._selector.register(stdout, selectors.EVENT_READ, program)

    def _read_output(self, seconds: float, wake_reader: socket.socket) -> None:
        for key, _events in self._selector.select(seconds):
            if key.fileobj is wake_reader:
                with suppress(BlockingIOError):
                    wake_reader.recv(4096)
            else:
                self._read_program(key.data)

    def _read_program(self, program: Program) -> None:
        if program.process is None or program.process.stdout is None:
            return
        try:
            chunk = os.read(program.process.stdout.fileno(), LONGEST_LINE)
        except BlockingIOError:
            return
        if not chunk:
            self._selector.unregister(program.process.stdout)
            program.process.stdout.close()
        program.unfinished += chunk
        *lines, rest = program.unfinished.split(b"\n")
        if rest and (not chunk or len(rest) > LONGEST_LINE):
            lines, rest = [*lines, rest], bytearray()
        program.unfinished = bytearray(rest)
        for line in lines:
            self.say(program.name, line.decode("utf-8", "replace").rstrip("\r"))

    def _notice_deaths(self) -> None:
        for program in self.programs:
            if program.process is None or program.process.poll() is None:
                continue
            code = program.process.returncode
            self._bury(program)
            now = time.monotonic()
            if now - program.started_at > LIVED_LONG:
                program.backoff = FIRST_BACKOFF
            program.not_before = now + program.backoff
            self.say(program.name, f"ended ({_in_words(code)}); starts again in {program.backoff:g} s")
            program.backoff = min(program.backoff * 2, LONGEST_BACKOFF)

    def _bury(self, program: Program) -> None:
        """Read what is left to read, and end what the dead program left running in its group."""
        process = program.process
        if process is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        self._tell_leash(f"-{process.pid}")
        for _ in range(1000):  # chunks; the pipe holds far fewer
            if process.stdout is None or process.stdout.closed:
                break
            before = len(program.unfinished)
            self._read_program(program)
            if not process.stdout.closed and len(program.unfinished) == before:
                self._selector.unregister(process.stdout)
                process.stdout.close()
        program.process = None

    def _stop_all(self, wake_reader: socket.socket) -> None:
        """SIGTERM to each program, then patience, then SIGKILL to its group. A second Ctrl-C ends the patience."""
        requests = self.stop_requests
        for program in self.programs:
            if program.process is not None:
                with suppress(ProcessLookupError):
                    program.process.terminate()
        deadline = time.monotonic() + PATIENCE
        while any(p.process is not None for p in self.programs):
            if time.monotonic() > deadline or self.stop_requests > max(requests, 1):
                for program in self.programs:
                    if program.process is not None:
                        with suppress(ProcessLookupError):
                            os.killpg(program.process.pid, signal.SIGKILL)
            self._read_output(0.1, wake_reader)
            for program in self.programs:
                if program.process is not None and program.process.poll() is not None:
                    self._bury(program)
        if self._leash is not None and self._leash.stdin is not None:
            with suppress(BrokenPipeError):
                self._leash.stdin.close()
            self._leash.wait()


def _in_words(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
