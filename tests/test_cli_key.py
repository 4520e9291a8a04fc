"""`gateway key`: shown, replaced while the service runs, printed, typed in again; and where the key may come from."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import stat
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlmodel import select
from support.command import call
from support.dying import Killed

from gateway import platform
from gateway.app import open_app
from gateway.archive import ALL_SEALED
from gateway.cli.common import Call
from gateway.cli.doctor import examine
from gateway.clock import SystemClock
from gateway.config import load
from gateway.errors import SealingError
from gateway.keyring import POINTS
from gateway.models import Event
from gateway.platform import WINDOWS
from gateway.resident import recover
from gateway.sealing import KeyFile, Masters, Sealing
from gateway.store import Store, keys, moves

OTHER = base64.b64encode(b"2" * 32).decode()


class House:
    """An installation with one archived lot and one secret."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "var"
        self.config = folder / "gateway.toml"
        self.settings("")
        with open_app(load(self.config)) as app:
            recover(app)
            self.ref = app.archive.put("LOT-1", io.BytesIO(b"document")).ref
            self.sealed = app.keyring.seal(b"secret", "credential:CRE-1:current")

    def settings(self, key: str) -> None:
        self.config.write_text(f'[gateway]\nstate_dir = "var"\n[key]\n{key}')

    @property
    def key(self) -> Path:
        return self.state / "keys" / "master.key"

    def __call__(self, *words: str) -> int:
        return call(*words, "--config", self.config, "--lang", "en")

    def whole(self) -> bool:
        """Whether everything opens."""
        with open_app(load(self.config)) as app, app.archive.open(self.ref) as file:
            return (file.read(), app.keyring.unseal(self.sealed, "credential:CRE-1:current")) == (
                b"document",
                b"secret",
            )

    def fingerprint(self) -> str:
        return Masters(KeyFile(self.key)).fingerprints()[0]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def words_of(page: Path) -> list[str]:
    """The words in the tables of a kit, as a person would type them: 25 for each sheet."""
    cells = re.findall(r"<td>([a-z]{5})</td>", page.read_text("utf-8"))
    return [" ".join(cells[at : at + 25]) for at in range(0, len(cells), 25)]


