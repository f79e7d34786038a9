// Package search chooses which trials of a sweep are run, and how far: numbers in, a decision out. It starts no trial
// and reads no file, and a decision depends on nothing but what it is given, so whoever keeps the numbers comes to the
// same decisions again.
//
// # Words
//
//	space        the parameters that are searched, with what each is drawn from: its prior
//	observation  what is known of a trial: its values, and how it went
//	rung         an epoch at which trials are compared
//
// # The Parzen estimator
//
// [TPE] is the tree-structured Parzen estimator of Bergstra and others (2011), multivariate as BOHB has it (Falkner and
// others 2018); Watanabe (2023) explains its parts. The n trials that ended are split into the best
//
//	n_good = min(⌈0.1 n⌉, 25)
//
// and all others. Each group is the mixture of a kernel for every observation and of the prior p₀, which weighs as much
// as one of them:
//
//	p(x) = Σᵢ wᵢ ∏ₖ kᵢₖ(xₖ) + w₀ ∏ₖ p₀ₖ(xₖ)
//
// so that what was good together is drawn together. Of 24 draws x from the good group's mixture l, that one is taken
// whose ratio l(x)/g(x) to the others' is the largest, which for a good share γ is the one of the greatest expected
// improvement, EI(x) ∝ (γ + (1-γ) g(x)/l(x))⁻¹. The first ten trials are drawn from the prior. The last 25 observations
// of a group weigh 1, those before them less, in a line from 1/n on: a search forgets slowly.
//
// A number's kernel is a normal one, cut at the bounds a and b, in the logarithm for a logarithmic parameter. It is as
// wide as the larger of the distances to the next observations of the group on both sides, by the rule of 2011, within
//
//	(b - a)/min(100, n+2) ≤ σ ≤ b - a
//
// whose lower end keeps the search from digging in one place: narrow where much was good, wide elsewhere. Of a
// parameter with steps, a value has the probability of its step. For one without bounds b - a is 2√3 times the prior's
// deviation, as wide as the uniform distribution of that deviation. A choice's kernel gives its own choice (1 + p₀
// C/(n+1)) / (1 + C/(n+1)) and another, of prior p₀, (p₀ C/(n+1)) / (1 + C/(n+1)), C choices being there.
//
// A parameter with a condition isn't there in every trial: the space is a tree. The kernel of an observation that lacks
// it is the prior there, and a draw that doesn't meet the condition has no value of it, so that both mixtures remain
// distributions over the tree.
//
// Trials that run are among the others, beside those n, as if they had gone badly (the constant liar of Ginsbourger and
// others 2010): workers at once ask for different things. So are trials that failed or gave no number: what makes a
// training diverge should be left alone, which leaving them out would not do. Trials that were stopped early are
// compared with each other, after all those that came further.
//
// # Early stopping
//
// [Halving] is ASHA (Li and others 2020): rungs at the epochs r η⁰, r η¹, r η², … below a training's end. A trial
// pauses at every rung. Whenever a worker is free, a trial is promoted that is among the best ⌊n/η⌋ of the n that came
// to its rung, the highest rung first, and that was not promoted yet; only where there is none does a new trial begin.
// So no worker ever waits for a rung to be full. As a rung fills while it is promoted from, more than 1/η of it may
// have gone on at the end; the surplus is of the order of √n where trials come in no order.
//
// [Median] is the median stopping rule of Vizier (Golovin and others 2017): a trial is stopped for good at epoch e if
// its best number up to e is strictly worse than the median, over the finished trials, of their mean up to e.
//
// # Sources
//
// J. Bergstra, R. Bardenet, Y. Bengio, B. Kégl, Algorithms for Hyper-Parameter Optimization, NeurIPS 2011. S. Falkner,
// A. Klein, F. Hutter, BOHB, ICML 2018. D. Ginsbourger, R. Le Riche, L. Carraro, Kriging is well-suited to parallelize
// optimization, 2010. D. Golovin and others, Google Vizier, KDD 2017. L. Li and others, A System for Massively Parallel
// Hyperparameter Tuning, MLSys 2020. S. Watanabe, Tree-Structured Parzen Estimator: Understanding Its Algorithm
// Components and Their Roles for Better Empirical Performance, arXiv 2304.11127.
//
// The folder compare sets it beside Optuna.
package search
