"""Values that the tests of package eval compare with: scikit-learn's, scipy's, and numpy's from the formulas alone.

Writes ../testdata/reference.json. Run in this folder: python reference.py. It needs numpy, scipy and scikit-learn; the
versions that made the stored file are in it. No test runs this.
"""

import json
import warnings

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore", message="invalid value")  # of NearestCentroid's deviations, which nothing uses
warnings.filterwarnings("ignore", message="self.within_class_std_dev_")
rng = np.random.default_rng(20261130)
out = {"versions": {"numpy": np.__version__, "scipy": scipy.__version__, "scikit-learn": sklearn.__version__}}


def rows(x):
    """Rounds to float32 with few digits, so that the file holds what the values were made of."""
    return np.round(np.asarray(x, dtype=np.float64), 4).astype(np.float32).astype(np.float64)


def flat(x):
    """float32 values with the digits that they need, others with nine."""
    return [float(str(np.float32(v))) if v == np.float32(v) else float(f"{v:.9g}") for v in np.asarray(x).ravel()]


def exact(x):
    return np.asarray(x, dtype=np.float64).ravel().tolist()


def unit(x):
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


# Classes: kNN, probe, few-shot.
dim, classes = 6, 5
centres = rng.normal(size=(classes, dim))


def clusters(n, skew):
    y = rng.integers(0, classes, n)
    return rows((centres[y] + 0.9 * rng.normal(size=(n, dim))) * skew + 0.3), y


skew = np.array([1, 3, 0.2, 1, 10, 0.5])
train_x, train_y = clusters(240, skew)
test_x, test_y = clusters(150, skew)
train_x[:, 5] = 2.5  # a constant feature
test_x[:, 5] = 2.5
test_x[7, 5] = 3
c = {"dim": dim, "classes": classes, "train": flat(train_x), "train_labels": train_y.tolist(),
     "test": flat(test_x), "test_labels": test_y.tolist(), "knn": [], "probe": []}
for k, t in ((1, 0.1), (7, 0.1), (20, 0.5), (240, 1.0)):
    knn = KNeighborsClassifier(k, metric="cosine", algorithm="brute", weights=lambda d, t=t: np.exp((1 - d) / t))
    c["knn"].append({"k": k, "temperature": t, "top1": knn.fit(train_x, train_y).score(test_x, test_y)})
for two in (False, True):
    keep = train_y < 2 if two else np.ones(len(train_y), bool)
    test_keep = test_y < 2 if two else np.ones(len(test_y), bool)
    for standardise in (False, True):
        for penalty in (1e-4, 1e-2, 0.1, 1.0):
            fit = LogisticRegression(C=1 / (penalty * keep.sum()), tol=1e-11, max_iter=100000)
            if standardise:
                fit = make_pipeline(StandardScaler(), fit)
            fit.fit(train_x[keep], train_y[keep])
            c["probe"].append({"two": two, "standardise": standardise, "penalty": penalty,
                               "top1": fit.score(test_x[test_keep], test_y[test_keep]),
                               "predicted": fit.predict(test_x[test_keep]).tolist()})
c["fewshot"] = []
for ways, shots, queries in ((5, 1, 8), (5, 5, 8), (3, 2, 10), (2, 3, 5)):
    support_rows, query_rows = [], []
    for cls in sorted(rng.choice(classes, ways, replace=False)):
        chosen = rng.permutation(np.flatnonzero(train_y == cls))[:shots + queries]
        support_rows.append(chosen[:shots].tolist())
        query_rows.append(chosen[shots:].tolist())
    s, q = np.concatenate(support_rows), np.concatenate(query_rows)
    sy, qy = np.repeat(np.arange(ways), shots), np.repeat(np.arange(ways), queries)
    means = np.stack([unit(train_x[r]).mean(0) for r in support_rows])
    c["fewshot"].append({
        "support": support_rows, "queries": query_rows,
        "cosine": float(np.mean((unit(train_x[q]) @ unit(means).T).argmax(1) == qy)),
        "euclid": NearestCentroid(metric="euclidean").fit(train_x[s], sy).score(train_x[q], qy),
        "logistic": LogisticRegression(tol=1e-11, max_iter=100000).fit(train_x[s], sy).score(train_x[q], qy)})
out["classes"] = c

