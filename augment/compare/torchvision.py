"""Times augment and other libraries at the same work: one image, one thread, from its bytes to a normalised tensor.

    python augment/compare/torchvision.py [--rounds 5] [--seconds 0.15] [--only NAME,NAME] [--json FILE]

The works are those of Workloads in augment/workloads_test.go, by the same names, on the image of augment's benchmarks.
Needs Go, torch and torchvision; Albumentations and OpenCV are timed where Python has them. In a round every library does a work in turn,
so a machine that slows down slows all of them; the table shows medians of the rounds, and medians of their ratios.

Columns, in images a second:

    ours          augment, everything: random draws, conversion, operation, normalisation
    torchvision   the operation and the conversion to a normalised float tensor, which is what ours does
    operation     torchvision's operation alone, on a tensor that is there already
    albument.     Albumentations, the operation and the conversion
    opencv        OpenCV, the operation alone, bytes to bytes; its resize is not antialiased

torchvision gets the faster of uint8 and float tensors. Ratios are ours by theirs: above 1 we are faster.
"""

import argparse
import json
import math
import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

sys.path.pop(0)  # this folder, whose torchvision.py would hide the library

import numpy as np
import torch
import torchvision
from torchvision.transforms import v2
from torchvision.transforms.v2 import InterpolationMode
from torchvision.transforms.v2 import functional as F

warnings.filterwarnings("ignore")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
try:
    import cv2

    cv2.setNumThreads(0)
except ImportError:
    cv2 = None
try:
    import albumentations as A
except ImportError:
    A = None

torch.set_num_threads(1)
BILINEAR, BICUBIC = InterpolationMode.BILINEAR, InterpolationMode.BICUBIC
LINEAR, CUBIC = 1, 2  # OpenCV's numbers, Albumentations' too
uniform = random.uniform


def texture(width, height):
    """The image of augment's benchmarks: detail at all scales."""
    y, x, c = np.meshgrid(np.arange(height) / height, np.arange(width) / width, np.arange(3.0), indexing="ij")
    v = np.sin(7 * x + c) * np.cos(5 * y - c) + 0.5 * np.sin(31 * x * y + 2 * c) + 0.3 * np.sin(90 * x - 70 * y)
    return (255 * np.clip(0.5 + 0.28 * v, 0, 1)).astype(np.uint8)


