#!/usr/bin/env python3
"""fio writes over NBD and reads back what it wrote, block by block with checksums; and it would notice if it were not so."""
from harness import MiB, Suite

SIZE = 32 * MiB
FIO = "fio --ioengine=nbd --uri=\"$uri\" --verify=crc32c --verify_fatal=1 --verify_state_save=0 --randseed=11"
PATTERNS = {
    "4 KiB random, depth 16": "--name=random --rw=randwrite --bs=4k --iodepth=16",
    "512 bytes to 256 KiB, a flush every 32 writes": "--name=mixed --rw=randwrite --bsrange=512-256k --fsync=32 --iodepth=8",
    "1 MiB sequential": "--name=long --rw=write --bs=1M --iodepth=4",
}


def verified_writes(suite):
    for name, job in PATTERNS.items():
        disk = suite.new_disk("disk.img", SIZE)
        done, report = suite.serve(disk, f"{FIO} {job} --size={SIZE} --do_verify=1")
        suite.check_status(done, 0, f"fio verifies: {name}")
        suite.check(report.get("outcome") == "clean" and report.get("bytes", 0) >= 2 * SIZE,
                    f"every byte went through the driver twice: {name}", report)


def verified_later(suite):
    """A second process on the same file finds the same bytes; a single spoilt one does not pass."""
    job = f"{FIO} --name=later --rw=randwrite --bs=4k --iodepth=16 --size={SIZE}"
    disk = suite.new_disk("disk.img", SIZE)
    done, _ = suite.serve(disk, job + " --do_verify=0")
    suite.check_status(done, 0, "fio writes, and leaves the checking for later")
    done, _ = suite.serve(disk, job + " --verify_only=1")
    suite.check_status(done, 0, "another run on the same file verifies what the first wrote")
    with open(disk, "r+b") as file:
        file.seek(SIZE // 2 + 777)
        old = file.read(1)
        file.seek(SIZE // 2 + 777)
        file.write(bytes([old[0] ^ 1]))
    done, _ = suite.serve(disk, job + " --verify_only=1")
    suite.check(done.returncode not in (0, -1), "one flipped bit in the file and fio refuses", done.stdout)


def trimmed(suite):
    disk = suite.new_disk("disk.img", SIZE)
    job = f"fio --ioengine=nbd --uri=\"$uri\" --name=trim --rw=randtrimwrite --bs=64k --iodepth=8 --size={SIZE}"
    done, report = suite.serve(disk, job)
    suite.check_status(done, 0, "fio trims and writes in turn")
    suite.check(report.get("outcome") == "clean", "trims leave nothing to complain of", report)


if __name__ == "__main__":
    with Suite("fio", "nbdkit") as suite:
        verified_writes(suite)
        verified_later(suite)
        trimmed(suite)
