"""A real Asterisk 22, from Debian unstable, in a network of its own.

It lives in `.run/pbx/root` (a minimal Debian, 0.5 GB), its configuration and records in
`.run/pbx/data`. It is started in namespaces of its own: its network holds nothing but a
loopback interface, so that nothing can reach it or be reached by it, whatever port one of its
libraries opens, and two checkouts never get into each other's way; its mounts and processes end with it.
Only its AMI is passed on to a loopback port of the machine, for the bridge.

Needs root, for debootstrap and the namespaces.

    pbx = Pbx(say)
    pbx.prepare()
    pbx.start(ami_port=5038)
    pbx.inside(["python3", …])      the command that runs something beside it, in its network
    pbx.stop()
"""

import os
import platform
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from . import machine, pbx_config
from .places import CACHE, RUN
from .processes import run, start, stop
from .screen import Trouble, warn

STATE = RUN / "pbx"
PACKAGES = ("asterisk", "asterisk-modules", "asterisk-core-sounds-en-gsm", "iproute2")
SUITE = "sid"
KNOWN_GOOD = "22"
# Runs inside new mount, network and process namespaces; what it mounts ends with them.
STARTER = """
set -e
mount --bind "$2" "$1/srv/pbx"
mount -t proc proc "$1/proc"
echo "127.0.0.1 localhost pbx" > "$1/etc/hosts"
chroot "$1" hostname pbx
chroot "$1" ip link set lo up
exec chroot "$1" asterisk -f -C /srv/pbx/etc/asterisk.conf
"""


