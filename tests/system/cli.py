#!/usr/bin/env python3
"""The command line keeps its word: exit statuses, one line for each error, and the fields of --json."""
import json
import signal
import subprocess
import time

from harness import Suite

# Arguments after `drydock`, and what the one line of the error must mention. {sys} is a good driver.
USAGE_ERRORS = [
    ("no driver at all", "run", "DRIVER"),
    ("a driver that is not there", "run nothing.sys", "nothing.sys"),
    ("a text in place of a driver", "run text.sys", "text.sys"),
    ("half a driver", "run half.sys", "half.sys"),
    ("an empty driver", "run empty.sys", "empty.sys"),
    ("a folder in place of a driver", "run .", "."),
    ("a disk in a folder that is not there", "run {sys} --disk no/such/folder/x.img", "no/such/folder/x.img"),
    ("a disk size that is none", "run {sys} --disk mem:many", "many"),
    ("an unknown device", "run {sys} --device floppy", "floppy"),
    ("an unknown setting of a device", "run {sys} --device virtio-blk,colour=red", "colour"),
    ("a mode the device does not have", "run {sys} --device virtio-blk,mode=old", "modern|transitional|legacy"),
    ("a setting of a device twice", "run {sys} --device virtio-blk,mode=legacy,mode=modern", "mode is given twice"),
    ("a device with a comma too many", "run {sys} --device virtio-blk,", "a comma without a setting"),
    ("a rule that is none", "run {sys} --allow ST-9999", "ST-9999"),
    ("a seed twice", "run {sys} --seed 1 --seed 2", "--seed"),
    ("two drivers", "run {sys} {sys}", "ddvioblk.sys"),
    ("a registry value without a key", "run {sys} --reg A=dword:1", "key belongs before A"),
    ("a registry number that is none", "run {sys} --reg P\\A=dword:x", "'x' is not a number"),
    ("a file behind two devices", "run {sys} --device virtio-blk --device virtio-blk --disk text.sys", "text.sys"),
    ("more disks than devices", "run {sys} --device virtio-blk --device virtio-blk --disk null --disk null --disk null", "3 disks"),
    ("an unknown fault", "run {sys} --fault gremlins", "gremlins"),
    ("a rate that is none", "run {sys} --fault no-status=often", "often"),
    ("a fault twice", "run {sys} --fault no-status --fault no-status=1", "twice"),
    ("a fault of a file that is none", "run {sys} --disk mem:8M --fault enospc", "mem:8M"),
    ("a seed that is no number", "run {sys} --seed banana", "banana"),
    ("no CPUs", "run {sys} --cpus 0", "cpus"),
    ("too little memory", "run {sys} --memory 1K", "memory"),
    ("an unknown memory layout", "run {sys} --phys sideways", "sideways"),
    ("a registry value without a type", "run {sys} --reg Parameters\\X", "Parameters"),
    ("unknown checks", "run {sys} --checks some", "some"),
    ("an unknown option", "run {sys} --frobnicate", "frobnicate"),
    ("a trace file that cannot be written", "run {sys} --trace no/such/folder/t", "no/such/folder/t"),
    ("an unknown command", "sail", "sail"),
]

REPORT = {"outcome": str, "driver": str, "port": str, "limits": dict, "ios": int, "bytes": int, "sg": dict,
          "bounced_pages": int, "findings": list}