class Solarize(torch.nn.Module):
    """torchvision's solarize at half the range of either type, with a probability."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        return F.solarize(x, 128 if x.dtype == torch.uint8 else 0.5) if torch.rand(()) < self.p else x


def tv_recipe(size, interpolation, saturation, blur, solarize):
    steps = [
        v2.RandomResizedCrop(size, interpolation=interpolation, antialias=True),
        v2.RandomHorizontalFlip(0.5),
        v2.RandomApply([v2.ColorJitter(0.4, 0.4, saturation, 0.1)], 0.8),
        v2.RandomGrayscale(0.2),
    ]
    if blur:
        steps.append(v2.RandomApply([v2.GaussianBlur(23, (0.1, 2.0))], 0.5))
    if solarize:
        steps.append(Solarize(0.1))
    return v2.Compose(steps)


def torchvision_works():
    """The operations by name: each takes a tensor, uint8 or float."""


    def downscale(x):
        size = round(224 / 4 ** uniform(0, 1))
        return F.resize(F.resize(x, [size, size], BILINEAR, antialias=True), [224, 224], BILINEAR, antialias=True)

    return {
        "normalize": lambda x: x,
        "resize": lambda x: F.center_crop(F.resize(x, [224], BILINEAR, antialias=True), [224, 224]),
        "random_resized_crop": v2.RandomResizedCrop(224, interpolation=BILINEAR, antialias=True),
        "random_resized_crop_bicubic": v2.RandomResizedCrop(224, interpolation=BICUBIC, antialias=True),
        "horizontal_flip": F.horizontal_flip,
        "rotate": lambda x: F.rotate(x, uniform(-180, 180), BILINEAR),
        "affine": v2.RandomAffine((-30, 30), (0.2, 0.2), (0.8, 1.2), (-10, 10, -10, 10), interpolation=BILINEAR),
        "perspective": v2.RandomPerspective(0.5, p=1, interpolation=BILINEAR),
        "elastic": v2.ElasticTransform(interpolation=BILINEAR),
        "brightness": v2.ColorJitter(brightness=0.4),
        "contrast": v2.ColorJitter(contrast=0.4),
        "saturation": v2.ColorJitter(saturation=0.4),
        "hue": v2.ColorJitter(hue=0.1),
        "color_jitter": v2.ColorJitter(0.4, 0.4, 0.4, 0.1),
        "grayscale": lambda x: F.rgb_to_grayscale(x, 3),
        "gaussian_blur_9": lambda x: F.gaussian_blur(x, [9, 9], [2.0, 2.0]),
        "gaussian_blur_23": lambda x: F.gaussian_blur(x, [23, 23], [2.0, 2.0]),
        "sharpness": lambda x: F.adjust_sharpness(x, 2.0),
        "solarize": Solarize(1),
        "posterize": lambda x: F.posterize(x, 4),
        "equalize": F.equalize,
        "autocontrast": F.autocontrast,
        "gamma": lambda x: F.adjust_gamma(x, 2 ** uniform(-1, 1)),
        "noise": lambda x: F.gaussian_noise(x, sigma=uniform(0, 0.1)),
        "jpeg": lambda x: F.jpeg(x, random.randint(50, 100)),
        "downscale": downscale,
        "erasing": v2.RandomErasing(p=1),
        "simclr_32": tv_recipe(32, BILINEAR, 0.4, False, False),
        "simclr_224": tv_recipe(224, BILINEAR, 0.4, True, False),
        "byol_224": tv_recipe(224, BICUBIC, 0.2, True, True),
    }


def albumentations_works():
    """The operations by name: each takes an array as a named argument."""
    if A is None:
        return {}

    def jitter(b, c, s, h, p=1):
        return A.ColorJitter((1 - b, 1 + b), (1 - c, 1 + c), (1 - s, 1 + s), (-h, h), p=p)

    def crop(size, interpolation):
        return A.RandomResizedCrop(size=(size, size), interpolation=interpolation, p=1)

    def blur(kernel, sigma, p=1):
        return A.GaussianBlur(blur_limit=(kernel, kernel), sigma_limit=sigma, p=p)

    def recipe(size, interpolation, saturation, blurs, solarizes):
        steps = [crop(size, interpolation), A.HorizontalFlip(p=0.5), jitter(0.4, 0.4, saturation, 0.1, 0.8), A.ToGray(p=0.2)]
        if blurs:
            steps.append(blur(23, (0.1, 2.0), 0.5))
        if solarizes:
            steps.append(A.Solarize(threshold_range=(0.5, 0.5), p=0.1))
        return steps

    works = {
        "normalize": [],
        "resize": [A.SmallestMaxSize(224, interpolation=LINEAR), A.CenterCrop(224, 224)],
        "random_resized_crop": [crop(224, LINEAR)],
        "random_resized_crop_bicubic": [crop(224, CUBIC)],
        "horizontal_flip": [A.HorizontalFlip(p=1)],
        "rotate": [A.Rotate((-180, 180), interpolation=LINEAR, p=1)],
        "affine": [A.Affine(rotate=(-30, 30), translate_percent=(-0.2, 0.2), scale=(0.8, 1.2), shear=(-10, 10), interpolation=LINEAR, p=1)],
        "perspective": [A.Perspective(scale=(0.05, 0.25), interpolation=LINEAR, p=1)],
        "elastic": [A.ElasticTransform(alpha=50, sigma=5, interpolation=LINEAR, p=1)],
        "brightness": [jitter(0.4, 0, 0, 0)],
        "contrast": [jitter(0, 0.4, 0, 0)],
        "saturation": [jitter(0, 0, 0.4, 0)],
        "hue": [jitter(0, 0, 0, 0.1)],
        "color_jitter": [jitter(0.4, 0.4, 0.4, 0.1)],
        "grayscale": [A.ToGray(p=1)],
        "gaussian_blur_9": [blur(9, (2, 2))],
        "gaussian_blur_23": [blur(23, (2, 2))],
        "sharpness": [A.Sharpen(p=1)],
        "solarize": [A.Solarize(threshold_range=(0.5, 0.5), p=1)],
        "posterize": [A.Posterize(num_bits=4, p=1)],
        "equalize": [A.Equalize(p=1)],
        "autocontrast": [A.AutoContrast(p=1)],
        "gamma": [A.RandomGamma((50, 200), p=1)],
        "noise": [A.GaussNoise(std_range=(0, 0.1), p=1)],
        "jpeg": [A.ImageCompression(quality_range=(50, 100), p=1)],
        "downscale": [A.Downscale(scale_range=(0.25, 1), p=1)],
        "erasing": [A.Erasing(p=1)],
        "simclr_32": recipe(32, LINEAR, 0.4, False, False),
        "simclr_224": recipe(224, LINEAR, 0.4, True, False),
        "byol_224": recipe(224, CUBIC, 0.2, True, True),
    }
    return {name: A.Compose(steps) for name, steps in works.items()}


def opencv_works():
    """The operations by name: each takes an array and gives one of bytes."""
    if cv2 is None:
        return {}

    def crop(interpolation):
        def run(image):
            height, width = image.shape[:2]
            for _ in range(10):
                area, ratio = height * width * uniform(0.08, 1), math.exp(uniform(math.log(3 / 4), math.log(4 / 3)))
                w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
                if w <= width and h <= height:
                    break
            else:
                w = h = min(width, height)
            x, y = random.randint(0, width - w), random.randint(0, height - h)
            return cv2.resize(image[y : y + h, x : x + w], (224, 224), interpolation=interpolation)

        return run

    def warp(image, matrix):
        return cv2.warpAffine(image, matrix, (224, 224), flags=LINEAR, borderMode=cv2.BORDER_REFLECT)

    def gray(image):
        return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)

    def wide(image):
        return cv2.cvtColor(image, cv2.COLOR_GRAY2RGB)

    def brightness(image):
        return cv2.convertScaleAbs(image, alpha=uniform(0.6, 1.4))

    def contrast(image):
        k = uniform(0.6, 1.4)
        return cv2.convertScaleAbs(image, alpha=k, beta=cv2.mean(gray(image))[0] * (1 - k))

    def saturation(image):
        k = uniform(0.6, 1.4)
        return cv2.addWeighted(image, k, wide(gray(image)), 1 - k, 0)

    def hue(image):
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        turned = (np.arange(256) + round(180 * uniform(-0.1, 0.1))) % 180
        h, s, v = cv2.split(hsv)
        return cv2.cvtColor(cv2.merge((cv2.LUT(h, turned.astype(np.uint8)), s, v)), cv2.COLOR_HSV2RGB)

    return {
        "resize": lambda x: cv2.resize(x, (298, 224), interpolation=LINEAR)[:, 37:261],
        "random_resized_crop": crop(LINEAR),
        "random_resized_crop_bicubic": crop(CUBIC),
        "horizontal_flip": lambda x: cv2.flip(x, 1),
        "rotate": lambda x: warp(x, cv2.getRotationMatrix2D((111.5, 111.5), uniform(-180, 180), 1)),
        "affine": lambda x: warp(x, cv2.getRotationMatrix2D((111.5, 111.5), uniform(-30, 30), uniform(0.8, 1.2))),
        "brightness": brightness,
        "contrast": contrast,
        "saturation": saturation,
        "hue": hue,
        "color_jitter": lambda x: hue(saturation(contrast(brightness(x)))),
        "grayscale": lambda x: wide(gray(x)),
        "gaussian_blur_9": lambda x: cv2.GaussianBlur(x, (9, 9), 2),
        "gaussian_blur_23": lambda x: cv2.GaussianBlur(x, (23, 23), 2),
    }


def normalized(x):
    """A tensor of bytes or floats as a normalised float tensor, planes in a row."""
    return F.normalize(F.to_dtype(x, torch.float32, scale=True), [0.5] * 3, [0.5] * 3)


def candidates(name, image, tv, al, cv):
    """By column: the functions of which the fastest counts."""
    array, byte = image, torch.from_numpy(image).permute(2, 0, 1).contiguous()
    real = F.to_dtype(byte, torch.float32, scale=True)
    out = {}
    if name in tv:
        run = tv[name]
        out["torchvision"] = [
            lambda: normalized(run(byte)),
            lambda: F.normalize(run(F.to_dtype(byte, torch.float32, scale=True)), [0.5] * 3, [0.5] * 3),
        ]
        out["operation"] = [lambda: run(byte), lambda: run(real)]
    if name in al:
        out["albument."] = [lambda: normalized(torch.from_numpy(al[name](image=array)["image"]).permute(2, 0, 1).contiguous())]
    if name in cv:
        out["opencv"] = [lambda: cv[name](array)]
    return out


def rate(function, seconds):
    """Calls a second."""
    n, start = 0, time.perf_counter()
    while True:
        function()
        n += 1
        passed = time.perf_counter() - start
        if passed >= seconds:
            return n / passed


def works(function):
    """Warms up, and says whether the operation takes this type of tensor."""
    try:
        function()
    except (TypeError, ValueError, RuntimeError):
        return False
    return True


def our_rate(binary, name, seconds):
    text = subprocess.run(
        [binary, "-test.run=^$", f"-test.bench=^BenchmarkWorkload/{name}$", f"-test.benchtime={seconds}s"],
        check=True, capture_output=True, text=True, env={**os.environ, "GOMAXPROCS": "1"},
    ).stdout
    return float(re.search(r"([\d.]+) views/s", text).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often every library does every work, at least 5 for a claim")
    parser.add_argument("--seconds", type=float, default=0.15, help="how long it does it in a round")
    parser.add_argument("--only", default="", help="works to time, comma-separated; default all")
    parser.add_argument("--json", metavar="FILE", help="write every round's rates there as well")
    args = parser.parse_args()

    package = pathlib.Path(__file__).resolve().parent.parent
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(folder, "augment.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "."], check=True, cwd=package)
        listing = subprocess.run([binary, "-test.run=^TestWorkloads$", "-test.v"], check=True, capture_output=True, text=True, cwd=package)
        sizes = re.findall(r"workload (\w+): (\d+)x(\d+) to \d+", listing.stdout)
        wanted = set(filter(None, args.only.split(",")))
        unknown = wanted - {name for name, _, _ in sizes}
        if unknown:
            sys.exit(f"no workload is called {', '.join(sorted(unknown))}, there are {', '.join(w[0] for w in sizes)}")

        tv, al, cv = torchvision_works(), albumentations_works(), opencv_works()
        rounds = {}  # by work and column: a rate for each round
        for turn in range(args.rounds):
            for name, width, height in sizes:
                if wanted and name not in wanted:
                    continue
                record = rounds.setdefault(name, {})
                record.setdefault("ours", []).append(our_rate(binary, name, args.seconds))
                for column, functions in candidates(name, texture(int(width), int(height)), tv, al, cv).items():
                    rates = [rate(f, args.seconds) for f in functions if works(f)]
                    record.setdefault(column, []).append(max(rates))
            print(f"round {turn + 1} of {args.rounds}", file=sys.stderr)

    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    if cv2:
        versions["opencv"] = cv2.__version__
    if A:
        versions["albumentations"] = A.__version__
    if args.json:
        report = {"versions": versions, "seconds": args.seconds, "images_per_second": rounds}
        pathlib.Path(args.json).write_text(json.dumps(report, indent=1) + "\n")

    others = ["torchvision", "operation", "albument.", "opencv"]
    print("images a second on one thread, and ours by theirs;", ", ".join(f"{k} {v}" for k, v in versions.items()))
    print(f"{'work':28}{'ours':>10}" + "".join(f"{c:>13}{'ratio':>7}" for c in others))
    for name, record in rounds.items():
        line = f"{name:28}{statistics.median(record['ours']):10.0f}"
        for column in others:
            if column not in record:
                line += f"{'-':>13}{'':7}"
                continue
            ratio = statistics.median(o / t for o, t in zip(record["ours"], record[column]))
            line += f"{statistics.median(record[column]):13.0f}{ratio:7.1f}"
        print(line)


if __name__ == "__main__":
    main()
