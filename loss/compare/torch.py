#!/usr/bin/env python3
"""Times the losses of ordo beside the same losses in torch: value and gradient, float32, one thread each.

    python3 loss/compare/torch.py [--rounds 11] [--seconds 0.3] [case ...]

needs Go, and a Python with torch. Rounds of both alternate, so that what else the machine does hits both alike: believe
the ratios (torch's time over ordo's, above 1 ordo is faster), not the times. A case is a torch function and the name of
a benchmark in ../bench_test.go that does the same; one without a benchmark is timed in torch alone.
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"
sys.path.pop(0)  # this folder, whose torch.py is not the torch that is meant
import torch
import torch.nn.functional as F

ROOT = pathlib.Path(__file__).resolve().parents[2]
CASES = {}


def case(benchmark, *shape):
    """Adds a loss of one tensor of this shape, view-major, and the benchmark that does the same."""

    def add(function):
        CASES[function.__name__] = (benchmark, shape, function)
        return function

    return add


@case("BenchmarkNTXent/1024x2x128", 2, 1024, 128)
def ntxent(z, temperature=0.2):
    views, images, dim = z.shape
    unit = F.normalize(z.reshape(-1, dim), dim=1)
    similarity = unit @ unit.T / temperature
    similarity.fill_diagonal_(float("-inf"))
    return F.cross_entropy(similarity, torch.arange(views * images).roll(images))


@case("BenchmarkNTXent/128x2x128", 2, 128, 128)
def ntxent_small(z):
    return ntxent(z)


SCALES = torch.cat([torch.zeros(2, 1024), torch.rand(3, 1024, generator=torch.Generator().manual_seed(1))])
TIE = 1e-9


def groups(z, scale, anchors):
    """Cosine distances [images, anchors, views], where they are between two views, and closer [images, anchors, views,
    views]: whether the first view is closer to the anchor than the second by scale."""
    unit = F.normalize(z, dim=2).transpose(0, 1)
    distance = 1 - unit[:, :anchors] @ unit.transpose(1, 2)
    scale = scale[:, : z.shape[1]].T
    apart = (scale[:, None, :] - scale[:, :anchors, None]).abs()
    other = ~torch.eye(z.shape[0], dtype=torch.bool)[:anchors]
    closer = apart[:, :, :, None] < apart[:, :, None, :] - TIE
    return distance, other, closer & other[:, :, None] & other[:, None, :]


def masked_mean(x, mask):
    return (x * mask).sum() / mask.sum()


@case("BenchmarkOrder/ranknet/cosine/origin/1024x5x128", 5, 1024, 128)
def ranknet(z, temperature=0.1, scale=SCALES, anchors=2):
    distance, _, closer = groups(z, scale, anchors)
    return masked_mean(F.softplus((distance[:, :, :, None] - distance[:, :, None, :]) / temperature), closer)


@case("BenchmarkOrder/triplet/cosine/origin/1024x5x128", 5, 1024, 128)
def triplet(z, margin=0.2, scale=SCALES, anchors=2):
    distance, _, closer = groups(z, scale, anchors)
    return masked_mean(F.relu(distance[:, :, :, None] - distance[:, :, None, :] + margin), closer)


@case("BenchmarkOrder/listmle/cosine/origin/1024x5x128", 5, 1024, 128)
def listmle(z, temperature=0.1, scale=SCALES, anchors=2):
    distance, other, closer = groups(z, scale, anchors)
    score = -distance / temperature
    choice = closer | torch.eye(z.shape[0], dtype=torch.bool)
    all = score[:, :, None, :].masked_fill(~choice, float("-inf")).logsumexp(3)
    return ((all - score) * other).sum() / closer.flatten(2).any(2).sum()


@case("BenchmarkOrder/rank_n_contrast/euclidean/all/1024x5x128", 5, 1024, 128)
def rank_n_contrast(z, temperature=2, scale=SCALES):
    """Every row's others, the furthest by scale first: the denominators are then cumulative sums."""
    rows = z.reshape(-1, z.shape[2])
    count = len(rows)
    off = ~torch.eye(count, dtype=torch.bool)
    with torch.no_grad():
        scale = scale[:, : z.shape[1]].reshape(-1)
        apart, order = (scale[:, None] - scale).abs()[off].view(count, -1).sort(dim=1, descending=True)
        order += order >= torch.arange(count)[:, None]  # as a place among all rows
        last = torch.searchsorted(-apart, TIE - apart, right=True) - 1
    square = rows.pow(2).sum(1)
    distance = ((square[:, None] + square - 2 * rows @ rows.T).clamp(min=0) + 1e-12).sqrt()
    score = (-distance / temperature).gather(1, order)
    most = score.detach().amax(1, keepdim=True)
    all = (score - most).exp().cumsum(1).log() + most
    return (all.gather(1, last) - score).mean()


