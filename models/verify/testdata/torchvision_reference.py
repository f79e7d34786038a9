"""Export a torchvision classifier and write what torch computes with it, for `ordo artifacts build` and `check`.

    python torchvision_reference.py ARCH OUT [SIZE [SHIFT]]

OUT/torchscript.onnx and OUT/dynamo.onnx are the forward graph by torch.onnx's two exporters; OUT/reference.npz has a batch of
four images, dz, z and d sum(z·dz)/d parameter in training mode, computed in float64, and z_eval. The largest deviation that
torch's own float32 gradients have from those in float64 is printed: no float32 program can be held to less. In a network of
many ReLUs it is large, because rounding moves some of their inputs across 0; SHIFT is added to the biases of the batch norms in
front of them, and with 4 they are hardly ever near their bend, so that what remains is the arithmetic of the gradients.
Needs torch, torchvision, onnx, onnxscript. Dropout and stochastic depth are off, as they draw.
"""
import copy
import sys
import warnings

import numpy as np
import onnx
import torch
import torchvision

warnings.filterwarnings("ignore")
arch, out, size, shift = sys.argv[1], sys.argv[2], 64, 0
if len(sys.argv) > 3:
    size = int(sys.argv[3])
if len(sys.argv) > 4:
    shift = int(sys.argv[4])
torch.manual_seed(0)
kwargs = {"image_size": size} if arch.startswith("vit") else {}
model = getattr(torchvision.models, arch)(num_classes=10, **kwargs)
for m in model.modules():
    if isinstance(m, torch.nn.Dropout) or type(m).__name__ == "StochasticDepth":
        m.p = 0.0
    for name in ("dropout", "attention_dropout"):
        if isinstance(getattr(m, name, None), float):
            setattr(m, name, 0.0)
with torch.no_grad():  # away from values that hide mistakes: scales of 1, biases of 0, heads of 0, layer scales of 1e-6
    for name, p in model.named_parameters():
        if p.ndim <= 1 or "layer_scale" in name or "class_token" in name:
            p.add_(0.1 * torch.randn_like(p))
        elif not p.any():
            p.add_(0.05 * torch.randn_like(p))
    for m in model.modules():
        if isinstance(m, torch.nn.BatchNorm2d):
            m.bias.add_(shift)
images, dz = torch.randn(4, 3, size, size), torch.randn(4, 10)
reference = {"images": images.numpy(), "dz": dz.numpy(), "z_eval": model.eval()(images).detach().numpy()}


def gradients(dtype):
    m = copy.deepcopy(model).to(dtype).train()
    z = m(images.to(dtype))
    (z * dz.to(dtype)).sum().backward()
    return z, {name: p.grad.double() for name, p in m.named_parameters()}


z, exact = gradients(torch.float64)
_, single = gradients(torch.float32)
reference["z"] = z.detach().float().numpy()
reference |= {"grad/" + name: g.float().numpy() for name, g in exact.items()}
np.savez(f"{out}/reference.npz", **reference)
floor = 1e-3 * max(g.abs().max() for g in exact.values())
worst = max(((single[n] - g).abs().max() / max(g.abs().max(), floor)).item() for n, g in exact.items())
print(f"{arch}: torch float32 against float64: {worst:.1e}", flush=True)

batch = torch.export.Dim("batch", min=2, max=1024)
state = copy.deepcopy(model.state_dict())
torch.onnx.export(
    model.train(), (images,), f"{out}/torchscript.onnx", dynamo=False, training=torch.onnx.TrainingMode.TRAINING,
    do_constant_folding=False, opset_version=17, input_names=["images"], output_names=["z"],
    dynamic_axes={"images": {0: "batch"}, "z": {0: "batch"}})
graph = onnx.load(f"{out}/torchscript.onnx")  # the export ran the model, which moved its running statistics
for tensor in graph.graph.initializer:
    if "running" in tensor.name:
        tensor.CopyFrom(onnx.numpy_helper.from_array(state[tensor.name].numpy(), tensor.name))
onnx.save(graph, f"{out}/torchscript.onnx")
model.load_state_dict(state)
torch.onnx.export(
    model.eval(), (images,), f"{out}/dynamo.onnx", dynamo=True, optimize=False, opset_version=18, input_names=["images"],
    output_names=["z"], dynamic_shapes=({0: batch},), external_data=False, verbose=False)
