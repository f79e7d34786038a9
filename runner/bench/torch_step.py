"""Times training steps in PyTorch: forward, a loss linear in the features, backward, AdamW, in eager mode.

Requests come as lines of JSON on standard input, and each is answered by a line on standard output. The first one says what is
trained, and a step that doesn't count is done before the answer:

    {"backbone", "stem", "width", "patch_size", "image_size", "batch", "threads", "channels_last", "bf16"}
        -> {"python", "torch", "parameters", "threads", "before"}
    {"steps": N} -> {"seconds": those of N steps, "peak"}

before and peak are the bytes that were resident at most before there was a model, torch among them, and so far.
"""

import json
import platform
import resource
import sys
import time

import torch
import torchvision
from torch import nn


class Block(nn.Module):
    """Torchvision's residual blocks, basic or with a bottleneck, for any width."""

    def __init__(self, channels, inner, out, stride, bottleneck):
        super().__init__()
        sizes = [(channels, inner, 1, 1), (inner, inner, 3, stride), (inner, out, 1, 1)]
        if not bottleneck:
            sizes = [(channels, out, 3, stride), (out, out, 3, 1)]
        self.convolutions = nn.ModuleList(nn.Conv2d(a, b, k, s, k // 2, bias=False) for a, b, k, s in sizes)
        self.norms = nn.ModuleList(nn.BatchNorm2d(size[1]) for size in sizes)
        self.relu = nn.ReLU(inplace=True)
        self.short = None
        if stride != 1 or channels != out:
            self.short = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out))

    def forward(self, x):
        y = x
        for i, (convolution, norm) in enumerate(zip(self.convolutions, self.norms)):
            y = norm(convolution(y))
            if i + 1 < len(self.norms):
                y = self.relu(y)
        return self.relu(y + (x if self.short is None else self.short(x)))


def resnet(blocks, bottleneck, width, stem):
    """bottleneck: 0 for basic blocks, else how wide the 3x3 convolution is."""
    if stem == "standard":
        layers = [nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    else:
        layers = [nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
    channels = width
    for stage, count in enumerate(blocks):
        inner = (width << stage) * max(bottleneck, 1)
        out = (width << stage) * (4 if bottleneck else 1)
        for block in range(count):
            layers.append(Block(channels, inner, out, 2 if stage > 0 and block == 0 else 1, bottleneck))
            channels = out
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def network(o):
    name = o["backbone"]
    residual = {
        "resnet18": ([2, 2, 2, 2], 0), "resnet34": ([3, 4, 6, 3], 0), "resnet50": ([3, 4, 6, 3], 1),
        "resnet101": ([3, 4, 23, 3], 1), "wide_resnet50_2": ([3, 4, 6, 3], 2),
    }
    if name in residual:
        return resnet(*residual[name], o["width"], o["stem"])
    if name in ("vit_tiny", "vit_small"):
        width, heads = {"vit_tiny": (192, 3), "vit_small": (384, 6)}[name]
        made = torchvision.models.VisionTransformer(o["image_size"], o["patch_size"], 12, heads, width, 4 * width)
        made.heads = nn.Identity()
        return made
    if name == "convnext_tiny":
        made = torchvision.models.convnext_tiny(weights=None, stochastic_depth_prob=0.0)
        made.features[0][0] = nn.Conv2d(3, made.features[0][0].out_channels, o["patch_size"], o["patch_size"])
        made.classifier = nn.Sequential(made.classifier[0], nn.Flatten())  # a norm, which ordo counts to the backbone
        return made
    random = {"stochastic_depth_prob": 0.0} if name.startswith("efficientnet") else {}
    made = getattr(torchvision.models, name)(weights=None, **random)
    made.classifier = nn.Flatten()
    if o["stem"] == "small":
        made.features[0][0].stride = (1, 1)
    return made


def peak():
    """The bytes of this process that were resident at most."""
    try:
        with open("/proc/self/status") as status:
            return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else 1024 * most


class Training:
    def __init__(self, o):
        torch.manual_seed(1)
        order = torch.channels_last if o["channels_last"] else torch.contiguous_format
        self.model = network(o).to(memory_format=order).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4)
        self.images = torch.randn(o["batch"], 3, o["image_size"], o["image_size"]).to(memory_format=order)
        self.bf16 = o["bf16"]

    def steps(self, count):
        began = time.perf_counter()
        for _ in range(count):
            self.optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
                features = self.model(self.images)
            features.float().mean().backward()
            self.optimizer.step()
        return time.perf_counter() - began


def main():
    o = json.loads(sys.stdin.readline())
    torch.set_num_threads(o["threads"])
    before = peak()
    training = Training(o)
    training.steps(1)
    answer = {
        "python": platform.python_version(), "torch": torch.__version__, "threads": torch.get_num_threads(), "before": before,
        "parameters": sum(p.numel() for p in training.model.parameters() if p.requires_grad),
    }
    print(json.dumps(answer), flush=True)
    for line in sys.stdin:
        print(json.dumps({"seconds": training.steps(json.loads(line)["steps"]), "peak": peak()}), flush=True)


main()