# Regression: tall, and wide (fewer rows than columns).
out["regression"] = []
for n, d in ((90, 7), (25, 40)):
    w = rng.normal(size=(d, 3)) * np.array([1, 10, 0.1])
    x, xt = rows(rng.normal(size=(n, d)) * 2 + 1), rows(rng.normal(size=(60, d)) * 2 + 1)
    noise = 0.5 * np.sqrt(d) * np.array([1, 10, 0.1])
    y, yt = rows(x @ w + noise * rng.normal(size=(n, 3))), rows(xt @ w + noise * rng.normal(size=(60, 3)))
    case = {"dim": d, "train": flat(x), "targets": flat(y), "test": flat(xt), "test_targets": flat(yt), "fits": []}
    for penalty in (1e-3, 0.1, 10):
        p = make_pipeline(StandardScaler(), Ridge(alpha=penalty * n, solver="cholesky")).fit(x, y).predict(xt)
        case["fits"].append({
            "penalty": penalty, "predictions": flat(p),
            "pooled": 1 - ((yt - p) ** 2).sum() / ((yt - yt.mean()) ** 2).sum(),
            "per_dimension": r2_score(yt, p), "columns": r2_score(yt, p, multioutput="raw_values").tolist()})
    out["regression"].append(case)
truth, guess = rng.uniform(0, 360, 40), rng.uniform(0, 360, 40)
out["angles"] = {"truth": exact(truth), "guess": exact(guess),
                 "errors": exact(180 - np.abs(180 - np.abs(truth - guess)))}

# Orbits: order, prediction, invariance.
scales = np.array([0, 0.2, 0.4, 0.4, 0.8, 1.0])
images, width = 12, 5


def orbit(n, seed):
    r = np.random.default_rng(seed)
    start, way = r.normal(size=(n, width)), 0.6 * r.normal(size=width)
    z = np.stack([start + s * way + 0.4 * s * start[:, ::-1] + 0.25 * r.normal(size=(n, width)) for s in scales])
    return rows(z)


train, z = orbit(60, 1), orbit(images, 2)
z[3, 5] = z[2, 5]  # a tie of distances at equal scales
z[4, 6] = z[1, 6]  # one at different scales
z[:, 7] = z[0, 7]  # an image that does not change
o = {"scales": exact(scales), "images": images, "dim": width, "z": flat(z), "train_images": 60, "train": flat(train)}
u = unit(z)
distance = 1 - (u * u[0]).sum(-1)
order = {"accuracy": [], "spearman": [], "kendall": []}
for i in range(images):
    d = np.round(distance[1:, i], 12)
    right = [1.0 if d[a] < d[b] else 0.5 if d[a] == d[b] else 0.0
             for a in range(5) for b in range(5) if scales[1 + a] < scales[1 + b]]
    order["accuracy"].append(float(np.mean(right)))
    constant = np.ptp(d) == 0
    order["spearman"].append(0.0 if constant else float(stats.spearmanr(scales[1:], d).statistic))
    order["kendall"].append(0.0 if constant else float(stats.kendalltau(scales[1:], d).statistic))
order["distance"] = exact(distance)
o["order"] = order

penalty = 0.05
predicted = np.stack([make_pipeline(StandardScaler(), Ridge(alpha=penalty * 60, solver="cholesky"))
                     .fit(train[0], train[g]).predict(z[0]) for g in range(len(scales))])
o["maps"] = {"penalty": penalty, "predicted": flat(predicted)}
predicted = np.round(predicted, 3).astype(np.float32).astype(np.float64)
predicted[5, 3] = predicted[4, 3]
cosine = np.einsum("gid,hid->igh", unit(predicted), u).round(12)
mrr, h1, h5 = (np.zeros((images, len(scales))) for _ in range(3))
for i in range(images):
    for g in range(len(scales)):
        above = int((cosine[i, g] > cosine[i, g, g]).sum())
        ranks = above + 1 + np.arange(int((cosine[i, g] == cosine[i, g, g]).sum()))
        mrr[i, g], h1[i, g], h5[i, g] = (1 / ranks).mean(), (ranks <= 1).mean(), (ranks <= 5).mean()
o["predicted"] = flat(predicted)
o["retrieval"] = {"mrr": mrr.mean(), "h1": h1.mean(), "h5": h5.mean(), "mrr_by_image": exact(mrr.mean(1)),
                  "mrr_by_scale": exact(mrr.mean(0))}
bank = unit(train).reshape(-1, width)
bank_scale = np.repeat(scales, 60)
nearest = (unit(predicted).reshape(-1, width) @ bank.T).argmax(1)
pre = np.abs(np.repeat(scales, images) - bank_scale[nearest]).reshape(len(scales), images)
o["pre"] = {"pre": pre.mean(), "by_image": exact(pre.mean(0)), "chance": np.abs(scales[:, None] - scales).mean()}
off, change = ((predicted - z) ** 2).sum(-1)[1:], ((z[0] - z) ** 2).sum(-1)[1:]
o["gain"] = {"gain": 1 - off.sum() / change.sum(), "by_scale": exact(1 - off.sum(1) / change.sum(1))}

