#!/usr/bin/env python3
"""Exports timm's backbones with torch's two exporters, builds and checks artifacts, and takes one step beside torch's.

    python3 models/verify/compare/networks.py --ordo bin/ordo --out results.jsonl [--jobs 1] [NAME ...]
    python3 models/verify/compare/networks.py --table results.jsonl

needs Python with torch 2.8, timm 1.0, onnx and onnxscript. NAME is one of timm's, all of NETWORKS by default; what
stands in the results already is passed over. --table prints the table of models/README.md.

Every network is fresh, without its classifier, with a batch of four images of 64 px or the smallest size above that
it takes, and exported as people do it: by TorchScript in training mode (training=TrainingMode.TRAINING,
do_constant_folding=False; without fused attention, whose causal argument it can't export), and by the dynamo exporter,
of the network in evaluation mode: with its defaults, or with optimize=False where there are batch norms, as its
optimizer folds these into convolutions. Dropouts and drop paths are 0, as they draw.

Two things differ from a fresh network, none of them among the shapes or the ties of its tensors: scales and weights
that begin at 0 or nearly (the last norm of a residual branch, layer scales) become 0.5 or small random numbers, as a
branch that is switched off would hide every mistake in it; and batch norms in front of ReLUs get shifts of 4 (3 for
ReLU6, whose other bend is at 6), as rounding moves inputs of ReLUs across their bend, which changes gradients by
percents in torch's own float32, too.

The step is compared by ordo artifacts check --reference: outputs and the gradient of every parameter of sum(z*dz)
against torch's in float64; an error is the largest deviation within a gradient, divided by the largest element of it.
torch's own float32 is measured with the same ruler.
"""
import argparse
import concurrent.futures
import copy
import json
import multiprocessing
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import warnings

NETWORKS = """
resnet18 resnet34 resnet50 resnet101 wide_resnet50_2 resnext50_32x4d resnet26d seresnet50 ecaresnet26t resnest14d
skresnet18 res2net50_26w_4s regnetx_002 regnety_002 densenet121 efficientnet_b0 tf_efficientnetv2_b0 efficientnet_lite0
mobilenetv2_100 mobilenetv3_small_100 mobilenetv3_large_100 mobilenetv4_conv_small convnext_atto convnextv2_atto
vgg11_bn inception_v3 xception41 dla34 hrnet_w18_small repvgg_a0 ghostnet_100 mixnet_s mnasnet_100 lcnet_050
cspresnet50 darknet53 hardcorenas_a rexnet_100 vovnet39a nfnet_l0
vit_tiny_patch16_224 vit_small_patch16_224 vit_base_patch32_224 vit_small_patch14_reg4_dinov2
vit_medium_patch16_gap_240 vit_relpos_small_patch16_224 eva02_tiny_patch14_224 deit_tiny_distilled_patch16_224
deit3_small_patch16_224 beit_base_patch16_224 beitv2_base_patch16_224 swin_tiny_patch4_window7_224
swinv2_tiny_window8_256 cait_xxs24_224 xcit_nano_12_p16_224 pvt_v2_b0 twins_pcpvt_small twins_svt_small levit_128s
mixer_s16_224 gmlp_ti16_224 resmlp_12_224 poolformer_s12 coatnet_nano_rw_224 maxvit_rmlp_pico_rw_256 edgenext_xx_small
mobilevit_xxs mobilevitv2_050 crossvit_tiny_240 tiny_vit_5m_224 fastvit_t8 hiera_tiny_224 efficientformer_l1
visformer_tiny convit_tiny pit_ti_224 davit_tiny focalnet_tiny_srf inception_next_atto repvit_m0_9 efficientvit_b0
""".split()
EXPORTERS = ("torchscript", "dynamo")
BATCH = 4


def make(name):
    """The fresh network, the side of its images, and the shape of its features."""
    import timm
    import torch

    for size in (64, 96, 128, 160, 192, 224, 240, 256):
        for arguments in ({"img_size": size}, {}):
            try:
                torch.manual_seed(0)
                model = timm.create_model(name, pretrained=False, num_classes=0, **arguments)
                shape = copy.deepcopy(model).train()(torch.randn(BATCH, 3, size, size)).shape
                return model, size, shape
            except Exception as error:  # too small for its windows or patches
                last = error
    raise last


