#!/usr/bin/env python3
"""A driver that crashes, hangs or forgets a request while clients are served: each of them gets EIO, none of them waits,
and the run ends with the report.
"""
import time

import fixtures
from harness import Suite

# Four requests in flight at the crash, one after it, and another client after that.
CLIENT = ("echo the client starts; qemu-io -r -f raw -c 'aio_read 0 4k' -c 'aio_read 64k 4k' -c 'aio_read 128k 4k' -c 'aio_read 256k 64k' "
          "-c aio_flush -c 'read 512k 4k' \"$uri\"; qemu-io -r -f raw -c 'read 1M 4k' \"$uri\"; true")
REQUESTS = 6
BOUND = 60.0  # seconds of a busy computer
AT_START = ("missing_import", "poll_register_forever", "poll_plain_forever", "exception_unhandled", "exception_at_dispatch",
            "exception_of_system_space")  # these crash before anybody is served
ALSO = ("never_completes",)  # no crash: the first READs are lost, one after the other


def failed_reads(done):
    return sum(line.endswith("failed: Input/output error") for line in (done.stdout + done.stderr).split("\n"))


def served(suite, expectation):
    name = expectation["image"]
    disk = suite.new_disk(f"{name}.img", 2 << 20)
    disk.write_bytes(b"wholewho" * (disk.stat().st_size // 8))
    before = disk.read_bytes()
    start = time.monotonic()
    done, _ = fixtures.run(suite, {**expectation, "hooks": True}, "--disk", disk, "--exec", CLIENT)
    if done is None:
        return
    suite.check(time.monotonic() - start < BOUND, f"{name}: no client hangs")
    suite.check_status(done, expectation["exit"], f"{name}: exit status {expectation['exit']}")
    if "the client starts" not in done.stdout:
        suite.check(expectation["driver"] in AT_START, f"{name}: it was served before it crashed", done.stdout + done.stderr)
    elif expectation["exit"] == 4:
        suite.check(failed_reads(done) == REQUESTS, f"{name}: all {REQUESTS} requests fail with EIO", done.stdout + done.stderr)
    else:
        suite.check(failed_reads(done) >= 1, f"{name}: what was lost fails with EIO", done.stdout + done.stderr)
    suite.check(disk.read_bytes() == before, f"{name}: the file is whole")


def served_by_nbdkit_alone(suite, name):
    image = suite.driver(name)
    report = suite.scratch / "nbdkit.json"
    done = suite.run("nbdkit", "-U", "-", suite.plugin, f"driver={image}", "disk=mem:2M", f"report={report}", "--run", CLIENT, timeout=90)
    suite.check(failed_reads(done) == REQUESTS, f"{name}, nbdkit alone: all {REQUESTS} requests fail with EIO", done.stdout + done.stderr)
    suite.check(suite.report(report).get("outcome") == "driver_crashed", f"{name}, nbdkit alone: the report says so", suite.report(report))


if __name__ == "__main__":
    with Suite("nbdkit", "qemu-io") as suite:
        for expectation in fixtures.read(suite.source):
            if expectation["image"].endswith("_clang") and "gcc" in expectation.get("compilers", []):
                continue  # the same driver once more
            if expectation["exit"] == 4 or expectation["driver"] in ALSO:
                served(suite, expectation)
        served_by_nbdkit_alone(suite, "null_dereference")
        served_by_nbdkit_alone(suite, "spin_forever")
