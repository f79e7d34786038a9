"""Writes torchvision.json and torchvision.bin anew: what torchvision's functionals make of the two photographs in
torchvision.bin. Run it in this folder, with torch and torchvision 0.23."""
import json

import numpy as np
import torch
import torchvision
from torchvision.transforms.v2 import InterpolationMode as Mode
from torchvision.transforms.v2 import functional as F

STRIDE = 17  # every so many pixels of a result are kept

old = json.load(open("torchvision.json"))
data = open("torchvision.bin", "rb").read()
inputs = {}
for i in old["inputs"]:
    n = 3 * i["width"] * i["height"]
    inputs[i["name"]] = np.frombuffer(data[i["offset"]:i["offset"] + n], np.uint8).reshape(i["height"], i["width"], 3)

CORNERS = [[0, 0], [95, 0], [95, 79], [0, 79]]
both, floats, bytes_ = [], [], []  # operations on either kind of tensor, on float32 in [0, 1], on uint8


def op(to, name, f, **params):
    to.append((name, f, params))


def shift(u, x):  # a number in [0, 1] as the tensor has it
    return x if u.is_floating_point() else int(255 * x + 0.5)


for angle in (-30, 15, 45, 90, 133):  # fill=0, the classes' default, darkens border pixels twice
    op(floats, "rotate", lambda x, angle: F.rotate(x, angle, Mode.BILINEAR, fill=0), angle=angle)
op(both, "rotate", lambda x, angle, nofill: F.rotate(x, angle, Mode.BILINEAR), angle=-30, nofill=True)
for p in (dict(angle=20., translate=[7, -5], scale=.8, shear=[10., 0.]), dict(angle=0., translate=[0, 0], scale=1.3, shear=[0., -15.])):
    op(floats, "affine", lambda x, **p: F.affine(x, **p, interpolation=Mode.BILINEAR, fill=0), **p)
for p in (dict(angle=0., translate=[0, 0], scale=1., shear=[25., 0.]), dict(angle=0., translate=[0, 0], scale=1., shear=[0., -20.]),
          dict(angle=-12., translate=[-9, 4], scale=1.2, shear=[7., 11.])):
    op(both, "affine", lambda x, nofill, **p: F.affine(x, **p, interpolation=Mode.BILINEAR), nofill=True, **p)
ends = [[8, 4], [90, 10], [85, 70], [3, 75]]
op(floats, "perspective", lambda x, endpoints: F.perspective(x, CORNERS, endpoints, Mode.BILINEAR, fill=0), endpoints=ends)
for ends in ([[8, 4], [90, 10], [85, 70], [3, 75]], [[20, 0], [75, 0], [95, 79], [0, 79]], [[0, 17], [80, 0], [60, 50], [22, 79]]):
    op(both, "perspective", lambda x, endpoints, nofill: F.perspective(x, CORNERS, endpoints, Mode.BILINEAR), endpoints=ends, nofill=True)
for mode in ("bilinear", "bicubic"):
    for p in (dict(top=5, left=9, height=60, width=70, size=[32, 32]), dict(top=20, left=30, height=21, width=17, size=[64, 64])):
        op(both, "resized_crop", lambda x, interpolation, **p: F.resized_crop(x, **p, interpolation=Mode(interpolation), antialias=True), interpolation=mode, **p)
    op(both, "resize", lambda x, size, interpolation: F.resize(x, size, Mode(interpolation), antialias=True), size=[24, 40], interpolation=mode)
for p in (dict(size=[40], crop=32), dict(size=[64], crop=64)):
    op(floats, "center_crop", lambda x, size, crop: F.center_crop(F.resize(x, size, antialias=True), crop), **p)
op(floats, "horizontal_flip", lambda x: F.horizontal_flip(x))
op(floats, "vertical_flip", lambda x: F.vertical_flip(x))
for k in (.4, 1.7):
    op(both, "brightness", lambda x, factor: F.adjust_brightness(x, factor), factor=k)
for k in (.3, 1.8):
    op(both, "contrast", lambda x, factor: F.adjust_contrast(x, factor), factor=k)
for k in (0., 2.2):
    op(both, "saturation", lambda x, factor: F.adjust_saturation(x, factor), factor=k)
for k in (-.37, .1, .5):
    op(both, "hue", lambda x, factor: F.adjust_hue(x, factor), factor=k)
op(both, "grayscale", lambda x: F.rgb_to_grayscale(x, 3))
for k, s in ((3, .5), (9, 2.), (23, 1.1)):
    op(both, "gaussian_blur", lambda x, kernel_size, sigma: F.gaussian_blur(x, [kernel_size] * 2, [sigma] * 2), kernel_size=k, sigma=s)
for t in (.5, .8):
    op(both, "solarize", lambda x, threshold: F.solarize(x, shift(x, threshold)), threshold=t)
op(both, "solarize", lambda x, threshold: F.invert(x), threshold=0)
for k in (0., .4, 1.9, 5.):
    op(both, "sharpness", lambda x, factor: F.adjust_sharpness(x, factor), factor=k)
for k in (.5, 2.2):
    op(both, "gamma", lambda x, factor: F.adjust_gamma(x, factor), factor=k)
op(both, "autocontrast", lambda x: F.autocontrast(x))
op(floats, "equalize", lambda x: F.equalize(x))
op(bytes_, "equalize", lambda x: F.equalize(x))
for bits in (1, 3, 6, 7):
    op(bytes_, "posterize", lambda x, bits: F.posterize(x, bits), bits=bits)
for q in (5, 20, 50, 75, 95):
    op(bytes_, "jpeg", lambda x, quality: F.jpeg(x, quality), quality=q)
op(floats, "downscale", lambda x, size: F.resize(F.resize(x, [size, size], antialias=True), list(x.shape[-2:]), antialias=True), size=21)
op(floats, "erase", lambda x, left, top, width, height: F.erase(x, top, left, height, width, torch.tensor([.5, .25, .75])[:, None, None]),
   left=11, top=7, width=30, height=41)
op(floats, "normalize", lambda x, mean, std: F.normalize(x, mean, std), mean=[.485, .456, .406], std=[.229, .224, .225])

out, cases = bytearray(), []
for i in old["inputs"]:
    i["offset"] = len(out)
    out += inputs[i["name"]].tobytes()
for name, pixels in inputs.items():
    u = torch.from_numpy(pixels.copy()).permute(2, 0, 1)
    for kind, tensor, ops in (("float32", u / 255, both + floats), ("uint8", u, both + bytes_)):
        for op_name, f, params in ops:
            y = f(tensor, **params).permute(1, 2, 0).contiguous().numpy()
            assert str(y.dtype) == kind, (op_name, y.dtype)
            height, width = y.shape[:2]
            cases.append(dict(op=op_name, dtype=kind, input=name, width=width, height=height, offset=len(out), params=params))
            out += y.reshape(-1, 3)[::STRIDE].tobytes()
open("torchvision.bin", "wb").write(out)
with open("torchvision.json", "w") as f:
    head = json.dumps(dict(torchvision=torchvision.__version__, stride=STRIDE, inputs=old["inputs"]))
    f.write(head[:-1] + ', "cases": [\n' + ",\n".join(json.dumps(c) for c in cases) + "\n]}\n")
print(len(cases), "cases,", len(out), "bytes")