def broken_drivers(suite):
    (suite.scratch / "text.sys").write_text("MZ is not enough\n")
    (suite.scratch / "empty.sys").write_bytes(b"")
    image = suite.driver().read_bytes()
    (suite.scratch / "half.sys").write_bytes(image[:len(image) // 2])


def usage_errors(suite):
    for name, line, mentions in USAGE_ERRORS:
        done = suite.run(suite.drydock, *[word.format(sys=suite.driver()) for word in line.split()], timeout=30)
        told = [text for text in done.stderr.splitlines() if text.strip()]
        suite.check_status(done, 2, f"{name}: exit status 2")
        suite.check(len(told) == 1 and mentions.lower() in told[0].lower(), f"{name}: one line that names it", done.stderr)
        suite.check("drydock::" not in done.stderr, f"{name}: no name of ours in it", done.stderr)


def help_and_version(suite):
    for words in (["--help"], ["run", "--help"], ["--version"]):
        done = suite.run(suite.drydock, *words)
        suite.check(done.returncode == 0 and done.stdout.strip(), f"drydock {' '.join(words)} answers", done.stderr)
    shown = suite.run(suite.drydock, "run", "--help").stdout
    for option in ("--device", "--disk", "--cpus", "--memory", "--seed", "--phys", "--reg", "--fault", "--checks", "--nbd", "--exec",
                   "--json", "--trace"):
        suite.check(option in shown, f"run --help explains {option}", shown)
    listed = suite.run(suite.drydock, "run", "--fault", "list")
    suite.check(listed.returncode == 0 and "lost-interrupt" in listed.stdout and "io-error" in listed.stdout, "--fault list needs no driver", listed.stderr)


def takes_signals(pid):
    """A process whose first thread has left SIGINT to another: from then on it does not just die of one."""
    with open(f"/proc/{pid}/status") as status:
        blocked = next(int(line.split()[1], 16) for line in status if line.startswith("SigBlk:"))
    return blocked >> (signal.SIGINT - 1) & 1


def stopped_self_check(suite):
    command = [suite.drydock, "run", suite.driver(), "--disk", "mem:64M", "--json", suite.scratch / "stopped.json"]
    process = subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not takes_signals(process.pid):
        time.sleep(0.001)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    report = json.loads((suite.scratch / "stopped.json").read_text())
    suite.check(process.returncode == 0, "a self-check stopped by SIGINT ends clean", f"status {process.returncode}\n{err}")
    suite.check("stopped before its end" in err, "it says that it was stopped", err)
    suite.check(report["outcome"] == "clean" and "I/Os" in out, "and reports what it did", out)


def self_check(suite):
    done = suite.drydock_run("--json", "report.json")
    suite.check_status(done, 0, "the self-check of our own driver is clean, with every default")
    report = suite.report(suite.scratch / "report.json")
    for field, kind in REPORT.items():
        suite.check(isinstance(report.get(field), kind), f"--json has {field}", report)
    suite.check(report.get("outcome") == "clean" and report.get("findings") == [], "it says clean, without findings", report)
    suite.check(report.get("ios", 0) > 100 and report.get("bytes", 0) > 1 << 20, "it counts what the check did", report)
    sg = report.get("sg", {})
    suite.check(1 <= sg.get("min", 0) <= sg.get("mean", 0) <= sg.get("max", 0), "sg is min, mean, max", sg)
    for word in ("findings", "I/O", "bounced"):
        suite.check(word.lower() in done.stdout.lower(), f"the summary speaks of {word}", done.stdout)
    suite.check("\x1b" not in done.stdout + done.stderr, "no colours where no terminal is")


def every_setting(suite):
    for words in (["--cpus", "1"], ["--cpus", "8"], ["--memory", "64M"], ["--phys", "low"], ["--phys", "high"],
                  ["--phys", "contiguous"], ["--phys", "literal"], ["--checks", "off"], ["--checks", "all"],
                  ["--device", "virtio-blk"], ["--reg", "Parameters\\Device\\X=dword:1"], ["--seed", "18446744073709551615"]):
        suite.check_status(suite.drydock_run("--disk", "mem:8M", *words), 0, f"the self-check is clean with {' '.join(words)}")


def commands(suite):
    for command, status in (("true", 0), ("exit 7", 7), ("false", 1), ("test -n \"$uri\"", 0), ("kill -9 $$", 137)):
        suite.check_status(suite.drydock_run("--disk", "mem:8M", "--exec", command), status, f"--exec '{command}' ends with {status}")
    done = suite.drydock_run("--disk", "mem:8M", "--exec", "nbdinfo --size \"$uri\"")
    suite.check(str(8 << 20) in done.stdout.split(), "what CMD prints is printed", done.stdout + done.stderr)


if __name__ == "__main__":
    with Suite("nbdkit", "nbdinfo") as suite:
        broken_drivers(suite)
        usage_errors(suite)
        help_and_version(suite)
        self_check(suite)
        stopped_self_check(suite)
        every_setting(suite)
        commands(suite)
