"""Mail over SMTP. Nothing is said before the line is safe, and the password only then; one letter, one recipient."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from gateway.channels.bounds import TIMEOUT, bounded, secret, trusting
from gateway.config import MailConfig
from gateway.errors import Denied, TransportError, Unreachable
from gateway.ports import Letter


def send(config: MailConfig, to: str, letter: Letter) -> None:
    """Give the letter to the server; it has taken it when this returns. Raises TransportError."""
    message = written(config.sender, to, letter)
    password = secret(config.password_file) if config.user else ""
    with _translated(), closing(_connected(config)) as server, bounded(lambda: server.sock):
        server.ehlo_or_helo_if_needed()
        if config.tls == "starttls":
            server.starttls(context=trusting(config.ca_file))
        if config.user:
            server.login(config.user, password)
        server.send_message(message, config.sender, [to])
        with suppress(smtplib.SMTPException, OSError):  # it has the letter: how it says goodbye changes nothing
            server.quit()


def written(sender: str, to: str, letter: Letter) -> EmailMessage:
    """The letter as mail. The same letter always gives the same bytes: its id is the Message-ID."""
    domain = sender.rpartition("@")[2]
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, to, letter.subject
    message["Date"] = format_datetime(letter.at)
    message["Message-ID"] = f"<{letter.id}@{domain}>"
    if letter.thread:
        message["References"] = f"<{letter.thread}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday note answers it
    message.set_content(letter.text, cte="quoted-printable")
    return message


def _connected(config: MailConfig) -> smtplib.SMTP:
    name = config.sender.rpartition("@")[2]  # else a resolver would be asked for this machine's
    if config.tls == "tls":
        context = trusting(config.ca_file)
        return smtplib.SMTP_SSL(config.host, config.port, local_hostname=name, timeout=TIMEOUT, context=context)
    return smtplib.SMTP(config.host, config.port, local_hostname=name, timeout=TIMEOUT)


@contextmanager
def _translated() -> Iterator[None]:
    """What goes wrong, in our words; a server's answer may quote what it was given."""
    try:
        yield
    except (smtplib.SMTPAuthenticationError, smtplib.SMTPNotSupportedError, ssl.SSLCertVerificationError) as error:
        raise Denied(type(error).__name__) from error
    except smtplib.SMTPRecipientsRefused as error:
        raise _answered(max(code for code, _ in error.recipients.values())) from error
    except smtplib.SMTPResponseException as error:
        raise _answered(error.smtp_code) from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unreachable(type(error).__name__) from error


def _answered(code: int) -> TransportError:
    """RFC 5321: 4xx passes, 5xx does not."""
    return Unreachable(f"SMTP {code}") if code < 500 else TransportError(f"SMTP {code}")
