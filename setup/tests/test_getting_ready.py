import pytest
from kit import machine, odoo, places, postgres
from kit.screen import Trouble

# As apt prints it, whatever kind of file its sources are in.
LISTED = """\
cdrom:[Debian 12]/ bookworm main
http://mirror.example/debian-security/ bookworm-security main
http://mirror.example/debian/ bookworm-updates main
http://elsewhere.example/tools/ nodistro contrib
http://mirror.example/debian/ bookworm main
"""


def with_apt(monkeypatch, folder, listed):
    program = folder / "apt-get"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{listed}END\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_the_mirror_is_the_one_with_all_of_debian(monkeypatch, tmp_path):
    with_apt(monkeypatch, tmp_path, LISTED)
    assert machine.debian_mirror() == "http://mirror.example/debian/"


def test_without_a_mirror_odoo_home_is_named(monkeypatch, tmp_path):
    with_apt(monkeypatch, tmp_path, "")
    with pytest.raises(Trouble, match="ODOO_HOME"):
        machine.debian_mirror()


def test_without_root_one_command_is_shown(monkeypatch):
    monkeypatch.setattr(machine, "is_root", lambda: False)
    with pytest.raises(Trouble, match=r"sudo apt-get install -y --no-install-recommends chromium postgresql$"):
        machine.system_packages({"postgresql": False, "chromium": False, "there": True})


@pytest.mark.parametrize("place", ["", "usr/lib/python3/dist-packages"])
def test_odoo_home_may_be_a_checkout_or_an_unpacked_package(tmp_path, place):
    release = tmp_path / place / "odoo" / "release.py"
    release.parent.mkdir(parents=True)
    release.write_text("version_info = (19, 0, 0, FINAL, 0, '')\n")
    assert odoo._found_in(tmp_path) == tmp_path / place
    release.write_text("version_info = (18, 0, 0, FINAL, 0, '')\n")
    with pytest.raises(Trouble, match=r"not Odoo 19\.0"):
        odoo._found_in(tmp_path)


def test_work_is_done_again_when_its_reason_changes(monkeypatch, tmp_path):
    monkeypatch.setattr(places, "RUN", tmp_path)
    file = tmp_path / "pins.txt"
    file.write_text("one")
    before = places.digest(file)
    places.mark_done("pins", before)
    assert places.done("pins", places.digest(file))
    file.write_text("two")
    assert not places.done("pins", places.digest(file))


def test_a_socket_fits_into_its_107_bytes(tmp_path):
    short, long = tmp_path, tmp_path / ("deep/" * 30)
    assert postgres._socket_folder(short) == short / "socket"
    assert len(str(postgres._socket_folder(long))) < 80
