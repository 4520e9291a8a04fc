"""A small mail server on this machine: real SMTP over real sockets, with TLS of its own making when it is wanted."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class MailServer:
    """What it takes, and how it answers. `answers`: another reply to a command; "" hangs up instead."""

    context: ssl.SSLContext | None = None
    implicit: bool = False
    starttls: bool = True
    login: tuple[str, str] | None = None
    answers: dict[str, str] = field(default_factory=dict)
    mail: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    heard: list[tuple[bool, str]] = field(default_factory=list)  # over TLS?, command
    port: int = 0

    def talk(self, line: socket.socket) -> None:
        """One connection."""
        said = _Session(self, line)
        try:
            self._converse(said)
        finally:
            said.stream.close()
            said.line.close()

    def _converse(self, said: _Session) -> None:
        if self.implicit:
            said.secure()
        said.say("220 here")
        while raw := said.stream.readline():
            words = raw.decode().strip()
            verb = words.split(" ")[0].upper()
            self.heard.append((said.safe, words))
            if self.answers.get(verb) == "" or verb == "QUIT":
                return
            if verb in self.answers:
                said.say(self.answers[verb])
            else:
                getattr(said, verb.lower(), said.other)(words)


class _Session:
    def __init__(self, server: MailServer, line: socket.socket) -> None:
        self.server, self.line, self.safe = server, line, False
        self.stream = line.makefile("rb")

    def say(self, text: str) -> None:
        self.line.sendall(text.encode() + b"\r\n")

    def secure(self) -> None:
        assert self.server.context is not None
        self.stream.close()
        self.line, self.safe = self.server.context.wrap_socket(self.line, server_side=True), True
        self.stream = self.line.makefile("rb")

    def ehlo(self, _words: str) -> None:
        offered = self.server.starttls and self.server.context is not None and not self.safe
        self.say("\r\n".join(["250-here", *["250-STARTTLS"] * offered, "250 AUTH PLAIN"]))

    def starttls(self, _words: str) -> None:
        self.say("220 go")
        self.secure()

    def auth(self, words: str) -> None:
        _, user, password = base64.b64decode(words.split(" ")[2]).decode().split("\0")
        self.say("235 in" if (user, password) == self.server.login else "535 no")

    def rcpt(self, words: str) -> None:
        self.server.recipients.append(words.partition("<")[2].partition(">")[0])
        self.say("250 well")

    def data(self, _words: str) -> None:
        self.say("354 go on")
        lines = []
        while (got := self.stream.readline()) not in (b".\r\n", b""):
            lines.append(got.removeprefix(b"."))
        made = message_from_bytes(b"".join(lines), policy=SMTP)
        assert isinstance(made, EmailMessage)
        self.server.mail.append(made)
        self.say(self.server.answers.get("END", "250 taken"))

    def other(self, _words: str) -> None:
        self.say("250 well")


@contextmanager
def mail_server(server: MailServer) -> Iterator[MailServer]:
    """Listens until the end of the context, one connection after the other."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server.port = listening.getsockname()[1]

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = listening.accept()
                    line.settimeout(10)
                    with contextlib.suppress(OSError), line:
                        server.talk(line)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server
        listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS for 127.0.0.1, and the file of the certificate that whoever trusts it needs."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    file, secret = folder / "ca.pem", folder / "key.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    secret.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return context, file
