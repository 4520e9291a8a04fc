"""A real OpenSSH server on loopback for a test session; says loudly why when there is none."""

from __future__ import annotations

import getpass
import os
import secrets
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

_CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile {folder}/pid
AuthorizedKeysFile {folder}/authorized_keys
AuthenticationMethods any
PubkeyAuthentication yes
PasswordAuthentication {password}
KbdInteractiveAuthentication {keyboard}
UsePAM {pam}
PermitRootLogin yes
StrictModes no
UseDNS no
Subsystem sftp internal-sftp
LogLevel VERBOSE
"""


def missing(reason: str) -> None:
    """Skip with the reason, or fail where the environment says that these tests must run."""
    if os.environ.get("GATEWAY_TESTS_MUST_RUN"):
        pytest.fail(f"GATEWAY_TESTS_MUST_RUN is set, but {reason}")
    pytest.skip(f"NOT TESTED AGAINST OPENSSH: {reason}")


def require_sshd() -> str:
    """The path of sshd, or a loud skip."""
    sshd = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if sshd is None or shutil.which("ssh-keygen") is None:
        missing("sshd is not installed (apt-get install openssh-server)")
    return str(sshd)


class Sshd:
    """sshd in the foreground with its own configuration, host key and authorized key. With `pam` (root only) it asks
    the system's accounts for passwords; `keyboard` chooses between the dialogue and the plain password."""

    def __init__(self, folder: Path, *, pam: bool = False, keyboard: bool = True) -> None:
        self._sshd = require_sshd()
        self._folder = folder
        self._pam, self._keyboard = pam, keyboard
        self.user = getpass.getuser()
        self.key_file = folder / "user_key"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Sshd:
        """Listen on a free port of loopback."""
        for name in ("host_key", "user_key"):
            _run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self._folder / name))
        shutil.copy(self._folder / "user_key.pub", self._folder / "authorized_keys")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where sshd locks up its unprivileged half
        for _ in range(3):  # somebody else may take the port between our asking and sshd's listening
            if self._listen():
                return self
        missing(f"sshd does not start: {(self._folder / 'log').read_text(errors='replace')[-400:]}")
        return self

    def _listen(self) -> bool:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        config = self._folder / "sshd_config"
        words = {True: "yes", False: "no"}
        config.write_text(
            _CONFIG.format(
                port=self.port,
                folder=self._folder,
                password=words[self._pam and not self._keyboard],
                keyboard=words[self._pam and self._keyboard],
                pam=words[self._pam],
            )
        )
        log = self._folder / "log"
        self._process = subprocess.Popen([self._sshd, "-D", "-E", str(log), "-f", str(config)])
        return self._answers()

    def _answers(self) -> bool:
        assert self._process is not None
        for _ in range(200):
            if self._process.poll() is not None:
                return False
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
            time.sleep(0.02)
        return False

    @property
    def host_key_line(self) -> str:
        """The public host key as a configuration pins it."""
        return " ".join((self._folder / "host_key.pub").read_text().split()[:2])

    def stop(self) -> None:
        """End our own process, and only that one."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


class ExpiredUser:
    """An account of this machine whose password must be changed at the next login (or need not); gone after the test.
    Its name is drawn anew, so that two runs, or what a killed one left, never meet."""

    def __init__(self, password: str, *, expired: bool = True) -> None:
        if os.geteuid() != 0 or shutil.which("useradd") is None or shutil.which("chage") is None:
            missing("only root can make an account with an expired password")
        self.name = f"gwtest{secrets.token_hex(6)}"
        _run("useradd", "--no-create-home", "--home-dir", "/", "--shell", "/bin/sh", self.name)
        try:
            _run("chpasswd", input=f"{self.name}:{password}".encode())
            if expired:
                _run("chage", "-d", "0", self.name)
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """Take the account away."""
        _run("userdel", "--force", self.name)  # the server side of a closed session may take a moment to end


def _run(*command: str, input: bytes | None = None) -> None:
    done = subprocess.run(command, input=input, capture_output=True, check=False)
    if done.returncode != 0:
        missing(f"{command[0]} failed: {done.stderr.decode(errors='replace')}")
