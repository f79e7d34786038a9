"""Logs to Weights & Biases what `ordo export-metrics RUN ... --format wandb --out FOLDER` writes.

    pip install wandb
    python3 wandb_import.py FOLDER                    # offline: `wandb sync wandb/offline-run-*` sends it
    python3 wandb_import.py FOLDER --mode online --project photos

Each run gets its folder's name, and an id of that name and its hash, so that the same run twice is one run there.
"""
import argparse
import json
import pathlib
import re

import wandb

parser = argparse.ArgumentParser()
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--project", default="ordo")
parser.add_argument("--mode", default="offline", choices=["offline", "online"])
args = parser.parse_args()
for history in sorted(args.folder.rglob("history.jsonl")):
    name = str(history.parent.relative_to(args.folder))
    config = json.loads((history.parent / "config.json").read_text())
    identity = re.sub(r"[^A-Za-z0-9_-]", "-", name)[-100:] + "-" + config["ordo"]["hash"]
    run = wandb.init(project=args.project, name=name, id=identity, config=config, mode=args.mode)
    with history.open() as lines:
        for line in lines:
            numbers = json.loads(line)
            run.log(numbers, step=numbers.pop("_step"))  # _timestamp says when it was
    run.summary.update(json.loads((history.parent / "summary.json").read_text()))
    run.finish()
