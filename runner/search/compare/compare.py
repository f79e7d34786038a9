"""The Parzen estimator of package search beside Optuna's and beside random draws, on standard functions.

Run in this folder, with Go and with Optuna 5.0.0 in a virtual environment: python compare.py [SEEDS [TRIALS]]
It prints for every function the quartiles over the seeds of the best value after so many trials, and by a rank test
(Mann-Whitney, two-sided) the probability of such a difference from Optuna by chance. No test runs this; README.md has
what it printed.
"""

import json
import math
import subprocess
import sys
import tempfile

import numpy as np
import optuna
from scipy.stats import mannwhitneyu

optuna.logging.set_verbosity(optuna.logging.ERROR)


def uniform(low, high):
    return {"Kind": "uniform", "Low": low, "High": high}


def sphere(x):
    return sum(v * v for v in x)


def branin(x):
    a, b = x
    return ((b - 5.1 / (4 * math.pi**2) * a**2 + 5 / math.pi * a - 6) ** 2
            + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10)


A = np.array([[10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8],
              [17, 8, 0.05, 10, 0.1, 14]])
P = 1e-4 * np.array([[1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
                     [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381]])


def hartmann6(x):
    return -float(np.array([1, 1.2, 3, 3.2]) @ np.exp(-(A * (np.array(x) - P) ** 2).sum(1)))


def rastrigin(x):
    return 10 * len(x) + sum(v * v - 10 * math.cos(2 * math.pi * v) for v in x)


def mixed(x):
    """Like a training: a rate, how many layers, one of four kinds, and a weight that only one kind has."""
    rate, layers, kind, weight = x
    loss = (math.log10(rate) + 2.5) ** 2 + 0.05 * (layers - 5) ** 2 + [0.8, 0.5, 0.2, 0.4][int(kind)]
    return loss + (min(1, abs(math.log10(weight))) - 0.6 if kind == 3 else 0)


FUNCTIONS = {
    "sphere, 4": (sphere, [uniform(-5, 5)] * 4),
    "Branin": (branin, [uniform(-5, 10), uniform(0, 15)]),
    "Hartmann6": (hartmann6, [uniform(0, 1)] * 6),
    "Rastrigin, 5": (rastrigin, [uniform(-5.12, 5.12)] * 5),
    "mixed": (mixed, [{"Kind": "log", "Low": 1e-5, "High": 1}, {"Kind": "integer", "Low": 1, "High": 12},
                      {"Kind": "choice", "Probabilities": [0.25] * 4},
                      {"Kind": "log", "Low": 1e-2, "High": 1e2, "When": [{"Parameter": 2, "Values": [3]}]}]),
}


def ordo(program, f, space, seed, trials):
    points, values = [], []
    for _ in range(trials):
        question = {"Space": space, "Seed": seed, "Points": points, "Values": values}
        program.stdin.write(json.dumps(question) + "\n")
        program.stdin.flush()
        points.append(json.loads(program.stdout.readline()))
        values.append(f(points[-1]))
    return min(values)


def suggest(trial, space):
    x = []
    for i, p in enumerate(space):
        name = f"x{i}"
        if any(x[c["Parameter"]] not in c["Values"] for c in p.get("When", [])):
            x.append(None)
        elif p["Kind"] == "choice":
            x.append(trial.suggest_categorical(name, list(range(len(p["Probabilities"])))))
        elif p["Kind"] == "integer":
            x.append(trial.suggest_int(name, p["Low"], p["High"]))
        else:
            x.append(trial.suggest_float(name, p["Low"], p["High"], log=p["Kind"] == "log"))
    return x


def with_optuna(sampler, f, space, trials):
    study = optuna.create_study(sampler=sampler)
    study.optimize(lambda trial: f(suggest(trial, space)), n_trials=trials)
    return study.best_value


def main():
    if optuna.__version__ != "5.0.0":
        sys.exit(f"this is Optuna {optuna.__version__}, not 5.0.0: make an environment of its own")
    seeds, trials = (int(a) for a in (sys.argv[1:] + ["50", "100"][len(sys.argv) - 1:]))
    tpe = optuna.samplers.TPESampler
    print(f"Optuna {optuna.__version__}; best of {trials} trials, {seeds} seeds: median [quartiles]\n")
    print("| function | random | Optuna, univariate | Optuna | ordo | p, ordo and Optuna |")
    print("| --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["go", "build", "-o", folder + "/compare", "."], check=True)
        program = subprocess.Popen([folder + "/compare"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for name, (f, space) in FUNCTIONS.items():
            conditions = any("When" in p for p in space)
            found = {
                "random": [with_optuna(optuna.samplers.RandomSampler(seed=s), f, space, trials) for s in range(seeds)],
                "univariate": [with_optuna(tpe(seed=s, multivariate=False), f, space, trials)
                               for s in range(seeds)],
                "optuna": [with_optuna(tpe(seed=s, group=conditions), f, space, trials)
                                 for s in range(seeds)],
                "ordo": [ordo(program, f, space, s, trials) for s in range(seeds)],
            }
            cells = ["{1:.3g} [{0:.3g}, {2:.3g}]".format(*np.percentile(v, [25, 50, 75])) for v in found.values()]
            p = mannwhitneyu(found["ordo"], found["optuna"]).pvalue
            print(f"| {name} | {' | '.join(cells)} | {p:.2g} |", flush=True)
        program.stdin.close()
        program.wait()


if __name__ == "__main__":
    main()
