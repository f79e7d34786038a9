#!/usr/bin/env python3
"""Sets of digits whose answer is known, made of MNIST's files: for `ordo select`, see ../README.md.

    python3 digits.py MNIST OUT        # needs numpy and Pillow

OUT gets, of the same digits but for six-nine:
  upright   the digits as they are (10 classes): rotation is ordered, digits have an upright
  six-nine  6 and 9 only: the angle is the class, so forgetting it costs
  turned    every digit turned by an angle of its own: all angles look alike, rotation is invariant
  sixty     every digit turned by up to 60 degrees
  colours   digits in one of six colours, and the colour is the class: hue is kept
  painted   digits in a colour drawn for each, and the digit is the class: hue is invariant
The first four are MNIST's four files again, the others a folder a class below train/ and test/.
"""
import colorsys
import gzip
import os
import struct
import sys

import numpy as np
from PIL import Image

PER_CLASS = {"train": 200, "t10k": 50}
COLOURS = ["red", "yellow", "green", "cyan", "blue", "magenta"]


def read(folder, name):
    for path, opened in ((name, open), (name + ".gz", gzip.open)):
        path = os.path.join(folder, path)
        if os.path.exists(path):
            with opened(path, "rb") as f:
                raw = f.read()
            dims = struct.unpack(">%dI" % raw[3], raw[4:4 + 4 * raw[3]])
            return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(dims)
    sys.exit("%s: there is no %s" % (folder, name))


def write(path, array):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(bytes([0, 0, 8, array.ndim]) + struct.pack(">%dI" % array.ndim, *array.shape) + array.tobytes())


def turned(image, degrees):
    return np.asarray(Image.fromarray(image).resize((112, 112), Image.BICUBIC).rotate(degrees, Image.BICUBIC)
                      .resize((28, 28), Image.BOX))


def painted(image, hue):
    r, g, b = colorsys.hsv_to_rgb(hue, 0.9, 1)
    return (image[:, :, None] / 255 * np.array([r, g, b]) * 255).round().astype(np.uint8)


def main(mnist, out):
    rng = np.random.default_rng(1)
    for split in PER_CLASS:
        images = read(mnist, split + "-images-idx3-ubyte")
        labels = read(mnist, split + "-labels-idx1-ubyte")
        two = np.sort(np.concatenate([np.flatnonzero(labels == c)[:5 * PER_CLASS[split]] for c in (6, 9)]))
        write(os.path.join(out, "six-nine", split + "-images-idx3-ubyte"), images[two])
        write(os.path.join(out, "six-nine", split + "-labels-idx1-ubyte"), (labels[two] == 9).astype(np.uint8))
        kept = np.sort(np.concatenate([np.flatnonzero(labels == c)[:PER_CLASS[split]] for c in range(10)]))
        images, labels = images[kept], labels[kept]
        angles, hues = rng.uniform(-180, 180, len(kept)), rng.uniform(0, 1, len(kept))
        colours = rng.integers(0, len(COLOURS), len(kept))
        sets = {
            "upright": images,
            "turned": np.stack([turned(m, a) for m, a in zip(images, angles)]),
            "sixty": np.stack([turned(m, a / 3) for m, a in zip(images, angles)]),
        }
        for name, these in sets.items():
            write(os.path.join(out, name, split + "-images-idx3-ubyte"), these)
            write(os.path.join(out, name, split + "-labels-idx1-ubyte"), labels)
        for i, (m, label, hue, colour) in enumerate(zip(images, labels, hues, colours)):
            for name, picture, kind in (
                    ("colours", painted(m, colour / len(COLOURS)), COLOURS[colour]),
                    ("painted", painted(m, hue), str(label))):
                path = os.path.join(out, name, "train" if split == "train" else "test", kind, "%05d.png" % i)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                Image.fromarray(picture).save(path)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
