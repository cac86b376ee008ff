"""`python -m tests.fuzz [TARGET]`: coverage-guided fuzzing of every target, or of one, by atheris; FUZZ_SECONDS each.

What breaks a target is written to `build/fuzz/crash-...`, and `python -m tests.fuzz TARGET FILE` does it again. What was
found to reach new code is kept in `build/fuzz/TARGET/` and begun with the next time. Without atheris it says so and ends 0:
the same targets run under hypothesis before it (`make fuzz`).
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path("build/fuzz")
SECONDS = os.environ.get("FUZZ_SECONDS", "60")
SOURCES = ["broker.gateway", "broker.hub", "protocol"]
MEGABYTES = 2048


def run(name: str, *files: str) -> None:
    """One target, in this process; it ends it."""
    import atheris

    with atheris.instrument_imports(include=SOURCES):
        from tests.fuzz.targets import SEEDS, TARGETS
    corpus = FOLDER / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]):
        (corpus / f"seed-{number}").write_bytes(seed)
    limits = [f"-max_total_time={SECONDS}", "-max_len=4096", "-timeout=10", f"-rss_limit_mb={MEGABYTES}"]
    where = [*files] or [str(corpus), f"-artifact_prefix={FOLDER}/crash-{name}-"]
    atheris.Setup([sys.argv[0], *limits, *where], TARGETS[name])
    atheris.Fuzz()


def main() -> int:
    if importlib.util.find_spec("atheris") is None:
        print("atheris is not installed here (pip install atheris); hypothesis has run alone.")
        return 0
    if len(sys.argv) > 1:
        run(*sys.argv[1:])
    from tests.fuzz.targets import TARGETS

    broken = []
    for name in TARGETS:
        print(f"fuzzing {name} for {SECONDS} s", flush=True)
        done = subprocess.run([sys.executable, "-m", "tests.fuzz", name], stderr=subprocess.PIPE, text=True, check=False)
        told = [line for line in done.stderr.splitlines() if line.startswith(("#", "Done"))]
        print("  " + (told[-1] if told else "nothing was run"), flush=True)
        if done.returncode:
            broken.append(name)
            print("\n".join(line for line in done.stderr.splitlines() if not line.startswith("#")))
    if broken:
        print(f"broken: {', '.join(broken)}; the inputs are in {FOLDER}/, see tests/fuzz/__main__.py")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
