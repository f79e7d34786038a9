"""Times the transformations of an experiment in torchvision and in Albumentations, on one thread.

ordo writes the images as raw pixels into a folder and starts this script in it; images.json lists them as
[name, width, height]. Requests come as lines of JSON on standard input, and each is answered by a line on standard output:

    {"hello": true}                      -> {"python": …, "torchvision": …, "albumentations": …}, null for what isn't there
    {"library": …, "operation": {"name", "views", "size", "mean", "std"}, "seconds": …}
                                         -> {"views": …, "seconds": …} or {"missing": reason}

An operation's views are lists of steps, as an experiment file has them; the script renders them in turn.
"""

import json
import math
import os
import platform
import random
import sys
import time

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"

import numpy as np  # noqa: E402  (after the number of threads)


class Missing(Exception):
    """What the library doesn't have."""


def step_of(entry):
    """(name, parameters) of an entry of a list of steps; those of a family have "family" in them."""
    if "family" in entry:
        return entry["family"], entry
    (name, parameters), = entry.items()
    return name, parameters or {}


def chance(parameters):
    return parameters.get("p", 1.0)


def images():
    with open("images.json", encoding="utf-8") as f:
        for name, width, height in json.load(f):
            yield np.fromfile(name, np.uint8).reshape(height, width, 3)


