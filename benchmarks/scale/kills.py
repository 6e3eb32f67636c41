"""Kill counting and merging at random moments: afterwards there is the old file or the new one, and nothing else.

python -m benchmarks.scale.kills [--times 500] [--seed 1] [--out FILE]
"""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import measure

LINES = 400
WORKER = """
import sys
from pathlib import Path
from nlp_zero.words import bounded
from nlp_zero.words.runs import merge_runs
folder, lines = Path(sys.argv[1]), Path(sys.argv[2]).read_text(encoding="utf-8").split("\\n")
bounded.batch_size = lambda *_: 4000
print("ready", flush=True)
while True:
    bounded.count_text(lines, folder / "counts.run", folder=sys.argv[3])
    merge_runs([folder / "counts.run"] * 3, folder / "merged.run", folder=sys.argv[3])
"""


def start(folder: Path, text: Path, temporary: Path) -> subprocess.Popen[str]:
    """A process that counts and merges for ever."""
    command = [sys.executable, "-c", WORKER, str(folder), str(text), str(temporary)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=measure.environment())
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    return child


def whole(folder: Path, text: Path, temporary: Path) -> dict[str, bytes]:
    """The two files as they shall be."""
    child = start(folder, text, temporary)
    names = ("counts.run", "merged.run")
    while not all((folder / name).exists() for name in names):
        time.sleep(0.01)
    child.kill()
    child.communicate()
    return {name: (folder / name).read_bytes() for name in names}


def main() -> None:
    parser = measure.options("Kill counting and merging at random moments.")
    parser.add_argument("--times", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = measure.begin(parser)
    moments = random.Random(options.seed)
    tally = {"the old file": 0, "the new file": 0, "something else": 0, "left in the folder of temporary files": 0}
    hidden = 0
    with tempfile.TemporaryDirectory() as name:
        folder, temporary, text = Path(name, "out"), Path(name, "tmp"), Path(name, "text.txt")
        folder.mkdir()
        temporary.mkdir()
        text.write_text(
            "\n".join("".join(chr(0x4E00 + line * place % 900) for place in range(50)) for line in range(LINES)),
            encoding="utf-8",
        )
        wanted = whole(folder, text, temporary)
        for turn in range(options.times):
            for path in wanted:
                (folder / path).write_bytes(b"old")
            child = start(folder, text, temporary)
            time.sleep(moments.expovariate(4))
            os.kill(child.pid, signal.SIGKILL)
            child.communicate()
            for path, content in wanted.items():
                found = (folder / path).read_bytes()
                kinds = {b"old": "the old file", content: "the new file"}
                tally[kinds.get(found, "something else")] += 1
            tally["left in the folder of temporary files"] += len(list(temporary.iterdir()))
            leftovers = [path for path in folder.iterdir() if path.name not in wanted]
            hidden += len(leftovers)
            for path in leftovers:
                path.unlink()
            if turn % 50 == 0:
                print(turn, tally, file=sys.stderr, flush=True)
    rows = [[kind, f"{number:,}"] for kind, number in tally.items()]
    rows.append(["hidden unfinished files beside the target", f"{hidden:,}"])
    header = measure.header(f"{options.times} kills at random moments")
    note = "Two files are looked at after each kill: one of counts, one of merged counts."
    measure.publish(f"{header}\n{measure.table(['what was found', 'times'], rows)}\n\n{note}", options.out)


if __name__ == "__main__":
    main()