def test_show_tells_everything_but_the_key(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    assert house("key", "show", "--json") == 0
    said = capsys.readouterr().out
    told = json.loads(said)
    assert (told["fingerprint"], told["archive_sealed"], told["kit"]) == (house.fingerprint(), True, False)
    assert told["live"] == 3  # the lot's, the password's, and the one that says that all is sealed
    assert house.key.read_text().split()[1] not in said


def test_rotate_replaces_the_key_and_the_old_one_is_refused(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    old, before = house.key.read_bytes(), house.fingerprint()
    assert house("key", "rotate") == 0
    assert house.fingerprint() != before
    assert house.whole()
    left = {path.name for path in house.key.parent.iterdir() if "master" in path.name}
    assert left == {"master.key", "master.key.lock"}
    house.key.write_bytes(old)
    assert house("key", "show") == 2
    assert "was replaced on" in capsys.readouterr().err
    with pytest.raises(SealingError):
        house.whole()


def test_a_rotation_is_in_the_history(house: House) -> None:
    assert house("key", "rotate") == 0
    with open_app(load(house.config)) as app, app.store.read() as tx:
        assert moves.verify_chain(tx) is None
        told = [event.reason for event in tx.session.exec(select(Event)) if event.record_kind == "key"]
    assert told == ["key_rotation_begun", "key_refused"]


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("again", ["rotate", "rotate and rotate"])
def test_a_rotation_killed_anywhere_is_finished_by_the_next(
    house: House, killing: Callable[..., None], point: str, again: str
) -> None:
    killing(point)
    with pytest.raises(Killed):
        call("key", "rotate", "--config", house.config)
    platform.listen(None)
    assert house.whole()  # between: nothing is missing
    for _ in again.split(" and "):
        assert house("key", "rotate") == 0
    assert house.whole()
    with open_app(load(house.config)) as app:
        assert app.keyring.standing().retiring == ()


def test_the_doctor_tells_of_a_rotation_that_is_not_finished(house: House, killing: Callable[..., None]) -> None:
    killing("keyring.begun")
    with pytest.raises(Killed):
        call("key", "rotate", "--config", house.config)
    platform.listen(None)
    (part,) = [part for part in examine(Call(house.config, None, "en", None)) if part.name == "key"]
    assert not part.well
    assert "gateway key rotate" in part.said


# -- the recovery kit --


@pytest.mark.parametrize("pick", [None, (0, 1), (2, 0), (1, 2)])
def test_a_lost_key_comes_back_from_paper(
    house: House, pick: tuple[int, int] | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page, before = house.folder / "kit.html", house.key.read_bytes()
    assert house("key", "kit", "--out", str(page), *(["--parts"] if pick else [])) == 0
    assert WINDOWS or stat.S_IMODE(page.stat().st_mode) == 0o600
    typed = words_of(page)
    assert len(typed) == (3 if pick else 1)
    assert before.split()[1].decode() not in page.read_text("utf-8") + capsys.readouterr().out
    house.key.unlink()
    assert house("key", "show") == 2
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(typed[at] for at in pick or (0,))))
    assert house("key", "restore") == 0
    assert house.key.read_bytes() == before
    assert WINDOWS or stat.S_IMODE(house.key.stat().st_mode) == 0o600
    assert house.whole()


def test_the_words_of_another_installation_are_refused_before_anything_is_written(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b").mkdir()
    other = House(tmp_path / "b")
    assert other("key", "kit", "--out", str(tmp_path / "b.html")) == 0
    typed = words_of(tmp_path / "b.html")[0]
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert house("key", "restore") == 2  # a key is there
    house.key.unlink()
    monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
    assert house("key", "restore") == 2
    assert "of another key" in capsys.readouterr().err
    assert not house.key.exists()


def test_a_kit_is_a_pdf_or_a_page_and_never_over_a_file(house: House) -> None:
    page = house.folder / "kit.pdf"
    assert house("key", "kit", "--out", str(page)) == 0
    assert page.read_bytes().startswith(b"%PDF")
    assert house("key", "kit", "--out", str(page)) == 2
    assert house("key", "kit", "--out", str(house.folder / "kit.txt")) == 2
    with open_app(load(house.config)) as app:
        assert app.keyring.standing().kit


# -- other sources --


def prints(text: str) -> str:
    """`command` of a program that prints this."""
    return f'["{sys.executable}", "-c", "print(\'{text}\')"]'


def test_a_program_may_take_the_place_of_the_file(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.settings(f"command = {prints(OTHER)}")
    assert house.whole()  # the file still gives the key in use
    assert house("key", "rotate") == 0
    house.key.unlink()
    assert house.whole()
    assert house("key", "rotate") == 2
    assert "still gives the key in use" in capsys.readouterr().err
    third = base64.b64encode(b"3" * 32).decode()
    house.settings(f"command = {prints(third)}\nold_command = {prints(OTHER)}")
    assert house("key", "rotate") == 0
    house.settings(f"command = {prints(third)}")
    assert house.whole()
    house.settings(f"command = {prints(OTHER)}")
    assert house("key", "show") == 2
    assert "was replaced on" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("raise SystemExit(3)", "exit 3"),
        ("print('short')", "no master key"),
        ("print(end='')", "no master key"),
        ("import time; time.sleep(60)", "timed out"),
    ],
)
def test_a_program_that_gives_no_key_is_told_in_both_languages_without_what_it_said(
    house: House, code: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    house.settings(f'command = ["{sys.executable}", "-c", "{code}"]\nseconds = 1')
    assert house("key", "show") == 2
    said = capsys.readouterr().err
    assert why in said
    assert "clé maîtresse" in said
    assert "short" not in said


def test_a_program_is_named_by_its_whole_path_and_must_be_there(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    house.settings('command = ["vault", "read"]')
    assert house("key", "show") == 2
    assert "whole path" in capsys.readouterr().err
    house.settings('command = ["/nowhere/vault", "read", "a-token"]')
    assert house("key", "show") == 2
    said = capsys.readouterr().err
    assert "No such file" in said
    assert "a-token" not in said


def test_a_key_file_elsewhere_leaves_its_folder_as_it_is(tmp_path: Path) -> None:
    place = tmp_path / "etc"
    place.mkdir(mode=0o755)
    config = tmp_path / "gateway.toml"
    config.write_text('[gateway]\nstate_dir = "var"\n[key]\nfile = "etc/gateway.key"')
    with open_app(load(config)):
        pass
    assert KeyFile(place / "gateway.key").read()
    assert not (tmp_path / "var" / "keys" / "master.key").exists()
    if not WINDOWS:
        assert stat.S_IMODE((place / "gateway.key").stat().st_mode) == 0o600
        assert stat.S_IMODE(place.stat().st_mode) == 0o755


# -- versions before --


def test_what_was_sealed_under_the_master_key_itself_is_sealed_anew_at_the_start(tmp_path: Path) -> None:
    """A plain lot, and a letter of an application that was sealed on its own."""
    house = House(tmp_path)
    with open_app(load(house.config)) as app:
        letter = app.archive.put("APP-1", io.BytesIO(b"")).ref
        master = Sealing(KeyFile(house.key).read()[0])
        app.archive._path(letter).write_bytes(b"\x01" + master.seal(b"%PDF letter", "application:APP-1:letter"))
        app.archive._path(house.ref).write_bytes(b"\x01document")
        with app.store.write() as tx:  # no version before knew this
            tx.session.delete(keys.find(tx, ALL_SEALED))
        assert app.archive.seal_old(app.keyring.unseal_old) == 2
        with app.archive.open(letter) as file:
            assert file.read() == b"%PDF letter"
    assert house("key", "rotate") == 0
    assert house.whole()


@pytest.mark.skipif(WINDOWS, reason="no permission bits")
@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_every_file_is_its_owners_only_whatever_the_umask(tmp_path: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        house = House(tmp_path)
        assert house("key", "rotate") == 0
    finally:
        os.umask(before)
    found = [house.state, *house.state.rglob("*")]
    open_to_others = [path.name for path in found if stat.S_IMODE(path.stat().st_mode) & 0o077]
    assert open_to_others == []


def test_no_key_is_in_the_database_or_in_what_an_error_carries(house: House) -> None:
    raw = KeyFile(house.key).read()[0]
    with closing(Store.open(house.state / "gateway.db", SystemClock())) as store, store.read() as tx:
        row = keys.find(tx, "LOT-1")
        assert row is not None
        assert raw.hex() not in repr(row)
    assert raw not in (house.state / "gateway.db").read_bytes()
    house.key.write_bytes(house.key.read_bytes()[:-9] + b"\n")
    with pytest.raises(SealingError) as caught:
        house.whole()
    text = repr(caught.value) + str(caught.value.__cause__) + str(caught.value.__context__)
    assert base64.b64encode(raw).decode()[:20] not in text
