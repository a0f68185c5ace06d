#!/usr/bin/env python3
"""Whatever process of a run is killed, and whenever, none of the others is left over, nor the socket; and the file stays
whole."""
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


def start(suite, *arguments, told=os.devnull):
    command = [str(suite.drydock), "run", str(suite.driver()), *[str(word) for word in arguments]]
    with open(told, "w") as errors:
        return subprocess.Popen(command, cwd=suite.scratch, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors)


def end(process, family):
    """Nothing that this test started outlives it, whatever it found."""
    for pid in [process.pid, *family]:
        if is_alive(pid):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def settled(suite, name, process, family):
    """Everything that belonged to the run ends by itself."""
    gone = wait_for(lambda: process.poll() is not None and not any(map(is_alive, family)))
    suite.check(gone, f"{name}: no process is left", {pid: name_of(pid) for pid in [process.pid, *family] if is_alive(pid)})


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
    settled(suite, name, process, family)
    suite.check(wait_for(lambda: not socket.exists()), f"{name}: no socket is left")
    end(process, family)
    suite.check(disk.stat().st_size == 8 * MiB, f"{name}: the disk file is whole")


def killed_early(suite, delay):
    """drydock is killed while everything is still starting: before nbdkit, the plugin or the driver are there."""
    name = f"--nbd: drydock is killed {delay * 1000:.0f} ms after its start"
    disk, socket = suite.new_disk("disk.img", 8 * MiB), suite.scratch / "early.sock"
    process = start(suite, "--disk", disk, "--nbd", socket)
    time.sleep(delay)
    family = descendants(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    settled(suite, name, process, family)
    suite.check(wait_for(lambda: not socket.exists()), f"{name}: no socket is left")
    end(process, family)
    suite.check(disk.stat().st_size == 8 * MiB, f"{name}: the disk file is whole")


def killed_at_once_after_binding(suite):
    """The moment that is hardest: the socket has just appeared."""
    disk, socket = suite.new_disk("disk.img", 8 * MiB), suite.scratch / "bound.sock"
    process = start(suite, "--disk", disk, "--nbd", socket)
    deadline = time.monotonic() + PATIENCE
    while not socket.exists() and time.monotonic() < deadline:
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    suite.check(wait_for(lambda: not socket.exists()), "--nbd: drydock is killed when the socket appears: no socket is left")
    end(process, [])


def the_keeper_is_killed(suite, blow):
    """Who watches over the socket dies: that is told, another does it, and the run goes on."""
    disk, socket = suite.new_disk("disk.img", 8 * MiB), suite.scratch / "kept.sock"
    told = suite.scratch / "told"
    process = start(suite, "--disk", disk, "--nbd", socket, told=told)
    uri = f"nbd+unix:///?socket={socket}"
    ready = wait_for(socket.exists) and suite.run("nbdinfo", "--size", uri, timeout=30).returncode == 0
    family = descendants(process.pid)
    keeper = [pid for pid in family if name_of(pid) == "drydock-socket"]
    if suite.check(ready and len(keeper) == 1, "--nbd: a process keeps the socket's name", {pid: name_of(pid) for pid in family}):
        os.kill(keeper[0], signal.SIGKILL)
        suite.check(wait_for(lambda: "was killed; a new one does" in told.read_text()), "--nbd: its death is told", told.read_text())
        suite.check(suite.run("nbdinfo", "--size", uri, timeout=30).returncode == 0, "--nbd: without it the server goes on")
        family = descendants(process.pid)
        suite.check(any(name_of(pid) == "drydock-socket" for pid in family), "--nbd: another keeps the name", {pid: name_of(pid) for pid in family})
        os.kill(process.pid, blow)
        settled(suite, f"--nbd: with another, {blow.name}", process, family)
        if blow == signal.SIGTERM:
            suite.check(process.returncode == 0, "--nbd: with another the run ends cleanly", process.returncode)
        suite.check(wait_for(lambda: not socket.exists()), f"--nbd: with another no socket is left after {blow.name}")
    end(process, family)


# What the command does to the disk: it writes the first MiB again and again; the rest is not its business.
WRITER = "while :; do dd if=/dev/zero bs=1M count=1 status=none | tr '\\0' W | nbdcopy - \"$uri\" 2>/dev/null || :; echo here >> {marker}; done"


def executed(suite, victim, moment):
    """--exec: the command ends too, the private socket is gone, and the file holds what it should."""
    name = f"--exec: {victim} is killed {moment}"
    marker, temporary = suite.scratch / "started", suite.scratch / "tmpdir"
    marker.unlink(missing_ok=True)
    temporary.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = str(temporary)
    disk = suite.new_disk("exec.img", 8 * MiB)
    disk.write_bytes(b"o" * 8 * MiB)
    busy = moment == "while it writes"
    command = WRITER.format(marker=marker) if busy else f"echo here > {marker}; exec sleep 1000"
    process = start(suite, "--disk", disk, "--exec", command)
    ready = wait_for(marker.exists) and (busy or wait_for(lambda: any(name_of(p) == "sleep" for p in descendants(process.pid))))
    family = descendants(process.pid)
    if suite.check(ready, f"{name}: the command starts"):
        target = member(process.pid, family, victim)
        suite.check(target is not None, f"{name}: there is one", {pid: name_of(pid) for pid in family})
        os.kill(target or process.pid, signal.SIGKILL)
        settled(suite, name, process, family)
        suite.check(wait_for(lambda: not any(temporary.iterdir())), f"{name}: no socket is left", list(temporary.rglob("*")))
    end(process, family)
    data = disk.read_bytes()
    suite.check(len(data) == 8 * MiB and data[MiB:] == b"o" * 7 * MiB and set(data[:MiB]) <= set(b"oW"),
                f"{name}: the file is whole")


def member(drydock, family, who):
    """The process of that part in the run: the command's guard is a child of drydock that is named like it."""
    children = [pid for pid in family if (parent_and_state(pid) or (0, ""))[0] == drydock]
    named = {"drydock": [drydock], "nbdkit": [pid for pid in children if name_of(pid) == "nbdkit"],
             "the guard": [pid for pid in children if name_of(pid) == "drydock"],
             "the keeper": [pid for pid in children if name_of(pid) == "drydock-socket"]}
    guards = named["the guard"]
    named["the command"] = [pid for pid in family if guards and (parent_and_state(pid) or (0, ""))[0] == guards[0]]
    return named[who][0] if named[who] else None


if __name__ == "__main__":
    with Suite("nbdkit", "nbdinfo", "nbdcopy", "sleep") as suite:
        for sufferer in ("drydock", "nbdkit"):
            for blow in (signal.SIGKILL, signal.SIGTERM):
                served(suite, sufferer, blow)
        for sufferer in ("drydock", "nbdkit", "the guard", "the command"):
            for moment in ("while it waits", "while it writes"):
                executed(suite, sufferer, moment)
        for milliseconds in (0, 1, 2, 3, 5, 8, 12, 20, 35, 60, 100, 200):
            killed_early(suite, milliseconds / 1000)
        for _ in range(5):
            killed_at_once_after_binding(suite)
        for blow in (signal.SIGTERM, signal.SIGKILL):
            the_keeper_is_killed(suite, blow)
