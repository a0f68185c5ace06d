#!/usr/bin/env python3
"""Every fault, as a real NBD client meets it: each request ends, in success or in the right error; one that succeeded is on the
disk, one that failed has changed nothing but its own bytes, and a later request works (but not on a device that is gone)."""
import os
import re

from harness import MiB, Suite, tail

SIZE, BLOCK, REQUESTS, SECTOR = 4 * MiB, 16 * 1024, 120, 512
EIO, GONE = "Input/output error", "Cannot send after transport endpoint shutdown"
# The fault, the errors a client may see of it, and whether it must see one.
FAULTS = (("lost-interrupt=0.05", (EIO,), False), ("spurious-interrupt=0.5", (), False), ("early-interrupt=0.05", (EIO,), False),
          ("interrupt-storm=0.1", (), False), ("wild-index=0.05", (EIO,), False), ("descriptor-loop=0.5", (), False),
          ("no-status=0.2", (EIO,), True), ("wrong-length=1", (), False), ("late-dma=0.5", (), False), ("device-gone=#80", (EIO, GONE), True),
          ("medium-error=0.2", (EIO,), True), ("enospc=0.2", (EIO, "No space left on device"), True), ("short-io=0.5", (), False),
          ("io-error=0.2", (EIO,), True))


def content(number):
    return bytes([number & 0xFF or 1]) * BLOCK


def place(number):
    """Not in order, none beside another: the blocks between are nobody's."""
    return (number * 37 % REQUESTS) * 2 * BLOCK


def commands():
    for number in range(1, REQUESTS + 1):
        yield f"write -P {number & 0xFF or 1} {place(number)} {BLOCK}"


def answers(text):
    """For each request None, or the error, in order."""
    return [match[2] for match in re.finditer(r"^(wrote \d+/\d+ bytes|write failed: (.*))", text, re.M)]


def check_disk(suite, name, before, after, told):
    """The file against what the client was told."""
    expected, wrong = bytearray(before), []
    for number, error in enumerate(told, 1):
        at = place(number)
        new, old, found = content(number), before[at:at + BLOCK], after[at:at + BLOCK]
        if error is None and found != new:
            wrong.append(f"request {number} succeeded, and is not on the disk")
        sectors = range(0, BLOCK, SECTOR)
        if error is not None and not all(found[s:s + SECTOR] in (new[s:s + SECTOR], old[s:s + SECTOR]) for s in sectors):
            wrong.append(f"request {number} failed, and left bytes of neither content")
        expected[at:at + BLOCK] = found
    suite.check(not wrong, f"{name}: what succeeded is on the disk, what failed is old or new", "\n".join(wrong[:5]))
    suite.check(bytes(expected) == after, f"{name}: no byte outside the requests changed")


def one_fault(suite, fault, errors, must_fail):
    name = fault.split("=")[0]
    disk = suite.new_disk(f"{name}.img", SIZE)
    before = os.urandom(SIZE)
    disk.write_bytes(before)
    script = suite.scratch / "script"
    script.write_text("\n".join(commands()) + "\n")
    done, report = suite.serve(disk, f'qemu-io -f raw "$uri" < {script}; true', "--device", "virtio-blk,cache=none", "--fault", fault, timeout=60)
    text = done.stdout + done.stderr
    told = answers(re.sub(r"^(qemu-io> )+", "", text, flags=re.M))
    suite.check_status(done, 0, f"{name}: no finding, no crash, no hang")
    if not suite.check(len(told) == REQUESTS, f"{name}: each request is answered", f"{len(told)} of {REQUESTS}\n{tail(text)}"):
        return
    strikes = sum(each["strikes"] for each in report.get("faults", []))
    suite.check(strikes > 0, f"{name}: it struck", report.get("faults"))
    seen = {error for error in told if error}
    suite.check(seen <= set(errors) and (seen or not must_fail), f"{name}: the client sees {' or '.join(errors) or 'nothing of it'}", seen)
    failed = [number for number, error in enumerate(told) if error]
    if failed and name == "device-gone":
        suite.check(failed == list(range(failed[0], REQUESTS)), f"{name}: nothing works any more", failed)
    elif failed:
        suite.check(any(error is None for error in told[failed[0] + 1:]), f"{name}: a later request works", failed)
    check_disk(suite, name, before, disk.read_bytes(), told)


def copies(suite):
    """nbdcopy gives up with the error, and the next copy, without faults, is right."""
    disk, source, back = suite.new_disk("copy.img", SIZE), suite.scratch / "source", suite.scratch / "back"
    source.write_bytes(os.urandom(SIZE))
    # One request at a time: nbdkit 1.32 stops in an assertion of its own when a client leaves while others are answered.
    done, _ = suite.serve(disk, f'nbdcopy --connections=1 --requests=1 {source} "$uri"', "--device", "virtio-blk,cache=none", "--fault", "medium-error=0.5", timeout=60)
    suite.check(done.returncode == 1 and EIO in done.stderr, "nbdcopy fails with the error of the medium", f"{done.returncode} {tail(done.stderr)}")
    done, _ = suite.serve(disk, f'nbdcopy {source} "$uri" && nbdcopy "$uri" {back}', "--fault", "lost-interrupt=0.05", "--fault", "short-io=0.5", timeout=60)
    suite.check_status(done, 0, "lost interrupts and short I/O are ridden out by the time-outs and retries")
    suite.check(back.exists() and back.read_bytes() == source.read_bytes(), "and what comes back is what went in")


if __name__ == "__main__":
    with Suite("nbdkit", "qemu-io", "nbdcopy") as suite:
        listed = suite.run(suite.drydock, "run", "--fault", "list").stdout
        known = set(re.findall(r"^([a-z][a-z-]+) +\S", listed, re.M))
        missing = (known - {"no-mapping"}) ^ {fault.split("=")[0] for fault, _, _ in FAULTS}
        suite.check(not missing, "every fault of --fault list is met here", missing)
        for row in FAULTS:
            one_fault(suite, *row)
        copies(suite)