over_scales, over_images = z.var(0).mean(0), z.var(1).mean(0)
other = ~np.eye(images, dtype=bool)
cross = np.einsum("id,gjd->gij", u[0], u)
between = (1 - cross[0])[other].mean()
positive = np.einsum("gii->gi", cross)[1:]
negative = np.stack([cross[g][other].mean() for g in range(1, len(scales))])
o["invariance"] = {"normalised_variance": (over_scales / over_images).mean(),
                   "pooled_variance": over_scales.sum() / over_images.sum(), "between": between,
                   "relative_distance": distance[1:].mean() / between,
                   "positive_minus_negative": positive.mean() - negative.mean()}
out["orbit"] = o

# Without labels.


def entropy_rank(s, eps):
    p = s / s.sum() + eps
    return float(np.exp(-(p * np.log(p)).sum()))


def label_free(x):
    n, d = x.shape
    centred = x - x.mean(0)
    e = unit(x)
    q = ((e @ e.T) ** 2).sum()
    even = n * (n - 1) / d
    k = min(n - 1, d)
    log_values = np.log(np.sort(np.linalg.eigvalsh(centred.T @ centred / n))[::-1][:k])
    return {"rankme": entropy_rank(np.linalg.svd(x, compute_uv=False), 1e-7),
            "rankme_centred": entropy_rank(np.linalg.svd(centred, compute_uv=False), 1e-7),
            "self_clustering": (q - n - even) / (n * n - n - even),
            "deviation": e.std(0).mean(),
            "alpha": -np.polyfit(np.log(np.arange(1, k + 1)), log_values, 1)[0],
            "alpha_2_5": -np.polyfit(np.log(np.arange(2, 6)), log_values[1:5], 1)[0]}


def lidar(views, delta, eps):
    q, n, d = views.shape
    mu = views.mean(0)
    b = (mu - mu.mean(0)).T @ (mu - mu.mean(0)) / n
    r = (views - mu).reshape(-1, d)
    values, vectors = np.linalg.eigh(r.T @ r / (n * q) + delta * np.eye(d))
    half = vectors @ np.diag(values ** -0.5) @ vectors.T
    return entropy_rank(np.linalg.svd(half @ b @ half, compute_uv=False), eps)


out["label_free"] = []
for n, d in ((50, 8), (12, 20)):
    x = rows(rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) * 0.5 + 0.7)
    views = rows(x + 0.4 * rng.normal(size=(3, n, d)))
    y = rows(x[:, : d // 2] + 0.8 * rng.normal(size=(n, d // 2)))
    overlap = []
    for k in (1, 5, n - 1):
        def near(r, k=k):
            s = unit(r) @ unit(r).T
            np.fill_diagonal(s, -np.inf)
            return np.argsort(-s, axis=1, kind="stable")[:, :k]
        share = [len(set(a) & set(b)) / k for a, b in zip(near(x), near(y))]
        overlap.append({"k": k, "overlap": float(np.mean(share)), "by_image": share})
    out["label_free"].append({"rows": n, "dim": d, "x": flat(x), "views": flat(views), "y": flat(y), "overlap": overlap,
                              "lidar": lidar(views, 1e-4, 1e-8), "lidar_delta_1": lidar(views, 1, 1e-8),
                              **label_free(x)})

# Intervals.
a, b = rng.normal(0.8, 0.05, 5), rng.normal(0.78, 0.05, 5)


def student(v, level):
    return [float(x) for x in stats.t.interval(level, len(v) - 1, v.mean(), stats.sem(v))]


out["seeds"] = {"a": exact(a), "b": exact(b), "mean": a.mean(), "deviation": a.std(ddof=1),
                "interval_95": student(a, 0.95),
                "paired_90": student(a - b, 0.9)}
v = rng.normal(size=31)
out["quantiles"] = {"values": exact(v), "shares": [0, 0.025, 0.25, 0.5, 0.9, 1],
                    "quantiles": exact(np.quantile(v, [0, 0.025, 0.25, 0.5, 0.9, 1]))}
# A bootstrap with numpy's own draws: the interval agrees up to the noise of 20,000 resamples.
w = rng.exponential(size=80)
resamples = w[rng.integers(0, 80, (20000, 80))].mean(1)
out["bootstrap"] = {"values": exact(w), "interval": exact(np.quantile(resamples, [0.025, 0.975]))}

with open("../testdata/reference.json", "w") as f:
    json.dump(out, f, separators=(",", ":"))
    f.write("\n")