class Pbx:
    """A demo PBX of this checkout: one program, and for each `name` its own configuration, records and network."""

    def __init__(self, name: str = "data", network: Path | None = None):
        self.root = STATE / "root"
        self.data = STATE / name
        # A namespace that is there already, for who lets Asterisk die and the telephones live.
        self.network = network
        self.pid: int | None = None
        self._asterisk = None
        self._forward = None

    # ------------------------------------------------------------ getting it

    def prepare(self, renew: bool = False) -> None:
        """Have Asterisk in `root`: from the cached copy, else from Debian's mirror."""
        if os.geteuid():
            raise Trouble("The demo PBX needs root (sudo). Without it: setup/run --no-pbx")
        if (self.root / "usr/sbin/asterisk").exists() and not renew:
            return
        copy = CACHE / f"pbx-{SUITE}-{platform.machine()}.tar.gz"
        if renew or not copy.exists():
            self._build(copy)
        self._remove_root()
        self.root.mkdir(parents=True)
        try:
            run(["tar", "-xzf", copy, "-C", self.root, "--numeric-owner"])
        except Trouble:
            # A half-written copy must not stop the next attempt as well.
            copy.unlink()
            self._remove_root()
            raise
        version = self.version()
        if not version.startswith(f"{KNOWN_GOOD}."):
            warn(f"Debian has Asterisk {version} now; {KNOWN_GOOD} is known to work. The copy is {copy}.")

    def version(self) -> str:
        """What Asterisk calls itself, such as `22.10.1`."""
        said = run(["chroot", self.root, "asterisk", "-V"])
        return re.search(r"[\d.]+\d", said)[0]

    def _build(self, copy: Path) -> None:
        """Make `copy`, a packed minimal Debian with Asterisk in it."""
        needs = {name: bool(shutil.which(name)) for name in ("debootstrap", "gpgv")}
        machine.system_packages({**needs, "debian-archive-keyring": Path(machine.KEYRING).exists()})
        downloads = CACHE / "debootstrap"
        downloads.mkdir(parents=True, exist_ok=True)
        fresh = copy.with_name(f"{copy.name}.{os.getpid()}.root")
        packed = copy.with_name(f"{copy.name}.{os.getpid()}")
        try:
            # In a mount namespace, so that a proc left behind by an interrupted run cannot stay mounted.
            options = ["--variant=minbase", f"--keyring={machine.KEYRING}", f"--cache-dir={downloads}"]
            options.append("--include=" + ",".join(PACKAGES))
            run(
                ["unshare", "--mount", "debootstrap", *options, SUITE, fresh, machine.debian_mirror()],
                log=RUN / "log/debootstrap.log",
            )
            for waste in ("usr/share/doc", "usr/share/man", "usr/share/locale", "var/lib/apt/lists", "var/cache/apt"):
                shutil.rmtree(fresh / waste, ignore_errors=True)
            (fresh / "srv/pbx").mkdir(parents=True)
            run(["tar", "-czf", packed, "-C", fresh, "."], env={**os.environ, "GZIP": "-1"})
            packed.replace(copy)
            shutil.rmtree(downloads)
        finally:
            packed.unlink(missing_ok=True)
            remove_tree(fresh)

    def _remove_root(self) -> None:
        if running := [one for one in known() if one.running()]:
            raise Trouble(f"A PBX runs from {self.root} ({running[0].data.name}); stop it first.")
        remove_tree(self.root)

    # ------------------------------------------------------------ running it

    def configure(self) -> None:
        """Write the configuration, with the passwords of last time or new ones."""
        keep = self.data / "secrets"
        self.data.mkdir(parents=True, exist_ok=True)
        if not keep.exists():
            keep.touch(mode=0o600)
            keep.write_text("\n".join(secrets.token_hex(16) for _ in range(3)))
        self.ami_secret, self.driver_secret, self.sip_password = keep.read_text().split()
        # The folder's name has the machine's architecture in it.
        modules = next(self.root.glob("usr/lib/*/asterisk/modules"), None) or self.root / "usr/lib/asterisk/modules"
        pbx_config.write(
            self.data,
            f"/{modules.relative_to(self.root)}",
            ami_secret=self.ami_secret,
            driver_secret=self.driver_secret,
            sip_password=self.sip_password,
        )

    def start(self, ami_port: int | None = None, patience: float = 30) -> None:
        """Start Asterisk and wait until it takes AMI logins.

        With `ami_port` its AMI is also found on that port of the machine's 127.0.0.1.
        """
        if self.running():
            raise Trouble(f"The PBX of {self.data} is already running.")
        self.configure()
        (self.root / "srv/pbx").mkdir(parents=True, exist_ok=True)
        # unshare keeps SIGTERM from itself, and with it the news that this program was killed.
        apart = ["setpriv", "--pdeathsig", "KILL"]
        apart += ["nsenter", f"--net={self.network}", "--"] if self.network else []
        apart += ["unshare", "--mount", *([] if self.network else ["--net"])]
        apart += ["--uts", "--pid", "--fork", "--kill-child=KILL"]
        self._asterisk = start(f"asterisk-{self.data.name}", [*apart, "sh", "-c", STARTER, "pbx", self.root, self.data])
        deadline = time.monotonic() + patience
        while not (self._find_pid() and self._answers()):
            if self._asterisk.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise Trouble(
                    f"Asterisk did not start. See {RUN / 'log/asterisk.log'} and {self.data / 'log/messages.log'}"
                )
            time.sleep(0.1)
        (self.data / "pid").write_text(str(self.pid))
        if ami_port:
            self._pass_on(ami_port)

    def stop(self, kill: bool = False) -> None:
        """Stop it; with `kill` as a power cut would, so that nothing is written any more."""
        if self._forward:
            stop(self._forward, patience=3)
            self._forward = None
        if self._asterisk is None:
            return
        if self.pid:
            # Asterisk is the first process of its namespace: the others end with it.
            try:
                os.kill(self.pid, signal.SIGKILL if kill else signal.SIGTERM)
                self._asterisk.wait(0 if kill else 15)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        stop(self._asterisk, patience=3)
        self._asterisk = self.pid = None
        (self.data / "pid").unlink(missing_ok=True)

    def attach(self) -> "Pbx":
        """Use the PBX that another program has started. Trouble if there is none."""
        if not self.running():
            raise Trouble("The demo PBX is not running. Start it: setup/run")
        self.pid = int((self.data / "pid").read_text())
        self.ami_secret, self.driver_secret, self.sip_password = (self.data / "secrets").read_text().split()
        return self

    def running(self) -> bool:
        """Whether Asterisk runs from here, whoever started it."""
        try:
            pid = int((self.data / "pid").read_text())
            # A number may by now be another process's, even another of our PBXs'.
            mounts = Path(f"/proc/{pid}/mountinfo").read_text()
            return (
                os.readlink(f"/proc/{pid}/root") == str(self.root.resolve())
                and f"/{STATE.name}/{self.data.name} /srv/pbx " in mounts
            )
        except (OSError, ValueError):
            return False

    def inside(self, command) -> list:
        """The command that runs `command` in the PBX's network (its files stay the machine's)."""
        return ["nsenter", "--target", str(self.pid), "--net", "--", *command]

    def console(self, command: str) -> str:
        """What Asterisk's console answers, such as to `core show channels`."""
        place = ["nsenter", "--target", str(self.pid), "--mount", "--net", "--pid", "--root", "--wd"]
        return run([*place, "asterisk", "-C", "/srv/pbx/etc/asterisk.conf", "-rx", command])

    def _find_pid(self) -> bool:
        """Asterisk's process number: the only child of `unshare`."""
        try:
            task = f"/proc/{self._asterisk.pid}/task/{self._asterisk.pid}/children"
            self.pid = int(Path(task).read_text().split()[0])
        except (OSError, IndexError):
            return False
        return True

    def _answers(self) -> bool:
        """Whether AMI accepts our login and says that everything is loaded."""
        probe = subprocess.run(
            self.inside([sys.executable, "-c", PROBE, str(pbx_config.AMI_PORT), self.ami_secret]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=10,
        )
        return probe.returncode == 0

    def _pass_on(self, port: int) -> None:
        """Listen on the machine's loopback, and hand each connection to AMI.

        A listening socket stays in the network where it was made; the process that inherits
        it lives in the PBX's network and so sees both sides.
        """
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen()
            script = Path(__file__).with_name("forward.py")
            command = self.inside([sys.executable, script, listener.fileno(), "127.0.0.1", pbx_config.AMI_PORT])
            self._forward = start(f"ami-forward-{self.data.name}", map(str, command), pass_fds=[listener.fileno()])


def known() -> list[Pbx]:
    """All demo PBXs of this checkout, running or not."""
    return [Pbx(path.parent.name) for path in STATE.glob("*/secrets")]


# Logs in and waits for the event that comes last.
PROBE = """
import socket, sys
with socket.create_connection(("127.0.0.1", int(sys.argv[1])), 3) as line:
    line.settimeout(3)
    line.sendall(f"Action: Login\\r\\nUsername: bridge\\r\\nSecret: {sys.argv[2]}\\r\\n\\r\\n".encode())
    said = b""
    while b"FullyBooted" not in said:
        more = line.recv(4096)
        if not more:
            sys.exit(1)
        said += more
"""


def remove_tree(folder: Path) -> None:
    """Delete a root, unless something is mounted in it: that would be deleted too."""
    below = f"{folder.absolute()}/"
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    if any((place + "/").startswith(below) for place in mounted):
        raise Trouble(f"Something is mounted below {folder}; unmount it first: findmnt -R {folder}")
    if folder.exists():
        shutil.rmtree(folder)