def settle(model):
    """Switches chance off and branches on, and keeps ReLUs away from their bend."""
    import torch

    for m in model.modules():
        if type(m).__name__.startswith("Dropout"):
            m.p = 0.0
        if type(m).__name__ == "DropPath":
            m.drop_prob = 0.0
        if isinstance(getattr(m, "drop_rate", None), float):  # of a call without a module of its own
            m.drop_rate = 0.0
    bends = {type(m).__name__ for m in model.modules()}
    shift = 3.0 if "ReLU6" in bends else 4.0 if "ReLU" in bends else 0.0
    with torch.no_grad():
        for p in model.parameters():
            if p.ndim > 1 and not p.any():
                p.normal_(std=0.02)
        for m in model.modules():
            for key, p in m.named_parameters(recurse=False):
                uniform = p.min() == p.max() and p.abs().max() < 0.2
                if uniform and key in ("weight", "gamma", "ls1", "ls2", "layer_scale") or "gamma" in key and uniform:
                    p.fill_(0.5)
            if isinstance(m, torch.nn.BatchNorm2d) and m.bias is not None:
                m.bias.add_(shift)
    return shift


def gradients(model, images, dz, dtype):
    m = copy.deepcopy(model).to(dtype).train()
    z = m(images.to(dtype))
    (z * dz.to(dtype)).sum().backward()
    return z.detach(), {n: p.grad.double() for n, p in m.named_parameters() if p.grad is not None}


def export(model, images, exporter, path):
    state = copy.deepcopy(model.state_dict())
    try:
        write(model, images, exporter, path)
    finally:  # the export ran the model, which moved its running statistics
        model.load_state_dict(state)
    if exporter == "torchscript":
        import onnx

        graph = onnx.load(path)
        for tensor in graph.graph.initializer:
            if "running" in tensor.name:
                tensor.CopyFrom(onnx.numpy_helper.from_array(state[tensor.name].cpu().numpy(), tensor.name))
        onnx.save(graph, path)


def write(model, images, exporter, path):
    import torch

    if exporter == "torchscript":
        for m in model.modules():  # whose causal argument it can't export
            if getattr(m, "fused_attn", False):
                m.fused_attn = False
    norms = any(isinstance(m, torch.nn.modules.batchnorm._BatchNorm) for m in model.modules())
    if exporter == "torchscript":
        torch.onnx.export(
            model.train(), (images,), path, dynamo=False, training=torch.onnx.TrainingMode.TRAINING,
            do_constant_folding=False, opset_version=17, input_names=["images"], output_names=["features"],
            dynamic_axes={"images": {0: "batch"}, "features": {0: "batch"}})
    else:
        torch.onnx.export(
            model.eval(), (images,), path, dynamo=True, optimize=not norms,
            input_names=["images"], output_names=["features"],
            dynamic_shapes=({0: torch.export.Dim("batch", min=2, max=1024)},), external_data=False, verbose=False)


def stored(folder):
    """The parameters of a folder of artifacts, by name."""
    import onnx

    graph = onnx.load(str(pathlib.Path(folder) / "forward_model.onnx")).graph
    return {t.name: onnx.numpy_helper.to_array(t) for t in graph.initializer}


def rename(parameters, gradient, tensors, trained):
    """Gradients under the names of the trained tensors. Exporters rename and transpose weights, so those of a name that
    torch doesn't know are found by their values."""
    import numpy as np

    found, free = {}, {}
    for name, p in parameters.items():
        if name in gradient:
            free.setdefault(np.sort(p, axis=None).tobytes(), []).append(name)
    for name in trained:
        value = tensors[name]
        key = np.sort(value, axis=None).tobytes()
        if name in gradient and gradient[name].shape == value.shape:
            found[name] = gradient[name]
        elif len(free.get(key, [])) == 1:
            torchs = free[key][0]
            p, g = parameters[torchs], gradient[torchs]
            if p.ndim == 2 and (p.T.shape == value.shape) and (p.T == value).all():
                g = g.T
            elif p.size == value.size and (p.reshape(value.shape) == value).all():
                g = g.reshape(value.shape)
            else:
                continue
            found[name] = np.ascontiguousarray(g)
    return found


