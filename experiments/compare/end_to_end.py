"""Trains mnist-rotation-e2e.yaml from JPEG files with ordo and with loop.py, in turn, and prints how much faster ordo is.

    make build
    bin/ordo data export data.source=idx data.root=data/mnist data.images=2000 --out runs/digits
    python3 experiments/compare/end_to_end.py runs/digits [KEY=VALUE ...] [--rounds 10] [--epochs 2] [--threads 2] [--json FILE]

KEY=VALUE changes ordo's experiment: data.cache.format=jpeg decodes an image for each of its views, where by default ordo decodes it once, when
the run starts, and loop.py once an epoch. Needs torch and torchvision.

In a round either program is started once. Its first epoch warms up; the others are timed from the end of the first to the end of the last, by
the clock of this script: loading, views, training and all that is between. "CPU" is processor time in that span, of all its processes
(Linux). "start" is from the program's start to the end of the first epoch: for ordo with decoding all images, for loop.py with loading torch.
Ratios are taken within a round; a line gives their median and, in brackets, the smallest and the largest.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
BATCH, VIEWS = 200, 5  # mnist-rotation-e2e.yaml's


def processor_time(pid):
    """Seconds of a process and of those that it has started; None where the system doesn't tell."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        ticks = sum(map(int, fields[11:13]))  # user and system
        total = ticks / os.sysconf("SC_CLK_TCK")
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", encoding="ascii") as f:
                total += sum(processor_time(child) or 0.0 for child in f.read().split())
        return total
    except OSError:
        return None


class Watch:
    """When a program's epochs ended, and what processor time it had taken then."""

    def __init__(self, command, epochs, **options):
        self.epochs, self.ends = epochs, []
        self.began = time.perf_counter()
        self.process = subprocess.Popen(command, **options)

    def epoch(self):
        self.ends.append((time.perf_counter(), processor_time(self.process.pid)))

    def result(self, views):
        """views: of an epoch."""
        if len(self.ends) < self.epochs:
            sys.exit(f"{self.process.args[0]} ended with status {self.process.wait()} after {len(self.ends)} epochs")
        (first, cpu0), (last, cpu1) = self.ends[0], self.ends[-1]
        views *= self.epochs - 1
        cpu = None if cpu0 is None or cpu1 is None else 1e3 * (cpu1 - cpu0) / views
        return {"views_per_second": views / (last - first), "cpu_ms_per_view": cpu, "start_seconds": first - self.began}


def train_torch(args, views):
    command = [sys.executable, str(HERE / "loop.py"), str(args.dir), "--epochs", str(args.epochs), "--batch-size", str(BATCH),
               "--threads", str(args.threads)]
    w = Watch(command, args.epochs, stdout=subprocess.PIPE, text=True)
    for _ in w.process.stdout:
        w.epoch()
    w.process.wait()
    return w.result(views)


def train_ordo(args, views):
    with tempfile.TemporaryDirectory() as folder:  # images that an earlier round has decoded are not there
        command = [args.ordo, "run", str(HERE / "mnist-rotation-e2e.yaml"), f"data.root={args.dir}", f"data.cache.dir={folder}/packed",
                   f"train.epochs={args.epochs}", f"model.threads={args.threads}", *args.overrides, "--out", f"{folder}/run"]
        with open(f"{folder}/said", "w", encoding="utf-8") as said:
            w = Watch(command, args.epochs, stdout=said, stderr=said)
            timing = pathlib.Path(folder, "run", "timing.jsonl")  # a line an epoch
            while len(w.ends) < args.epochs and w.process.poll() is None:
                lines = timing.read_text(encoding="utf-8").count("\n") if timing.exists() else 0
                while len(w.ends) < lines:
                    w.epoch()
                time.sleep(0.005)
            w.process.terminate()  # without the evaluation, which loop.py doesn't have
            w.process.wait()
        if len(w.ends) < args.epochs:
            sys.stderr.write(pathlib.Path(said.name).read_text(encoding="utf-8"))
        return w.result(views)


def line(name, rounds, key, inverse):
    """Medians of both programs, and of ordo's advantage."""
    ordo, torch = ([r[who][key] for r in rounds] for who in ("ordo", "torch"))
    if None in ordo + torch:
        return
    ratios = [t / o if inverse else o / t for o, t in zip(ordo, torch)]
    print(f"{name:20}{statistics.median(ordo):12.3g}{statistics.median(torch):12.3g}"
          f"{statistics.median(ratios):10.2f} ({min(ratios):.2f} - {max(ratios):.2f})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=pathlib.Path, help="folder that ordo data export has made")
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="changes of ordo's experiment")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=2, help="epochs a round, the first of which warms up")
    parser.add_argument("--threads", type=int, default=2, help="threads of the training step")
    parser.add_argument("--ordo", default="bin/ordo", help="the program")
    parser.add_argument("--json", metavar="FILE", help="write every round's numbers there as well")
    args = parser.parse_args()
    if args.epochs < 2:
        parser.error("--epochs: must be at least 2")
    images = sum(1 for _ in args.dir.glob("train/*/*.jpg"))
    if images < BATCH:
        parser.error(f"{args.dir}/train has {images} JPEG files in class folders, at least {BATCH} are needed")
    views = images // BATCH * BATCH * VIEWS

    rounds = []
    for turn in range(args.rounds):
        order = [("torch", train_torch), ("ordo", train_ordo)]
        rounds.append({name: train(args, views) for name, train in (order if turn % 2 else order[::-1])})
        r = rounds[-1]
        print(f"round {turn + 1} of {args.rounds}: ordo {r['ordo']['views_per_second']:.0f}, torch {r['torch']['views_per_second']:.0f} views/s",
              file=sys.stderr)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps({"views_an_epoch": views, "rounds": rounds}, indent=1) + "\n", encoding="utf-8")
    print(f"{'':20}{'ordo':>12}{'torch':>12}{'ratio':>10}")
    line("views/s", rounds, "views_per_second", False)
    line("CPU ms a view", rounds, "cpu_ms_per_view", True)
    line("start, seconds", rounds, "start_seconds", True)


if __name__ == "__main__":
    main()
