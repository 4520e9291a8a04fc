"""`make bench`: `gateway check` and the whole way, beside xmllint and OpenSSH's sftp on the same bytes.

    python bench/whole_way.py [--rounds 5] [--big]      # --big adds the check of 100,000 invoices

The sandbox payer runs in a process of its own and is not counted. Nothing here is a test: it prints, people judge.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import lxml.etree
from measure import Lane, rounds, table

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.openssh import Sshd  # noqa: E402 - shared with the tests
from support.registry import ONE_AGENCY  # noqa: E402

GATEWAY = [sys.executable, "-m", "gateway"]
SCHEMA = ROOT / "schemas" / "ramq-rfp" / "rfp.xsd"
REGISTRY = f"""
{ONE_AGENCY.replace('finished = "rename"', 'finished = "rename", after = "remove"')}
[[account]]
id = "personal:231236"
kind = "personal"
practitioners = ["231236"]
[[accreditation]]
account = "personal:231236"
agency = "18001"
from = 2012-01-01
"""


def gateway(*words: str, given: str | None = None) -> str:
    done = subprocess.run([*GATEWAY, *words], input=given, capture_output=True, text=True, check=True)
    return done.stdout


def document(folder: Path, invoices: int, seed: int) -> Path:
    file = folder / f"lot-{invoices}-{seed}.xml"
    words = ["--agency", "18001", "--account", "personal:231236", "--practice", "231236"]
    gateway("generate", *words, "--invoices", str(invoices), "--seed", str(seed), "--output", str(file))
    return file


@contextmanager
def house(folder: Path) -> Iterator[Path]:
    """A gateway with one agency, and a payer of its own process; gives the agency's deposit folder."""
    for box in ("lots", "retours"):
        (folder / box).mkdir()
    (folder / "gateway.toml").write_text("config_version = 1\n")
    at = ["--config", str(folder / "gateway.toml")]
    password = gateway("sandbox", "add", "18001", "--account", "personal:231236", *at).strip().splitlines()[-1]
    payer = subprocess.Popen([*GATEWAY, "sandbox", "--port", "0", *at], stdout=subprocess.PIPE, text=True)
    try:
        assert payer.stdout is not None
        block: list[str] = []
        for line in payer.stdout:
            if line.strip() == "" and any("[[payer]]" in seen for seen in block):
                break
            block.append(line)
        text = "".join(block)
        (folder / "gateway.toml").write_text("config_version = 1\n" + text[text.index("[[payer]]") :])
        (folder / "registry.toml").write_text(REGISTRY)
        gateway("registry", "apply", str(folder / "registry.toml"), *at)
        gateway("credential", "set", "18001", "--payer", "sandbox", *at, given=password + "\n")
        yield folder / "lots"
    finally:
        payer.terminate()
        payer.wait()


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--big", action=argparse.BooleanOptionalAction, default=True)
    chosen = options.parse_args()
    print(f"Python {sys.version.split()[0]}, lxml {lxml.etree.LXML_VERSION}, libxml2 {lxml.etree.LIBXML_VERSION}\n")
    with tempfile.TemporaryDirectory(prefix="gateway-bench-") as name:
        folder = Path(name)
        marginal = {size: judged(folder, size, chosen.rounds) for size in (1_000, 10_000)}
        per_invoice = {size: cpu / size for size, cpu in marginal.items()}
        print(f"CPU per invoice at 10k / at 1k (start-up subtracted): {per_invoice[10_000] / per_invoice[1_000]:.2f}\n")
        if chosen.big:
            judged(folder, 100_000, 1)
        for size in (1_000, 10_000):
            whole_way(folder, size, chosen.rounds)


def judged(folder: Path, size: int, count: int) -> float:
    """`gateway check` beside xmllint; gives the CPU seconds of check with its start-up subtracted."""
    file = document(folder, size, 1)
    small = document(folder, 1, size)
    lint = shutil.which("xmllint")
    lanes = [
        Lane("gateway check", [*GATEWAY, "check", "--format", "json", str(file)]),
        Lane("gateway check of one invoice", [*GATEWAY, "check", "--format", "json", str(small)]),
    ]
    if lint:
        lanes.append(Lane("xmllint", [lint, "--noout", "--stream", "--schema", str(SCHEMA), str(file)]))
    seen = rounds(lanes, count)
    title = f"check, {size:,} invoices, {file.stat().st_size / 1e6:.1f} MB"
    print(table(title, seen, ["xmllint"] if lint else []))
    return median(
        max(a.cpu - b.cpu, 1e-9)
        for a, b in zip(seen["gateway check"], seen["gateway check of one invoice"], strict=True)
    )


def whole_way(folder: Path, size: int, count: int) -> None:
    """Deposit to distributed reply (`gateway once`), beside a plain sftp put of the same bytes to a real OpenSSH."""
    place = folder / f"house-{size}"
    place.mkdir()
    keys = folder / f"sshd-{size}"
    keys.mkdir()
    server = Sshd(keys).start()
    try:
        with house(place) as deposit:
            lots = iter([document(folder, size, 100 + n) for n in range(count)])
            current: list[Path] = []

            def fresh() -> None:
                current[:] = [next(lots)]
                shutil.copy(current[0], deposit / "lot.xml.part")
                (deposit / "lot.xml.part").rename(deposit / f"{current[0].stem}.xml")

            batch = folder / "put.batch"
            once = [*GATEWAY, "once", "--config", str(place / "gateway.toml")]
            lanes = [Lane("gateway once (deposit to reply)", once, fresh), _put(server, batch, current, folder)]
            lanes.append(Lane("xmllint", _lint(current, folder), lambda: None))
            print(table(f"whole way, {size:,} invoices", rounds(lanes, count), ["sftp put", "xmllint"]))
    finally:
        server.stop()


def _put(server: Sshd, batch: Path, current: list[Path], folder: Path) -> Lane:
    def write() -> None:
        shutil.copy(current[0], folder / "current.xml")
        batch.write_text(f"put {folder / 'current.xml'} {folder / 'received.xml'}\n")

    options = [
        "-oStrictHostKeyChecking=no",
        f"-oUserKnownHostsFile={folder / 'known'}",
        f"-oIdentityFile={server.key_file}",
    ]
    return Lane(
        "sftp put", ["sftp", "-q", *options, f"-P{server.port}", "-b", str(batch), f"{server.user}@127.0.0.1"], write
    )


def _lint(_current: list[Path], folder: Path) -> list[str]:
    return ["xmllint", "--noout", "--stream", "--schema", str(SCHEMA), str(folder / "current.xml")]


if __name__ == "__main__":
    main()
