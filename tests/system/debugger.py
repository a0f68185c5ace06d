#!/usr/bin/env python3
"""gdb stops inside a driver by source line, pending breakpoints included, and walks out of it; what passes between driver
and drydock (faults, the watchdog's tick) does not stop it."""
import re

from harness import Suite, tail

STATEMENT = "status = BlockTransfer(Adapter, Srb, Cdb, VIRTIO_BLK_T_OUT, 0);"


def line_of(suite, statement):
    lines = (suite.source / "drivers/ddvioblk/blockio.c").read_text().split("\n")
    return next(number for number, line in enumerate(lines, 1) if statement in line)


def session(suite, commands, *words, timeout=150):
    """`drydock run … --gdb` with gdb's commands on its standard input."""
    script = suite.scratch / "commands"
    script.write_text("set width 0\nset pagination off\nset confirm off\n" + "\n".join(commands) + "\nkill\nquit\n")
    done = suite.run("sh", "-c", 'commands=$1; shift; exec "$@" --gdb < "$commands"', "sh", script, suite.drydock, "run", *words, timeout=timeout)
    return done.stdout + done.stderr


def check_stop(suite, how, text, line):
    suite.check(re.search(rf"^Breakpoint 1, .*\bBlockWrite\b.*blockio\.c:{line}$", text, re.M) or
                re.search(rf"hit Breakpoint 1, .*\bBlockWrite\b.*blockio\.c:{line}$", text, re.M), f"{how}: stops at blockio.c:{line}", tail(text))
    for function in ("HwBuildIo", "drydock::storport::Adapter::build_io", "drydock::Scheduler::worker"):
        suite.check(re.search(rf"^#\d+ .*\b{function}\b", text, re.M), f"{how}: the stack goes through {function}", tail(text, 60))


def sample_driver(suite, driver, how):
    line = line_of(suite, STATEMENT)
    text = session(suite, [f"break blockio.c:{line}", "run", "bt", "print Adapter->Disk.BlockSize", "drydock srbs", "drydock images",
                           "delete", "continue"], driver)
    check_stop(suite, how, text, line)
    suite.check("safe-path" not in text, f"{how}: no warning about the script beside the program", tail(text))
    suite.check(re.search(r"^(\(gdb\) )?\$1 = 512$", text, re.M), f"{how}: the driver's structures can be read", tail(text))
    suite.check(re.search(r"SRB \d+ +at 0x[0-9a-f]+ .*the miniport has it", text), f"{how}: drydock srbs", tail(text))
    suite.check(str(driver) in text.split("bt")[-1], f"{how}: drydock images", tail(text))
    suite.check("findings         │ none" in text and "exited normally" in text, f"{how}: goes on to a clean end", tail(text))


def plain_gdb(suite):
    line = line_of(suite, STATEMENT)
    done = suite.run("gdb", "-q", "-batch", "-iex", f"set auto-load safe-path {suite.build}", "-ex", f"break blockio.c:{line}", "-ex", "run",
                     "-ex", "bt", "--args", suite.drydock, "run", suite.driver(), timeout=150)
    check_stop(suite, "gdb --args", done.stdout + done.stderr, line)


def traffic_is_not_shown(suite):
    for name, what in (("register_widths", "faults at registers"), ("kuser_cr8_gs", "privileged instructions"),
                       ("spin_on_flag", "the watchdog's tick"), ("touch_databuffer_write", "a forbidden touch")):
        text = session(suite, ["run"], suite.driver(name), "--disk", "mem:2M")
        suite.check("exited" in text and "received signal" not in text, f"{name}: {what} pass without a stop", tail(text))
    text = session(suite, ["run"], suite.driver("touch_databuffer_write"), "--disk", "mem:2M")
    suite.check("ST-42" in text, "findings are found under gdb as well", tail(text))


def served(suite):
    socket = suite.scratch / "s"
    text = session(suite, ["break DriverEntry", "run", "bt", "kill"], suite.driver(), "--nbd", socket)
    suite.check(re.search(r"Breakpoint 1, .*DriverEntry", text), "--nbd: stops in the server", tail(text))


def refusals(suite):
    done = suite.drydock_run("--gdb", "--exec", "true")
    suite.check_status(done, 2, "--gdb --exec: bad input")
    suite.check(len(done.stderr.strip().split("\n")) == 1 and "--nbd" in done.stderr, "--gdb --exec: one line that says what to do", done.stderr)
    done = suite.run(suite.drydock, "run", suite.driver(), "--gdb", env={"PATH": "/nonexistent"})
    suite.check(done.returncode == 2 and "package gdb" in done.stderr, "no gdb: its package is named", done.stderr)


if __name__ == "__main__":
    with Suite("gdb") as suite:
        sample_driver(suite, suite.driver(), "gcc")
        clang = suite.scratch / "clang.sys"
        done = suite.run(suite.source / "tools/drydock-cc", "--compiler=clang", "--implib", suite.build / "implib", "-o", clang,
                         *sorted((suite.source / "drivers/ddvioblk").glob("*.c")))
        if suite.check_status(done, 0, "ddvioblk is built by clang"):
            sample_driver(suite, clang, "clang")
        plain_gdb(suite)
        traffic_is_not_shown(suite)
        served(suite)
        refusals(suite)
