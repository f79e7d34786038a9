"""Importances that the test of package importance compares with: those of Optuna's PedAnovaImportanceEvaluator.

Writes ../testdata/reference.json. Run in this folder: python reference.py. It needs numpy and optuna; the versions that
made the stored file are in it. No test runs this.

Optuna has no list of numbers with an order: the steps of one are whole numbers there. Its least top is set to that of
the package.
"""

import json
import warnings

import numpy as np
import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.importance import PedAnovaImportanceEvaluator

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
rng = np.random.default_rng(20261201)
LIST = [0.001, 0.003, 0.01, 0.1]


def sweep(n, minimize, result):
    """n trials of keys of all kinds, and what Optuna says of them."""
    distributions = {
        "role": CategoricalDistribution(["absent", "invariant", "ordered"]),
        "steps": IntDistribution(0, len(LIST) - 1),
        "uniform": FloatDistribution(-1, 3),
        "log": FloatDistribution(1e-4, 1e-1, log=True),
        "whole": IntDistribution(10, 40),
        "stepped": FloatDistribution(0, 1, step=0.25),
    }
    study = optuna.create_study(direction="minimize" if minimize else "maximize")
    trials = []
    for _ in range(n):
        p = {
            "role": str(rng.choice(["absent", "invariant", "ordered"])),
            "steps": int(rng.integers(0, len(LIST))),
            "uniform": float(f"{rng.uniform(-1, 3):.6g}"),
            "log": float(f"{np.exp(rng.uniform(np.log(1e-4), np.log(1e-1))):.6g}"),
            "whole": int(rng.integers(10, 41)),
            "stepped": float(rng.integers(0, 5)) / 4,
        }
        value = float(f"{result(p) + rng.normal(0, 0.1):.6g}")
        study.add_trial(optuna.create_trial(params=p, distributions=distributions, value=value))
        values = [p["role"], repr(LIST[p["steps"]]), *(repr(p[k]) for k in ("uniform", "log", "whole", "stepped"))]
        trials.append({"values": values, "result": value})
    evaluator = PedAnovaImportanceEvaluator(baseline_quantile=0.1)
    evaluator._min_n_top_trials = 5
    return {"minimize": minimize, "trials": trials, "importance": evaluator.evaluate(study)}


json.dump({
    "versions": {"numpy": np.__version__, "optuna": optuna.__version__},
    "sweeps": [
        sweep(60, False, lambda p: (p["role"] == "ordered") + 0.2 * p["steps"] - 0.1 * p["uniform"] ** 2),
        sweep(200, True, lambda p: abs(np.log10(p["log"]) + 2) + 0.02 * p["whole"]),
        sweep(25, False, lambda p: p["stepped"] + (p["role"] == "absent")),
    ],
}, open("../testdata/reference.json", "w"), indent=0)
