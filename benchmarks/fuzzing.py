"""Generated and hostile cohorts and model files: no traceback, no wrong success, no hang.

usage: python benchmarks/fuzzing.py [--cases 5000] [--seed 1] [--out docs/results]

Cases are numbered; the same seed and number give the same case (``--only 17`` runs one of them).
Every hostile cohort of ``fuzz/hostile.py`` is run besides. Writes fuzzing.json; a find is printed
as it occurs, and the exit code is 1 when there is any. Progress goes to stderr.
"""

import argparse
import json
import sys
import time
from collections import Counter
from pathlib import Path

from fuzz.cases import KINDS, Outcome, run_case, run_hostile
from fuzz.hostile import HOSTILE

WORDS = ("read", "refused", "find")


def main() -> int:
    """Run all cases; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", type=int, help="run this case, and print its outcome")
    parser.add_argument("--hostile", action="store_true", help="run the hostile cohorts only")
    parser.add_argument("--out", type=Path, help="folder of fuzzing.json")
    options = parser.parse_args()
    if options.only is not None:
        print(run_case(options.seed, options.only))
        return 0
    counts: Counter[tuple[str, str]] = Counter()
    finds: list[str] = []
    started, used = time.monotonic(), time.process_time()
    for number in range(len(HOSTILE)):
        _count(run_hostile(number), f"hostile {HOSTILE[number].name}", counts, finds)
    last = options.first + (0 if options.hostile else options.cases)
    for number in range(options.first, last):
        _count(run_case(options.seed, number), f"case {number}", counts, finds)
        if number % 100 == 0:
            print(f"{number} of {last}, {len(finds)} finds", file=sys.stderr, flush=True)
    result = {
        "seed": options.seed,
        "cases": sum(counts.values()),
        "outcomes": {
            kind: {word: counts[kind, word] for word in WORDS} for kind in (*KINDS, "hostile")
        },
        "finds": finds,
        "wall_seconds": round(time.monotonic() - started),
        "processor_seconds": round(time.process_time() - used),
    }
    text = json.dumps(result, indent=1, ensure_ascii=False) + "\n"
    if options.out:
        (options.out / "fuzzing.json").write_text(text, encoding="utf-8", newline="\n")
    print(text)
    return 1 if finds else 0


def _count(outcome: Outcome, name: str, counts: Counter[tuple[str, str]], finds: list[str]) -> None:
    counts[outcome.kind, outcome.word] += 1
    if outcome.word == "find":
        finds.append(f"{name}: {outcome.what}")
        print(f"FIND {name}: {outcome.what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
