"""Writes baselines.json: values and gradients of moco, essl, augself, care, equimod and
ntxent on standardised rows, by torch autograd in float64.

    python reference.py

needs torch (2.8 made the file that is committed). Tests read the file and don't need Python.
"""
import json

import torch
from torch.nn import functional as F

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)
cases = []


def tensor(x):
    return {"shape": list(x.shape), "data": [round(v, 12) for v in x.flatten().tolist()]}


def add(name, params, value, **inputs):
    """value is called with the inputs; the case gets the gradient by those whose name begins with z."""
    inputs = {k: torch.tensor(tensor(v)["data"]).reshape(v.shape) for k, v in inputs.items()}
    leaves = {k: v.requires_grad_(k.startswith("z")) for k, v in inputs.items()}
    result = value(**leaves)
    wanted = [k for k in leaves if k.startswith("z")]
    grads = torch.autograd.grad(result, [leaves[k] for k in wanted])
    cases.append({"name": name, "params": params, "inputs": {k: tensor(v.detach()) for k, v in inputs.items()},
                  "value": result.item(), "grad": {k: tensor(g) for k, g in zip(wanted, grads)}})


def moco(z1, z2, k1, k2, queue, temperature=0.2):
    def one(q, k):
        q, k = F.normalize(q, dim=1), F.normalize(k, dim=1)
        logits = torch.cat([(q * k).sum(1, keepdim=True), q @ queue.T], 1) / temperature
        return F.cross_entropy(logits, torch.zeros(len(q), dtype=torch.long))
    return (one(z1, k2) + one(z2, k1)) / 2


add("moco", {"temperature": 0.2}, moco, z1=torch.randn(4, 5), z2=torch.randn(4, 5), k1=torch.randn(4, 5),
    k2=torch.randn(4, 5), queue=F.normalize(torch.randn(7, 5), dim=1))

labels = torch.tensor([0, 1, 2, 3, 3, 1, 0, 2])
add("essl", {"labels": labels.tolist()}, lambda z: F.cross_entropy(z, labels), z=2 * torch.randn(8, 4))

# AugSelf: four parameters of the crop, four of the colour, a flip, a blur; rows are both orders of three pairs.
weights = {"crop": 1.0, "color": 0.5, "flip": 0.25, "blur": 2.0}
same = torch.tensor([[1.0], [0.0], [1.0]])
difference = 2 * torch.rand(3, 9) - 1


def augself(z, d, same):
    return (weights["crop"] * F.mse_loss(torch.tanh(z[:, :4]), d[:, :4])
            + weights["color"] * F.mse_loss(torch.tanh(z[:, 4:8]), d[:, 4:8])
            + weights["flip"] * F.binary_cross_entropy_with_logits(z[:, 8:9], same)
            + weights["blur"] * F.mse_loss(torch.tanh(z[:, 9:]), d[:, 8:]))


add("augself", weights, augself, z=torch.randn(6, 10), d=torch.cat([difference, -difference]), same=torch.cat([same, same]))


def care(z1, z2, shared):
    z1, z2 = F.normalize(z1, dim=1), F.normalize(z2, dim=1)
    total, pairs = 0.0, 0
    for first in range(0, len(z1), shared):
        a, b = z1[first:first + shared], z2[first:first + shared]
        off = ~torch.eye(len(a), dtype=torch.bool)
        total = total + ((a @ a.T - b @ b.T)[off] ** 2).sum()
        pairs += int(off.sum())
    return total / pairs


for shared in (3, 4):  # the second leaves a smaller rest
    add("care", {"shared": shared}, lambda z1, z2: care(z1, z2, shared), z1=torch.randn(6, 3), z2=torch.randn(6, 3))


def equimod(z, zhat, temperature=0.2):
    rows = F.normalize(torch.cat([z, zhat]), dim=1)
    n = len(z)
    logits = (rows @ rows.T / temperature).masked_fill(torch.eye(2 * n, dtype=torch.bool), -torch.inf)
    return F.cross_entropy(logits, (torch.arange(2 * n) + n) % (2 * n))


add("equimod", {"temperature": 0.2}, equimod, z=torch.randn(6, 4), zhat=torch.randn(6, 4))


def standardised(z, base, temperature=0.3, query_weight=1.5):
    """NT-Xent of the first views, and the others as queries, of rows that are standardised by the first."""
    mean, var = z[:base].mean((0, 1)), z[:base].var((0, 1), unbiased=False)
    rows = F.normalize((z - mean) / (var + 1e-5).sqrt(), dim=2)
    keys, queries = rows[:base].flatten(0, 1), rows[base:]
    n, m = z.shape[1], base * z.shape[1]
    logits = (keys @ keys.T / temperature).masked_fill(torch.eye(m, dtype=torch.bool), -torch.inf)
    same = (torch.arange(m)[:, None] % n == torch.arange(m) % n) & ~torch.eye(m, dtype=torch.bool)
    loss = -logits.log_softmax(1)[same].mean()
    if len(queries) == 0:
        return loss
    asked = (queries.flatten(0, 1) @ keys.detach().T / temperature).log_softmax(1)
    own = torch.arange(len(queries) * n)[:, None] % n == torch.arange(m) % n
    q = len(queries) * query_weight
    return (base * loss - q * asked[own].mean()) / (base + q)


for base in (2, 5):
    add("ntxent_standardised", {"temperature": 0.3, "query_weight": 1.5, "base": base},
        lambda z: standardised(z, base), z=3 * torch.randn(5, 4, 3) + 1)

with open("baselines.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
