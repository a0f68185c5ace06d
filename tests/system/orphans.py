#!/usr/bin/env python3
"""Whatever process of a run is killed, none of the others is left over, nor the socket; and the file stays whole."""
import os
import signal
import subprocess
import time
from pathlib import Path

from harness import MiB, Suite

PATIENCE = 10.0  # seconds; what a kill sets off takes milliseconds


def parent_and_state(pid):
    """(parent's id, state letter) from /proc, None when there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        return int(fields[1]), fields[0]
    except (OSError, ValueError, IndexError):
        return None


def is_alive(pid):
    found = parent_and_state(pid)
    return found is not None and found[1] not in "ZX"


def descendants(pid):
    parents = {int(entry): parent_and_state(entry) for entry in os.listdir("/proc") if entry.isdigit()}
    found, waiting = [], [pid]
    while waiting:
        above = waiting.pop()
        below = [child for child, known in parents.items() if known and known[0] == above]
        found += below
        waiting += below
    return found


def wait_for(condition):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def name_of(pid):
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def start(suite, *arguments):
    command = [str(suite.drydock), "run", str(suite.driver()), *[str(word) for word in arguments]]
    return subprocess.Popen(command, cwd=suite.scratch, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL)


def end(process, family):
    """Nothing that this test started outlives it, whatever it found."""
    for pid in [process.pid, *family]:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def served(suite, victim, blow):
    """--nbd SOCKET: the server and drydock end together."""
    name = f"--nbd: {victim} gets signal {blow.name}"
    disk, socket = suite.new_disk("disk.img", 8 * MiB), suite.scratch / "s.sock"
    process = start(suite, "--disk", disk, "--nbd", socket)
    ready = wait_for(socket.exists) and suite.run("nbdinfo", "--size", f"nbd+unix:///?socket={socket}", timeout=30).returncode == 0
    family = descendants(process.pid)
    if not suite.check(ready, f"{name}: the server comes up and answers"):
        return end(process, family)
    target = process.pid if victim == "drydock" else next(pid for pid in family if name_of(pid) == "nbdkit")
    os.kill(target, blow)
    gone = wait_for(lambda: process.poll() is not None and not any(map(is_alive, family)))
    suite.check(gone, f"{name}: no process is left", {pid: name_of(pid) for pid in family if is_alive(pid)})
    suite.check(wait_for(lambda: not socket.exists()), f"{name}: no socket is left")
    end(process, family)
    suite.check(disk.stat().st_size == 8 * MiB, f"{name}: the disk file is whole")


def executed(suite, victim):
    """--exec: the command ends too, and the private socket's folder is gone."""
    name = f"--exec: {victim} is killed"
    marker = suite.scratch / "started"
    marker.unlink(missing_ok=True)
    temporary = suite.scratch / "tmpdir"
    temporary.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = str(temporary)
    process = start(suite, "--disk", "mem:8M", "--exec", f"echo here > {marker}; exec sleep 1000")
    ready = wait_for(marker.exists) and wait_for(lambda: any(name_of(pid) == "sleep" for pid in descendants(process.pid)))
    family = descendants(process.pid)
    if suite.check(ready, f"{name}: the command starts"):
        target = process.pid if victim == "drydock" else next((p for p in family if name_of(p) == "nbdkit"), process.pid)
        os.kill(target, signal.SIGKILL)
        gone = wait_for(lambda: process.poll() is not None and not any(map(is_alive, family)))
        suite.check(gone, f"{name}: no process is left", {pid: name_of(pid) for pid in family if is_alive(pid)})
        suite.check(wait_for(lambda: not any(temporary.iterdir())), f"{name}: no socket is left", list(temporary.rglob("*")))
    end(process, family)


if __name__ == "__main__":
    with Suite("nbdkit", "nbdinfo", "sleep") as suite:
        for sufferer in ("drydock", "nbdkit"):
            for blow in (signal.SIGKILL, signal.SIGTERM):
                served(suite, sufferer, blow)
            executed(suite, sufferer)
