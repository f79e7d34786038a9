"""Times training steps in PyTorch: forward, a loss linear in the features, backward, AdamW, in eager mode.

Requests come as lines of JSON on standard input, and each is answered by a line on standard output:

    {"backbone", "stem", "width", "patch_size", "image_size", "batch", "threads"}  -> {"python", "torch", "parameters"}
    {"mode": "plain" | "channels last", "bf16": bool, "steps": N}                  -> {"seconds": those of N steps}

The first request of a mode makes its network and does a step that doesn't count.
"""

import json
import platform
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
    made = getattr(torchvision.models, name)(weights=None)
    made.classifier = nn.Flatten()
    if o["stem"] == "small":
        first = made.features[0][0]
        if name.startswith("convnext"):
            first = made.features[0][0] = nn.Conv2d(3, first.out_channels, o["patch_size"], o["patch_size"])
        else:
            first.stride = (1, 1)
    return made


class Mode:
    def __init__(self, o, mode):
        torch.manual_seed(1)
        self.order = torch.channels_last if mode == "channels last" else torch.contiguous_format
        self.model = network(o).to(memory_format=self.order).train()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-4)
        self.images = torch.randn(o["batch"], 3, o["image_size"], o["image_size"]).to(memory_format=self.order)

    def steps(self, count, bf16):
        began = time.perf_counter()
        for _ in range(count):
            self.optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
                features = self.model(self.images)
            features.float().mean().backward()
            self.optimizer.step()
        return time.perf_counter() - began


def main():
    o = json.loads(sys.stdin.readline())
    torch.set_num_threads(o["threads"])
    parameters = sum(p.numel() for p in network(o).parameters())
    answer = {"python": platform.python_version(), "torch": torch.__version__, "parameters": parameters}
    print(json.dumps(answer), flush=True)
    modes = {}
    for line in sys.stdin:
        request = json.loads(line)
        key = request["mode"], request["bf16"]
        if key not in modes:
            modes[key] = Mode(o, request["mode"])
            modes[key].steps(1, request["bf16"])
        print(json.dumps({"seconds": modes[key].steps(request["steps"], request["bf16"])}), flush=True)


main()
