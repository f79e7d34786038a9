"""Runs the recipes of this folder on images, and compares their numbers with those of `ordo embed`.

    python3 check.py RUN IMAGE ... [--ordo bin/ordo] [--python PYTHON ...] [--node FOLDER] [--go]

PYTHON are interpreters with onnxruntime and pillow, FOLDER has the node_modules of onnxruntime-node and sharp. Needs
numpy itself. The run should be of images in files, or at least of a network for those. Exits with 1 where an image that
needs no lossy decoder (PNG) is more than 1e-5 off.

It prints the largest difference of a number, beside the largest number, and the smallest cosine of two rows, with the
image that has it.
"""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import numpy

HERE = pathlib.Path(__file__).resolve().parent


def output(command, folder=None):
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def own(ordo, run, images, work):
    """Rows of `ordo embed`, by file name."""
    root = work / "images"
    root.mkdir()
    for image in images:
        shutil.copy(image, root / image.name)
    output([ordo, "embed", run, "data.source=folder", "--data", root, "--split", "all", "--out", work / "own.npz",
            f"data.cache.dir={work}", "data.images=0", "data.test_images=0", "data.per_class=0", "data.test_per_class=0", "data.fold=0"])
    with numpy.load(work / "own.npz") as arrays:
        names = [os.path.basename(name) for name in arrays["ids"]]
        return {name: {output: arrays[output][i] for output in ("features", "embedding")}
                for i, name in enumerate(names)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("run")
    parser.add_argument("images", nargs="+", type=pathlib.Path)
    parser.add_argument("--ordo", default="bin/ordo")
    parser.add_argument("--python", action="append", default=[])
    parser.add_argument("--node")
    parser.add_argument("--go", action="store_true")
    args = parser.parse_args()
    images = [image.resolve() for image in args.images]
    bad = False
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        want = own(args.ordo, args.run, images, work)
        graph = work / "x.onnx"
        print(output([args.ordo, "export", args.run, "--onnx", graph]).replace(folder + "/", ""), end="")
        recipes = {}
        for python in args.python:
            version = output([python, "-c", "import onnxruntime; print(onnxruntime.__version__)"]).strip()
            recipes["Python, onnxruntime " + version] = [python, HERE / "embed.py", graph], None
        if args.node:
            package = pathlib.Path(args.node, "node_modules/onnxruntime-node/package.json")
            version = json.loads(package.read_text())["version"]
            recipes["Node, onnxruntime-node " + version] = ["node", HERE / "embed.mjs", graph], args.node
        if args.go:
            library = output([args.ordo, "runtime", "path"]).strip()
            recipes["Go, onnxruntime_go"] = ["go", "run", ".", library, graph], HERE / "go"
        for name, (command, at) in recipes.items():
            lines = [json.loads(line) for line in output(command + images, at).splitlines()]
            for kind in sorted({image.suffix for image in images}):
                for out in ("features", "embedding"):
                    pairs = [(numpy.array(line[out]), want[os.path.basename(line["file"])][out], line["file"])
                             for line in lines if line["file"].endswith(kind)]
                    off = max(abs(a - b).max() for a, b, _ in pairs)
                    most = max(abs(b).max() for _, b, _ in pairs)
                    cosine, file = min((a @ b / numpy.linalg.norm(a) / numpy.linalg.norm(b), file)
                                       for a, b, file in pairs)
                    print(f"{name}: {out} of {len(pairs)} {kind}: {off:.1e} of {most:.2g}, "
                          f"cosine {cosine:.7f} ({os.path.basename(file)})")
                    bad = bad or kind == ".png" and not off <= 1e-5 * max(1, most)
    sys.exit(bad)


if __name__ == "__main__":
    main()