@case("BenchmarkOrder/rank_n_contrast/euclidean/all/200x5x128", 5, 200, 128)
def rank_n_contrast_small(z):
    return rank_n_contrast(z)


@case("BenchmarkVICReg/1024x2x512", 2, 1024, 512)
def vicreg(z, eps=1e-4):
    _, images, dim = z.shape
    total = 25 * F.mse_loss(z[0], z[1])
    for view in z:
        centred = view - view.mean(0)
        deviation = (centred.var(0) + eps).sqrt()
        covariance = centred.T @ centred / (images - 1)
        off = covariance.pow(2).sum() - covariance.diagonal().pow(2).sum()
        total = total + 25 * F.relu(1 - deviation).mean() / 2 + off / dim
    return total


@case("BenchmarkBarlowTwins/1024x2x512", 2, 1024, 512)
def barlow_twins(z, weight=0.0051):
    a, b = ((v - v.mean(0)) / (v.var(0, unbiased=False) + 1e-5).sqrt() for v in z)
    correlation = a.T @ b / z.shape[1]
    diagonal = correlation.diagonal()
    off = correlation.pow(2).sum() - diagonal.pow(2).sum()
    return (1 - diagonal).pow(2).sum() + weight * off


def torch_milliseconds(function, z, seconds):
    """Mean time of value and gradient over so many seconds."""
    count, start = 0, time.perf_counter()
    while True:
        z.grad = None
        function(z).backward()
        count += 1
        passed = time.perf_counter() - start
        if passed >= seconds:
            return passed / count * 1e3


def go_milliseconds(binary, benchmark, seconds):
    """The same of a Go benchmark, or None where there is no such benchmark."""
    pattern = "/".join(f"^{part}$" for part in benchmark.split("/"))
    command = [binary, "-test.run", "^$", "-test.bench", pattern, "-test.benchtime", f"{seconds}s", "-test.cpu", "1"]
    text = subprocess.run(command, cwd=ROOT / "loss", capture_output=True, text=True, check=True).stdout
    found = re.search(r"([\d.]+) ns/op", text)
    return float(found[1]) / 1e6 if found else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--seconds", type=float, default=0.3, help="a round of one side takes so long")
    parser.add_argument("case", nargs="*", help=f"of {', '.join(CASES)}; all by default")
    options = parser.parse_args()
    for name in options.case:
        if name not in CASES:
            parser.error(f"no case {name}")
    torch.set_num_threads(1)
    torch.manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(folder, "loss.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "./loss"], cwd=ROOT, check=True)
        print(f"torch {torch.__version__}, one thread; medians of {options.rounds} rounds")
        print(f"{'case':21} {'shape':14} {'torch ms':>9} {'ordo ms':>9} {'ratio':>6}")
        for name in options.case or CASES:
            benchmark, shape, function = CASES[name]
            z = torch.randn(shape, requires_grad=True)
            torch_milliseconds(function, z, options.seconds)  # warm up
            theirs, ours = [], []
            for _ in range(options.rounds):
                theirs.append(torch_milliseconds(function, z, options.seconds))
                ours.append(go_milliseconds(binary, benchmark, options.seconds))
            line = f"{name:21} {'x'.join(map(str, shape)):14} {statistics.median(theirs):9.3f}"
            if None in ours:
                print(line, f"{'-':>9} {'-':>6}")
                continue
            ratio = statistics.median(t / o for t, o in zip(theirs, ours))
            print(line, f"{statistics.median(ours):9.3f} {ratio:6.2f}")


if __name__ == "__main__":
    main()
