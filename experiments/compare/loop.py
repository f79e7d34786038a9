"""Trains mnist-rotation-e2e.yaml in PyTorch, as its users write such a loop.

    python3 experiments/compare/loop.py DIR [--epochs 2] [--batch-size 200] [--workers 2] [--threads 2] [--width 16]

DIR/train holds a folder of JPEG files for each class. After every epoch a line of JSON says how many views it had and what the
loss was. Needs torch and torchvision.

An image gives two views at the origin and three that are rotated by up to half a turn, the direction drawn once an image. The loss
is NT-Xent on the first two, and ten times RankNet on the cosine distances of all five from each of them.
"""

import argparse
import json
import math
import pathlib

import torch
import torch.nn.functional as F
from torch import nn
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2
from torchvision.transforms.v2.functional import InterpolationMode, pil_to_tensor, rotate

SIZE, BASE, LEVELS, HALF_TURN = 32, 2, 3, 180.0


class Views:
    """A PIL image to its views, uint8 [V, 3, SIZE, SIZE], and their scales [V]."""

    def __init__(self):
        self.invariant = v2.Compose([
            v2.RandomResizedCrop(SIZE, scale=(0.6, 1.0), antialias=True),
            v2.RandomApply([v2.ColorJitter(brightness=0.4, contrast=0.4)], 0.8),
        ])

    def __call__(self, image):
        scales = torch.cat([torch.zeros(BASE), torch.rand(LEVELS)])
        if torch.rand(()) < 0.5:
            scales = -scales
        views = []
        for scale in scales.tolist():
            view = self.invariant(image)
            if scale:
                view = rotate(view, HALF_TURN * scale, InterpolationMode.BILINEAR)
            views.append(pil_to_tensor(view))
        return torch.stack(views), scales.abs()


def disc():
    """1 inside of the inscribed circle: a rotation's black corners would tell its angle."""
    at = torch.arange(SIZE) - (SIZE - 1) / 2
    return (at**2 + at[:, None] ** 2 <= (SIZE / 2) ** 2).float()


class Block(nn.Module):
    """The basic block of a residual network."""

    def __init__(self, channels, out, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, out, 3, stride, 1, bias=False), nn.BatchNorm2d(out), nn.ReLU(inplace=True),
            nn.Conv2d(out, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out),
        )
        self.short = nn.Identity()
        if stride > 1 or channels != out:
            self.short = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        return F.relu(self.body(x) + self.short(x), inplace=True)


def network(width):
    """resnet18 for small images, and the projector."""
    layers = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    channels = width
    for stage in range(4):
        out = width << stage
        layers += [Block(channels, out, 2 if stage else 1), Block(out, out, 1)]
        channels = out
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    projector = [nn.Linear(channels, 256, bias=False), nn.BatchNorm1d(256), nn.ReLU(inplace=True), nn.Linear(256, 64)]
    return nn.Sequential(*layers, *projector)


def nt_xent(z, temperature=0.2):
    """z: unit rows [2, N, D]."""
    rows = z.flatten(0, 1)
    n = z.shape[1]
    similarity = (rows @ rows.T / temperature).fill_diagonal_(-math.inf)
    partner = torch.arange(2 * n).roll(n)
    return F.cross_entropy(similarity, partner)


def rank_net(z, scales, temperature=0.1):
    """z: unit rows [V, N, D]; scales: [N, V], of which 2 are a whole turn."""
    z = z.transpose(0, 1)
    d = 1 - z @ z.transpose(1, 2)
    r = (scales[:, :, None] - scales[:, None, :]).abs()
    r = torch.minimum(r, 2 - r)
    # [N, i, j, k]: seen from i, j is nearer than k
    other = ~torch.eye(scales.shape[1], dtype=torch.bool)
    triplets = (r[:, :, :, None] < r[:, :, None, :]) & other[:, :, None] & other[:, None, :]
    wrong = d[:, :, :, None] - d[:, :, None, :]
    return F.softplus(wrong[triplets] / temperature).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dir", type=pathlib.Path, help="folder with train/CLASS/*.jpg in it")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=200, help="images a step")
    parser.add_argument("--workers", type=int, default=2, help="processes that load images")
    parser.add_argument("--threads", type=int, default=2, help="threads of the training step")
    parser.add_argument("--width", type=int, default=16, help="channels of the first stage")
    args = parser.parse_args()

    torch.manual_seed(1)
    torch.set_num_threads(args.threads)
    images = ImageFolder(args.dir / "train", transform=Views())
    loader = torch.utils.data.DataLoader(images, args.batch_size, shuffle=True, drop_last=True,
                                         num_workers=args.workers, persistent_workers=args.workers > 0)
    model = network(args.width).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=6e-3)
    steps = args.epochs * len(loader)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min((s + 1) / len(loader), (1 + math.cos(math.pi * s / steps)) / 2))
    frame = disc()
    for epoch in range(args.epochs):
        views, total = 0, 0.0
        for (batch, scales), _ in loader:
            x = batch.transpose(0, 1).flatten(0, 1).contiguous(memory_format=torch.channels_last)
            x = (x.float() / 127.5 - 1) * frame
            z = F.normalize(model(x), dim=1).unflatten(0, (-1, len(scales)))
            loss = nt_xent(z[:BASE]) + 10 * rank_net(z, scales)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
            views += len(x)
            total += loss.item()
        print(json.dumps({"epoch": epoch + 1, "views": views, "loss": total / len(loader)}), flush=True)


if __name__ == "__main__":
    main()
