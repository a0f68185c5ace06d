#!/usr/bin/env python3
"""The whole program under memcheck: nothing to complain about, no leak, and the same answers. Trapped instructions need
valgrind's registers to be exact; without the options that make them so, a driver that traps is not run at all."""
import re

from harness import Suite

EXACT = ("--vex-iropt-register-updates=allregs-at-mem-access", "--vex-guest-chase=no")
CHECKS = ("-q", "--leak-check=full", "--show-leak-kinds=all", "--errors-for-leak-kinds=all", "--error-exitcode=99")


def under_valgrind(suite, driver, *options, disk="mem:2M"):
    return suite.run("valgrind", *CHECKS, *options, suite.drydock, "run", suite.driver(driver), "--disk", disk, timeout=120)


def complaints(done):
    return "\n".join(line for line in done.stderr.split("\n") if re.match(r"[=*-]{2}\d+[=*-]{2}", line))


def check(suite, driver, status, *options, **more):
    done = under_valgrind(suite, driver, *options, **more)
    suite.check_status(done, status, f"{driver}: exit status {status}")
    suite.check(not complaints(done), f"{driver}: memcheck has nothing to say", complaints(done))
    return done


if __name__ == "__main__":
    with Suite("valgrind") as suite:
        check(suite, "ddvioblk", 0, disk="mem:4M")
        check(suite, "instructions", 0, *EXACT)
        done = check(suite, "touch_databuffer_read", 1, *EXACT)
        suite.check("ST-42" in done.stdout and "LookAtData" in done.stdout, "a touch is found at its place", done.stdout)
        check(suite, "fast_fail", 4, *EXACT)
        check(suite, "undefined_instruction", 4, *EXACT)
        done = under_valgrind(suite, "null_dereference", *EXACT)
        suite.check("NULL pointer" in done.stdout + done.stderr and "StoreNothing" in done.stdout + done.stderr, "a NULL pointer is found", done.stdout)
        suite.check(complaints(done).count("Invalid write") == 1, "and memcheck, too, complains of it: once", complaints(done))
        done = check(suite, "register_widths", 2, EXACT[0])
        suite.check(" ".join(EXACT) in done.stderr, "exact registers are not enough: rip must be, too", done.stderr)
        done = check(suite, "register_widths", 2)
        suite.check(" ".join(EXACT) in done.stderr and done.stderr.count("\n") == 1, "without exact registers: one line names the options", done.stderr)
