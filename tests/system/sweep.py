#!/usr/bin/env python3
"""The self-check of every driver of ours, under many seeds on every memory layout, is clean. --seeds N says how many."""
from harness import Suite

LAYOUTS = ("mixed", "low", "high", "contiguous", "literal")

if __name__ == "__main__":
    with Suite() as suite:
        names = sorted(path.name for path in (suite.source / "drivers").iterdir() if path.is_dir())
        drivers = [suite.driver(name) for name in names if suite.driver(name).exists()]
        suite.check(drivers, "there are drivers to run")
        for driver in drivers:
            for layout in LAYOUTS:
                bad = []
                for seed in range(1, suite.arguments.seeds // len(LAYOUTS) + 1):
                    done = suite.drydock_run("--disk", "mem:8M", "--seed", seed, "--phys", layout, driver=driver)
                    if done.returncode != 0:
                        bad.append(f"seed {seed}: exit status {done.returncode}")
                suite.check(not bad, f"{driver.name}: every seed is clean on {layout} memory", "\n".join(bad))
