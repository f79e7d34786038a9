"""What ordo embed writes, read by other programs: ten lines for each.

    bin/ordo embed RUN --split all --out rows.npz
    bin/ordo embed RUN --split all --out rows.npy
    bin/ordo embed RUN --split all --out rows.parquet --neighbours 10
    python docs/recipes/embeddings.py rows

runs every recipe whose program is installed, and fails where one reads something else than the others. Needs numpy;
each of pandas, polars, pyarrow, duckdb, faiss-cpu, autofaiss, scikit-learn and embedding-atlas if it is there.
"""

import csv
import importlib
import logging
import shutil
import sys
import tempfile

import numpy as np


def with_numpy(name):
    f = np.load(name + ".npz")
    features, labels, test = f["features"], f["labels"], f["split"] == "test"
    assert len(features) == len(f["ids"]) == len(labels) and 0 < test.sum() < len(test)
    mapped = np.load(name + ".npy", mmap_mode="r")  # nothing is read before it is asked for
    assert np.array_equal(mapped, features)
    with open(name + ".rows.csv") as rows:
        assert [row["id"] for row in csv.DictReader(rows)] == list(f["ids"])
    return f"{features.shape} {features.dtype}, {len(f['classes'])} classes"


def with_pandas(name):
    import pandas as pd

    t = pd.read_parquet(name + ".parquet")
    x = np.stack(t["features"])
    same(name, x, t["id"])
    return f"{x.shape} {x.dtype}, {t['label'].notna().sum()} labels, width {t['width'].median():.0f}"


def with_polars(name):
    import polars as pl

    t = pl.read_parquet(name + ".parquet")
    x = np.stack(t["features"].to_numpy())
    same(name, x, t["id"])
    counts = t.group_by("split").len().sort("split").rows()
    return f"{x.shape} {x.dtype}, {counts}"


def with_pyarrow(name):
    import pyarrow.parquet as pq

    t = pq.read_table(name + ".parquet", columns=["id", "features"])
    values = t["features"].combine_chunks().values
    x = values.to_numpy(zero_copy_only=False).reshape(len(t), -1)
    same(name, x, t["id"].to_pylist())
    return f"{x.shape} {x.dtype}"


def with_duckdb(name):
    import duckdb

    [(n, alike, distance)] = duckdb.sql(f"""
        SELECT count(*), avg((b.class = a.class)::INT), median(a.neighbors.distances[1])
        FROM (SELECT *, file_row_number AS row FROM read_parquet('{name}.parquet', file_row_number = true)) a
        JOIN (SELECT *, file_row_number AS row FROM read_parquet('{name}.parquet', file_row_number = true)) b
        ON b.row = a.neighbors.ids[1]""").fetchall()
    assert n == len(np.load(name + ".npz")["ids"])
    return f"{n} images, {alike:.3f} of them of the nearest's class, median distance {distance:.4f}"


def with_faiss(name):
    import faiss
    import pyarrow.parquet as pq

    x = np.array(np.load(name + ".npy"), dtype=np.float32)
    faiss.normalize_L2(x)  # the inner product is the cosine then
    index = faiss.IndexFlatIP(x.shape[1])
    index.add(x)
    found = index.search(x, 2)[1]
    ours = [n["ids"][0] for n in pq.read_table(name + ".parquet")["neighbors"].to_pylist()]
    agree = np.mean([o in f for o, f in zip(ours, found)])
    assert agree > 0.99  # the rest are equally near to float32
    return f"{index.ntotal} rows, the nearest image is ordo's for {agree:.4f}"


def with_autofaiss(name):
    from autofaiss import build_index

    with tempfile.TemporaryDirectory() as folder:  # it reads all files of one
        shutil.copy(name + ".npy", folder)
        index, _ = build_index(folder, save_on_disk=False, max_index_memory_usage="100MB", current_memory_available="1G",
                               verbose=logging.ERROR)
    return f"{index.ntotal} rows of {index.d}"


def with_sklearn(name):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    f = np.load(name + ".npz")
    test = f["split"] == "test"
    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probe.fit(f["features"][~test], f["labels"][~test])
    return f"{probe.score(f['features'][test], f['labels'][test]):.3f} of the test images by a linear probe"


def with_embedding_atlas(name):
    from embedding_atlas.cli import load_datasets

    t = load_datasets([name + ".parquet"])
    first = t["neighbors"].iloc[0]
    assert len(first["ids"]) == len(first["distances"]) and 0 not in first["ids"] and max(first["ids"]) < len(t)
    return f"{len(t)} rows; embedding-atlas {name}.parquet --vector features --neighbors neighbors"


def same(name, x, ids):
    f = np.load(name + ".npz")
    assert x.dtype == f["features"].dtype and np.array_equal(x, f["features"]) and list(ids) == list(f["ids"])


def main(name):
    for recipe in (with_numpy, with_pandas, with_polars, with_pyarrow, with_duckdb, with_faiss, with_autofaiss,
                   with_sklearn, with_embedding_atlas):
        program = recipe.__name__.removeprefix("with_")
        try:
            version = getattr(importlib.import_module(program), "__version__", "")
        except ImportError:
            print(f"{program}: not installed")
            continue
        print(f"{program} {version}: {recipe(name)}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
