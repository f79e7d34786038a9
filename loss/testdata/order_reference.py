"""Values and gradients of the order losses by torch's autograd, in float64, from plain loops over their formulas.

    python order_reference.py > order_reference.json

Needs torch (2.8 was used). A case has z [N, K, D], the rows of K views of N images, their scales s [N, K], and `base`, how
many of the views, the first ones, are base views.
"""

import itertools
import json

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
TIE = 1e-9


def distance(a, b, kind):
    if kind == "cosine":
        return 1 - F.cosine_similarity(a, b, dim=0)
    square = (a - b).pow(2).sum()
    return torch.sqrt(square + 1e-12) if kind == "euclidean" else square


def apart(a, b, period):
    d = abs(a - b)
    if period:
        d = d % period
        d = min(d, period - d)
    return d


def groups(z, s, c):
    """The anchors: for each the distances d and the differences of scale r of the other members of its group."""
    n, k, _ = z.shape
    for image in range(n):
        for i in range(k if c["anchors"] == "all" else c["base"]):
            others = [j for j in range(k) if j != i]
            yield ([distance(z[image, i], z[image, j], c["distance"]) for j in others],
                   [apart(s[image][i], s[image][j], c["period"]) for j in others])


def ordered(r):
    return [(j, k) for j, k in itertools.product(range(len(r)), repeat=2) if r[j] < r[k] - TIE]


def ranknet(z, s, c):
    terms = [F.softplus((d[j] - d[k]) / c["temperature"]) for d, r in groups(z, s, c) for j, k in ordered(r)]
    return sum(terms) / len(terms)


def triplet(z, s, c):
    terms = [F.relu(d[j] - d[k] + c["margin"] * (r[k] - r[j] if c["scaled_margin"] else 1))
             for d, r in groups(z, s, c) for j, k in ordered(r)]
    return sum(terms) / len(terms)


def listmle(z, s, c):
    total, anchors = 0, 0
    for d, r in groups(z, s, c):
        u = [-x / c["temperature"] for x in d]
        anchors += bool(ordered(r))
        for j in range(len(u)):
            rest = [u[k] for k in range(len(u)) if r[j] < r[k] - TIE]
            total = total + torch.logsumexp(torch.stack([u[j], *rest]), 0) - u[j]
    return total / anchors


def soft_spearman(z, s, c):
    terms = []
    for d, r in groups(z, s, c):
        if not ordered(r):
            continue
        n = len(d)
        tied = [[abs(r[j] - r[k]) <= TIE for k in range(n)] for j in range(n)]
        soft = torch.stack([1 + sum(torch.tensor(0.5) if tied[j][k] else torch.sigmoid((d[j] - d[k]) / c["temperature"])
                                    for k in range(n) if k != j) for j in range(n)])
        rank = torch.tensor([1 + sum(0.5 if tied[j][k] else float(r[k] < r[j]) for k in range(n) if k != j)
                             for j in range(n)])
        terms.append((soft - rank).pow(2).sum() / (2 * (rank - rank.mean()).pow(2).sum()))
    return sum(terms) / len(terms)


def chain(z, s, c):
    terms = []
    for d, r in groups(z, s, c):
        pairs = ordered(r)
        for j, k in pairs:
            if not any((j, m) in pairs and (m, k) in pairs for m in range(len(r))):
                terms.append(F.softplus((d[j] - d[k] + c["margin"]) / c["temperature"]))
    return sum(terms) / len(terms)


def rank_n_contrast(z, s, c):
    n, k, dim = z.shape
    rows, scale = z.transpose(0, 1).reshape(n * k, dim), [s[i][j] for j in range(k) for i in range(n)]
    m, total, pairs = n * k, 0, 0
    for i in range(m if c["anchors"] == "all" else n * c["base"]):
        others = [j for j in range(m) if j != i]
        r = [apart(scale[i], scale[j], c["period"]) for j in others]
        if not ordered(r):
            continue
        u = torch.stack([-distance(rows[i], rows[j], c["distance"]) / c["temperature"] for j in others])
        for j in range(m - 1):
            total = total + torch.logsumexp(u[[q for q in range(m - 1) if r[q] >= r[j] - TIE]], 0) - u[j]
            pairs += 1
    return total / pairs


def tensor(x):
    return {"shape": list(x.shape), "data": [float(f"{v:.15g}") for v in x.flatten().tolist()]}


def main():
    generator = torch.Generator().manual_seed(11)
    cases = []
    for kind in (ranknet, triplet, listmle, soft_spearman, chain, rank_n_contrast):
        for number, metric in enumerate(("cosine", "euclidean", "sqeuclidean")):
            for anchors in ("origin", "all"):
                n, k, dim, base = 3, 5, 3, 2
                c = {"kind": kind.__name__, "distance": metric, "anchors": anchors, "base": base, "period": 0,
                     "temperature": 0 if kind is triplet else 2 if kind is rank_n_contrast else 0.3,
                     "margin": 0.25 if kind is triplet or kind is chain and number else 0,
                     "scaled_margin": kind is triplet and number == 2}
                s = torch.rand(n, k, generator=generator)
                if number == 1:  # two-sided, with a tie
                    s = s * 2 - 1
                    s[0, 3] = s[0, 4]
                if number == 2:  # cyclic, with a tie the other way round
                    c["period"] = 1.25
                    s[0, 3], s[0, 4] = 0.25, 1.0
                s[:, :base] = 0
                s = torch.round(s, decimals=6)
                z = torch.round(torch.randn(n, k, dim, generator=generator), decimals=6).requires_grad_(True)
                value = kind(z, s.tolist(), c)
                (grad,) = torch.autograd.grad(value, z)
                cases.append({**c, "z": tensor(z), "s": tensor(s), "value": value.item(), "grad": tensor(grad)})
    print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")


main()