def call(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr.strip()


def sentence(text):
    lines = [line for line in text.splitlines() if line.strip()]
    return re.sub(r"/\S*/(tmp\w+/)?", "", lines[-1])[:300] if lines else "no word"


def measure(name, ordo, only):
    """What one network shows, a dict an exporter."""
    import numpy as np
    import torch

    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    model, size, shape = make(name)
    shift = settle(model)
    images, dz = torch.randn(BATCH, 3, size, size), torch.randn(shape)
    exact_z, exact = gradients(model, images, dz, torch.float64)
    _, single = gradients(model, images, dz, torch.float32)
    floor = 1e-3 * max(g.abs().max() for g in exact.values())
    torchs = {n: ((single[n] - g).abs().max() / max(g.abs().max(), floor)).item() for n, g in exact.items()}
    evaluated = model.eval()(images).detach()
    parameters = {n: p.detach().numpy() for n, p in model.named_parameters()}
    own = {"network": name, "size": size, "shift": shift, "tensors": len(exact),
           "parameters": sum(parameters[n].size for n in exact), "torch": max(torchs.values())}
    for exporter in EXPORTERS:
        if exporter not in only:
            continue
        with tempfile.TemporaryDirectory() as folder:
            row = dict(own, exporter=exporter)
            graph, artifacts, reference = f"{folder}/{name}.onnx", f"{folder}/artifacts", f"{folder}/reference.npz"
            try:
                export(model, images, exporter, graph)
            except Exception as error:
                yield dict(row, fault=f"torch can't export it ({type(error).__name__}: {str(error).splitlines()[0][:200]})")
                continue
            status, out, err = call(ordo, "artifacts", "build", graph, "--out", artifacts, "--json")
            if status:
                yield dict(row, fault="build: " + sentence(err))
                continue
            trained = [p["name"] for p in json.loads(out)["parameters"] if p["trainable"]]
            tensors = stored(artifacts)
            row |= {"trained_tensors": len(trained), "trained": int(sum(tensors[n].size for n in trained))}
            expected = rename(parameters, {n: g.float().numpy() for n, g in exact.items()}, tensors, trained)
            np.savez(reference, images=images.numpy(), dz=dz.numpy(), z=exact_z.float().numpy(),
                     z_eval=evaluated.numpy(), **{"grad/" + n: g for n, g in expected.items()})
            status, out, err = call(ordo, "artifacts", "check", artifacts, "--reference", reference,
                                    "--no-differences", "--tolerance", "1e-3", "--threads", "1", "--json")
            try:
                report = json.loads(out)
            except ValueError:
                yield dict(row, fault="check: " + sentence(err))
                continue
            errors = [p["reference_error"] for p in report["parameters"] if p["reference_error"] is not None]
            row |= {"compared": len(expected), "check": status == 0, "kernels": report["kernels"],
                    "largest": max(errors, default=None), "median": float(np.median(errors)) if errors else None,
                    "z": report["outputs"][0]["training_error"], "z_eval": report["outputs"][0]["evaluation_error"],
                    "statistics": max((s["moments_error"] or 0 for s in report["statistics"]), default=None)}
            if status:
                row["failures"] = report["failures"][:5] + [f"{len(report['failures'])} in all"]
            yield row


def table(path):
    rows = [json.loads(line) for line in open(path)]
    latest = {(r["network"], r["exporter"]): r for r in rows}
    order = {n: i for i, n in enumerate(NETWORKS)}
    print("| network | px | exporter | parameters | trained, in tensors | z | largest error | median | torch's float32 |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for (name, exporter), r in sorted(latest.items(), key=lambda kv: (order.get(kv[0][0], 1e9), kv[0][1] == "dynamo")):
        head = [name, str(r["size"]), exporter, f"{r['parameters']:,} in {r['tensors']}"]
        if "fault" in r:
            print("| " + " | ".join(head + [r["fault"], "", "", "", ""]) + " |")
            continue
        number = lambda v: "–" if v is None else f"{v:.1e}"
        same = r["trained"] == r["parameters"] and r["trained_tensors"] == r["tensors"]
        print("| " + " | ".join(head + [
            "the same" if same else f"{r['trained']:,} in {r['trained_tensors']}", number(r["z"]),
            number(r["largest"]), number(r["median"]), number(r["torch"])]) + " |")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("networks", nargs="*")
    p.add_argument("--ordo", default="bin/ordo")
    p.add_argument("--out", default="results.jsonl")
    p.add_argument("--jobs", type=int, default=1)
    p.add_argument("--minutes", type=float, default=10, help="for one network")
    p.add_argument("--exporter", action="append", choices=EXPORTERS)
    p.add_argument("--table")
    o = p.parse_args()
    if o.table:
        return table(o.table)
    done = set()
    if os.path.exists(o.out):
        done = {json.loads(line)["network"] for line in open(o.out)}

    import onnx  # once, for all that are forked
    import onnxscript
    import timm
    import torch

    fork, only = multiprocessing.get_context("fork"), o.exporter or EXPORTERS

    def work(name):
        try:
            for row in measure(name, o.ordo, only):
                with open(o.out, "a") as f:
                    f.write(json.dumps(row) + "\n")
        except Exception as error:
            print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(0)

    def run(name):
        p = fork.Process(target=work, args=(name,))
        p.start()
        p.join(60 * o.minutes)
        if p.is_alive():
            print(f"{name}: took too long", file=sys.stderr, flush=True)
            p.kill()

    with concurrent.futures.ThreadPoolExecutor(o.jobs) as pool:
        list(pool.map(run, [n for n in o.networks or NETWORKS if n not in done]))
    return None


if __name__ == "__main__":
    main()
