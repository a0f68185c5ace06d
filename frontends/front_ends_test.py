#!/usr/bin/env python3
"""What users meet at the front ends and tests/system does not look at: streams, signals, summaries, reports.

usage: front_ends_test.py DRYDOCK PLUGIN DRIVER.sys [unittest arguments]
"""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

DRYDOCK, PLUGIN, DRIVER = (os.path.abspath(path) for path in sys.argv[1:4])
PATIENCE = 60


def drydock(*words, **more):
    return subprocess.run([DRYDOCK, *words], capture_output=True, text=True, timeout=PATIENCE, **more)


def nbdkit(*words):
    return subprocess.run(["nbdkit", *words], capture_output=True, text=True, timeout=PATIENCE)


def is_alive(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def children(pid):
    return [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def family(pid):
    return [below for child in children(pid) for below in (child, *family(child))]


def program_name(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


def until(true, what):
    end = time.monotonic() + PATIENCE
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain: {what}")
        time.sleep(0.01)


class FrontEnds(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="drydock-front-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.socket = str(self.directory / "socket")

    def assert_one_line(self, run, status):
        self.assertEqual(run.returncode, status, run.stderr)
        self.assertRegex(run.stderr, r"\Adrydock: [^\n]+\n\Z")


class Statuses(FrontEnds):
    def test_a_good_driver_passes_its_self_check(self):
        run = drydock("run", DRIVER, "--disk", "mem:16M", "--json", str(self.directory / "r.json"))
        self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
        self.assertEqual(run.stderr, "", "no progress bar off a terminal")
        report = json.loads((self.directory / "r.json").read_text())
        self.assertEqual(report["outcome"], "clean")
        self.assertEqual(report["findings"], [])
        self.assertGreater(report["ios"], 0)
        self.assertIn("queue depth", run.stdout)

    def test_json_on_standard_output_is_nothing_but_json(self):
        run = drydock("run", DRIVER, "--disk", "mem:16M", "--json", "-")
        self.assertEqual(json.loads(run.stdout)["exit_status"], run.returncode)

    def test_bad_input_reads_the_same_when_a_server_meets_it(self):
        for words in ([str(self.directory / "none.sys")], [DRIVER, "--device", "toaster"]):
            with self.subTest(words):
                self.assert_one_line(drydock("run", *words, "--exec", "touch " + self.socket), 2)
                self.assertFalse(os.path.exists(self.socket), "the command ran all the same")


class Serving(FrontEnds):
    def start(self, *words):
        process = subprocess.Popen([DRYDOCK, "run", DRIVER, "--disk", "mem:16M", *words], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def start_serving(self):
        process = self.start("--nbd", self.socket)
        self.assertIn("serving nbd+unix:///?socket=", process.stderr.readline())
        server, = (pid for pid in children(process.pid) if program_name(pid) == "nbdkit")  # the other keeps the socket
        return process, server

    def start_command(self):
        process = self.start("--exec", f"echo $unixsocket > {self.socket}.name; sleep 1000; true")
        until(lambda: {"nbdkit", "sleep"} <= set(map(program_name, family(process.pid))), "nbdkit and the command")
        pids = {program_name(pid): pid for pid in family(process.pid)}
        path = pathlib.Path(self.socket + ".name").read_text().strip()
        return process, pids, path

    def test_a_term_signal_ends_a_server_with_its_summary(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                process, server = self.start_serving()
                process.send_signal(number)
                out, _ = process.communicate(timeout=PATIENCE)
                self.assertEqual(process.returncode, 0)
                self.assertIn("no findings", out)
                self.assertFalse(is_alive(server))
                self.assertFalse(os.path.exists(self.socket))

    def test_a_term_signal_reaches_the_command(self):
        process, pids, path = self.start_command()
        process.terminate()
        out, _ = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 128 + signal.SIGTERM)
        self.assertIn("no findings", out)
        self.assertFalse(os.path.exists(path))

    def test_drydock_killed_takes_the_server_and_the_command_along(self):
        process, pids, path = self.start_command()
        self.assertTrue(os.path.exists(path))
        process.kill()
        until(lambda: not any(map(is_alive, pids.values())), "nbdkit and the command to end")
        until(lambda: not os.path.exists(path), "the socket to go")

    def test_a_killed_server_is_one_line_and_ends_the_command(self):
        process, pids, path = self.start_command()
        os.kill(pids["nbdkit"], signal.SIGKILL)
        _, err = process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 5)
        self.assertRegex(err, r"\Adrydock: [^\n]+\n\Z")
        self.assertIn("killed by signal 9", err)
        self.assertFalse(is_alive(pids["sleep"]))
        self.assertFalse(os.path.exists(path))


class Plugin(FrontEnds):
    def test_the_plugin_offers_what_the_disk_can(self):
        run = nbdkit("-U", "-", PLUGIN, DRIVER, "disk=mem:16M", "--run", "nbdinfo --json $uri")
        export = json.loads(run.stdout)["exports"][0]
        self.assertEqual(export["export-size"], 16 << 20)
        for feature in ("can_flush", "can_fua", "can_multi_conn"):
            self.assertTrue(export[feature], feature)
        self.assertFalse(export["can_fast_zero"])
        self.assertFalse(export["is_read_only"])

    def test_a_read_only_disk_is_a_read_only_export(self):
        run = nbdkit("-U", "-", PLUGIN, DRIVER, "disk=mem:16M", "ro=true", "--run", "nbdinfo --json $uri")
        self.assertTrue(json.loads(run.stdout)["exports"][0]["is_read_only"])

    def test_a_report_is_written_when_the_server_ends(self):
        report = self.directory / "r.json"
        nbdkit("-U", "-", PLUGIN, DRIVER, "disk=mem:16M", f"report={report}", "--run", "nbdcopy $uri null:")
        self.assertEqual(json.loads(report.read_text())["outcome"], "clean")

    def test_a_driver_that_is_not_there_ends_nbdkit_with_a_line_before_it_starts(self):
        run = nbdkit("-f", "-U", self.socket, PLUGIN, str(self.directory / "none.sys"))
        self.assertNotEqual(run.returncode, 0)
        self.assertRegex(run.stderr, r"\Anbdkit: error: [^\n]+\n\Z")

    def test_a_machine_that_will_not_start_ends_nbdkit_with_a_line_and_a_report(self):
        report = self.directory / "r.json"
        run = nbdkit("-f", "-U", self.socket, PLUGIN, str(DRIVER.replace("ddvioblk.sys", "returns_error.sys")), f"report={report}")
        self.assertNotEqual(run.returncode, 0)
        self.assertRegex(run.stderr, r"\Anbdkit: error: [^\n]+\n\Z")
        self.assertEqual(json.loads(report.read_text())["outcome"], "refused")

    def test_only_the_entry_point_is_exported(self):
        run = subprocess.run(["nm", "-D", "--defined-only", PLUGIN], capture_output=True, text=True, check=True)
        self.assertEqual([line.split()[-1] for line in run.stdout.splitlines()], ["plugin_init"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