class Torchvision:
    """torchvision.transforms.v2 on uint8 CHW tensors."""

    def __init__(self):
        import torch
        import torchvision
        from torchvision.transforms import v2

        torch.set_num_threads(1)
        self.torch, self.v2, self.f = torch, v2, v2.functional
        self.version = "%s with torch %s" % (torchvision.__version__, torch.__version__)
        self.images = [torch.from_numpy(i).permute(2, 0, 1).contiguous() for i in images()]

    def view(self, steps, operation):
        v2, size = self.v2, operation["size"]
        out = []
        names = [step_of(s)[0] for s in steps]
        if not any(n in ("random_resized_crop", "resize", "center_crop") for n in names):
            out.append(lambda x: self.whole(x, size))
        out += [self.step(*step_of(s), size) for s in steps]
        if "resize" in names or "center_crop" in names:
            out.append(lambda x: self.whole(x, size))
        out.append(v2.ToDtype(self.torch.float32, scale=True))
        out.append(v2.Normalize(operation["mean"], operation["std"]))

        def run(x):
            for f in out:
                x = f(x)
            return x

        return run

    def whole(self, x, size):
        short = min(x.shape[-2:])
        if x.shape[-2] != x.shape[-1]:
            x = self.f.center_crop(x, [short, short])
        if short != size:
            x = self.f.resize(x, [size, size], antialias=True)
        return x

    def step(self, name, p, size):
        v2 = self.v2
        if "family" in p:
            if "with" in p:
                return v2.Compose([self.family(m["family"], m["max"], size) for m in [p] + p["with"]])
            return self.family(name, p["max"], size)
        sometimes = lambda t: t if chance(p) >= 1 else v2.RandomApply([t], chance(p))  # noqa: E731
        if name == "random_resized_crop":
            bicubic = p.get("interpolation") == "bicubic"
            mode = v2.InterpolationMode.BICUBIC if bicubic else v2.InterpolationMode.BILINEAR
            return v2.RandomResizedCrop(size, tuple(p["scale"]), tuple(p["ratio"]), mode, antialias=True)
        if name == "horizontal_flip":
            return v2.RandomHorizontalFlip(chance(p))
        if name == "vertical_flip":
            return v2.RandomVerticalFlip(chance(p))
        if name == "color_jitter":
            return sometimes(v2.ColorJitter(p["brightness"], p["contrast"], p["saturation"], p["hue"]))
        if name == "grayscale":
            return v2.RandomGrayscale(chance(p))
        if name == "gaussian_blur":
            return sometimes(v2.GaussianBlur(p.get("kernel_size") or max(3, size // 10 | 1), tuple(p["sigma"])))
        if name == "solarize":
            return v2.RandomSolarize(255 * p["threshold"], chance(p))
        if name == "posterize":
            return v2.RandomPosterize(int(p["bits"]), chance(p))
        if name == "equalize":
            return v2.RandomEqualize(chance(p))
        if name == "autocontrast":
            return v2.RandomAutocontrast(chance(p))
        if name == "sharpness":
            return v2.RandomAdjustSharpness(p["sharpness_factor"], chance(p))
        if name == "random_rotation":
            return v2.RandomRotation(p["degrees"], v2.InterpolationMode.BILINEAR)
        if name == "random_affine":
            shear = p["shear"] if any(p["shear"]) else None
            return v2.RandomAffine(p["degrees"], p["translate"], p["scale"], shear, v2.InterpolationMode.BILINEAR)
        if name == "random_perspective":
            return v2.RandomPerspective(p["distortion_scale"], chance(p))
        if name == "random_erasing":
            return v2.RandomErasing(chance(p), tuple(p["scale"]), tuple(p["ratio"]))
        if name == "resize":
            return v2.Resize(p.get("size") or size, antialias=True)
        if name == "center_crop":
            return v2.CenterCrop(p.get("size") or size)
        raise Missing("torchvision has nothing for %s" % name)

    def family(self, name, most, size):
        f, u, bilinear = self.f, random.random, self.v2.InterpolationMode.BILINEAR
        signed = lambda: random.uniform(-1, 1)  # noqa: E731
        affine = lambda x, angle=0.0, dx=0.0, dy=0.0, scale=1.0, shear=(0.0, 0.0): f.affine(  # noqa: E731
            x, angle=angle, translate=[dx, dy], scale=scale, shear=list(shear), interpolation=bilinear)
        two_sided = lambda: most ** signed()  # noqa: E731

        def direction(x):
            turn = 2 * math.pi * u()
            far = most * u() * size
            return affine(x, dx=far * math.cos(turn), dy=far * math.sin(turn))

        def blur(x):
            sigma = max(1e-3, most * u())
            return f.gaussian_blur(x, 2 * math.ceil(3 * sigma) + 1, sigma)

        def erase(x):
            side = max(1, round(math.sqrt(most * u()) * size))
            return f.erase(x, random.randint(0, size - side), random.randint(0, size - side), side, side,
                           self.torch.zeros(3, 1, 1, dtype=x.dtype))

        def downscale(x):
            small = max(1, round(size / most ** u()))
            return f.resize(f.resize(x, [small, small], antialias=True), [size, size], antialias=True)

        def perspective(x):
            far, end = most * u() * size / 2, size - 1
            corners = [[0, 0], [end, 0], [end, end], [0, end]]
            moved = [[abs(a - far * u()), abs(b - far * u())] for a, b in corners]
            return f.perspective(x, corners, moved, interpolation=bilinear)

        table = {
            "rotate": lambda x: f.rotate(x, most * signed(), interpolation=bilinear),
            "quarter_turn": lambda x: self.torch.rot90(x, random.randint(0, 3), (1, 2)),
            "zoom": lambda x: affine(x, scale=most ** u()),
            "crop": lambda x: f.resized_crop(x, 0, 0, *2 * [max(1, int(size * math.sqrt(1 - most * u())))], [size, size], antialias=True),
            "translate": direction,
            "translate_x": lambda x: affine(x, dx=most * signed() * size),
            "translate_y": lambda x: affine(x, dy=most * signed() * size),
            "shear_x": lambda x: affine(x, shear=(most * signed(), 0.0)),
            "shear_y": lambda x: affine(x, shear=(0.0, most * signed())),
            "perspective": perspective,
            "elastic": self.v2.ElasticTransform(alpha=50 * most),
            "blur": blur,
            "sharpness": lambda x: f.adjust_sharpness(x, 1 + most * u()),
            "noise": lambda x: f.gaussian_noise(f.to_dtype(x, self.torch.float32, scale=True), sigma=most * u()),
            "jpeg": lambda x: f.jpeg(x, max(1, round(100 - most * u()))),
            "posterize": lambda x: f.posterize(x, max(1, round(8 - most * u()))),
            "solarize": lambda x: f.solarize(x, 255 * (1 - most * u())),
            "downscale": downscale,
            "brightness": lambda x: f.adjust_brightness(x, two_sided()),
            "contrast": lambda x: f.adjust_contrast(x, two_sided()),
            "saturation": lambda x: f.adjust_saturation(x, two_sided()),
            "gamma": lambda x: f.adjust_gamma(x, two_sided()),
            "hue": lambda x: f.adjust_hue(x, max(-0.5, min(0.5, most * signed()))),
            "grayscale": lambda x: f.adjust_saturation(x, 1 - most * u()),
            "erase": erase,
        }
        if name not in table:
            raise Missing("torchvision has nothing for %s" % name)
        return table[name]


class Albumentations:
    """Albumentations on uint8 HWC arrays."""

    def __init__(self):
        import albumentations
        import cv2

        cv2.setNumThreads(1)
        self.a, self.cv2 = albumentations, cv2
        self.version = albumentations.__version__
        self.images = list(images())

    def view(self, steps, operation):
        a, size = self.a, operation["size"]
        out = []
        if not any(step_of(s)[0] == "random_resized_crop" for s in steps):
            out.append(self.whole(size))
        out += [self.step(*step_of(s), size) for s in steps]
        out.append(a.Normalize(operation["mean"], operation["std"]))
        compose = a.Compose(out)

        def run(x):
            return np.ascontiguousarray(compose(image=x)["image"].transpose(2, 0, 1))

        return run

    def whole(self, size):
        a = self.a
        return a.Compose([a.SmallestMaxSize(size), a.CenterCrop(size, size)])

    def step(self, name, p, size):
        a = self.a
        if "family" in p:
            if "with" in p:
                return a.Compose([self.step(m["family"], m, size) for m in [{"family": name, "max": p["max"]}] + p["with"]])
            most = p["max"]
            border = self.cv2.BORDER_REFLECT_101
            table = {
                "rotate": lambda: a.Rotate((-most, most), border_mode=border, p=1),
                "zoom": lambda: a.Affine(scale=tuple(sorted((1, most))), border_mode=border, p=1),
                "translate": lambda: a.Affine(translate_percent=(-most, most), border_mode=border, p=1),
                "blur": lambda: a.GaussianBlur(blur_limit=0, sigma_limit=(0.01, most), p=1),
                "brightness": lambda: a.RandomBrightnessContrast((1 / most - 1, most - 1), (0, 0), p=1),
                "hue": lambda: a.HueSaturationValue((-180 * most, 180 * most), (0, 0), (0, 0), p=1),
            }
            if name not in table:
                raise Missing("the script has no counterpart of %s in Albumentations" % name)
            return table[name]()
        if name == "random_resized_crop":
            return a.RandomResizedCrop((size, size), scale=tuple(p["scale"]), ratio=tuple(p["ratio"]))
        if name == "horizontal_flip":
            return a.HorizontalFlip(p=chance(p))
        if name == "vertical_flip":
            return a.VerticalFlip(p=chance(p))
        if name == "color_jitter":
            around = lambda v: (max(0.0, 1 - v), 1 + v)  # noqa: E731
            return a.ColorJitter(around(p["brightness"]), around(p["contrast"]), around(p["saturation"]),
                                 (-p["hue"], p["hue"]), p=chance(p))
        if name == "grayscale":
            return a.ToGray(p=chance(p))
        if name == "gaussian_blur":
            kernel = p.get("kernel_size") or max(3, size // 10 | 1)
            return a.GaussianBlur(blur_limit=(kernel, kernel), sigma_limit=tuple(p["sigma"]), p=chance(p))
        if name == "solarize":
            return a.Solarize(threshold_range=(p["threshold"], p["threshold"]), p=chance(p))
        if name == "posterize":
            return a.Posterize(num_bits=int(p["bits"]), p=chance(p))
        if name == "equalize":
            return a.Equalize(p=chance(p))
        if name == "autocontrast":
            return a.AutoContrast(p=chance(p))
        raise Missing("the script has no counterpart of %s in Albumentations" % name)


def measure(library, operation, seconds):
    views = [library.view(steps, operation) for steps in operation["views"]]
    for view in views:  # once, to warm up
        view(library.images[0])
    done, start = 0, time.perf_counter()
    while True:
        views[done % len(views)](library.images[done // len(views) % len(library.images)])
        done += 1
        took = time.perf_counter() - start
        if took >= seconds:
            return {"views": done, "seconds": took}


def main():
    answers, sys.stdout = sys.stdout, sys.stderr  # nothing that a library prints gets among the answers
    libraries, hello = {}, {"python": platform.python_version()}
    for name, make in (("torchvision", Torchvision), ("albumentations", Albumentations)):
        try:
            libraries[name] = make()
            hello[name] = libraries[name].version
        except ImportError:
            hello[name] = None
    for line in sys.stdin:
        request = json.loads(line)
        if "hello" in request:
            answer = hello
        else:
            try:
                answer = measure(libraries[request["library"]], request["operation"], request["seconds"])
            except Missing as e:
                answer = {"missing": str(e)}
            except Exception as e:  # another version's interface
                answer = {"missing": "%s: %s" % (type(e).__name__, e)}
        print(json.dumps(answer), file=answers, flush=True)


main()
