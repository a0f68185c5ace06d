"""What every system test shares: paths of the build, a scratch folder, running commands, and `ok`/`not ok` lines.

A tool that is missing is a failure, never a skip: a test that did not run has not passed.
"""
import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True


class Suite:
    """One test program. `with Suite("fio", "nbdcopy") as suite:` names the tools it needs; leaving it ends the program."""

    def __init__(self, *tools):
        parser = argparse.ArgumentParser()
        parser.add_argument("--build", type=Path, required=True)
        parser.add_argument("--source", type=Path, required=True)
        parser.add_argument("--seeds", type=int, default=20, help="of sweep.py")
        parser.add_argument("--fault-seeds", type=int, default=20, help="of sweep.py")
        parser.add_argument("--first-fault-seed", type=int, default=1, help="of sweep.py, which can so be done in parts")
        self.arguments = parser.parse_args()
        self.build = self.arguments.build.resolve()
        self.source = self.arguments.source.resolve()
        self.drydock = self.build / "drydock"
        self.plugin = self.build / "nbdkit-drydock-plugin.so"
        self.failures = 0
        self._tools = tools

    def __enter__(self):
        self.scratch = Path(tempfile.mkdtemp(prefix="drydock-"))
        os.environ["PATH"] += ":/usr/sbin:/sbin"  # mkfs.ext4 and mkntfs, for users who are not root
        for tool in self._tools:
            if not shutil.which(tool):
                self.check(False, f"{tool} is installed", "see tools/setup/packages.txt")
        if self.failures:
            self.__exit__(None, None, None)
        return self

    def __exit__(self, kind, error, traceback):
        if kind not in (None, SystemExit):
            self.check(False, "the test itself runs to its end", f"{kind.__name__}: {error}")
        shutil.rmtree(self.scratch, ignore_errors=True)
        sys.stdout.flush()
        os._exit(1 if self.failures else 0)

    def driver(self, name="ddvioblk"):
        return self.build / "drivers" / f"{name}.sys"

    def check(self, condition, name, detail=""):
        """One claim: prints it, with the detail if it does not hold. Returns whether it holds."""
        print(f"{'ok' if condition else 'not ok'} - {name}", flush=True)
        if not condition:
            self.failures += 1
            print("    " + str(detail).strip().replace("\n", "\n    "), flush=True)
        return bool(condition)

    def run(self, *command, timeout=120, **options):
        """Runs a command in the scratch folder to its end. A time-out counts as exit status -1, and ends its children."""
        words = [str(word) for word in command]
        process = subprocess.Popen(words, cwd=self.scratch, text=True, errors="replace", stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, **options)
        try:
            out, err = process.communicate(timeout=timeout)
            return subprocess.CompletedProcess(words, process.returncode, out, err)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            return subprocess.CompletedProcess(words, -1, out, f"{err}\nstill running after {timeout} s: {words}")

    def drydock_run(self, *arguments, driver=None, **options):
        return self.run(self.drydock, "run", driver or self.driver(), *arguments, **options)

    def serve(self, disk, command, *arguments, **options):
        """`drydock run` with a client: CMD sees $uri. Returns (process, report)."""
        report = self.scratch / "report.json"
        report.unlink(missing_ok=True)
        done = self.drydock_run("--disk", disk, "--json", report, "--exec", command, *arguments, **options)
        return done, self.report(report)

    def report(self, path):
        """The --json report, or {} where there is none (the check that uses it then fails)."""
        try:
            return json.loads(Path(path).read_text())
        except (OSError, ValueError):
            return {}

    def check_status(self, done, expected, name):
        return self.check(done.returncode == expected, name,
                          f"exit status {done.returncode}, not {expected}\n{tail(done.stdout)}\n{tail(done.stderr)}")

    def new_disk(self, name, size):
        path = self.scratch / name
        with open(path, "wb") as file:
            file.truncate(size)
        return path


def tail(text, lines=25):
    return "\n".join((text or "").strip().split("\n")[-lines:])


MiB = 1 << 20
