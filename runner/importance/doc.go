// Package importance says which keys of a sweep decide whether a trial is among the best: PED-ANOVA (Watanabe, Bansal
// and Hutter, IJCAI 2023, arXiv:2304.10255).
//
// # What it computes
//
// Of n trials the best γ·n are the top, and trials that equal the last of these are top, too. For each key d let p be
// the density of its values among the top and q that among all trials. Its importance is γ' times Pearson's divergence,
//
//	v(d) = γ' Σ q(x) (p(x)/q(x) - 1)²,    γ' = (trials in the top)/n
//
// summed over a grid of the key's values: 0 where the top has the key's values just as often as all trials do, and the
// larger, the more the top differs. A share is v(d) over the sum of all keys'. Interactions of keys are not seen: of
// two keys that only matter together each may have little.
//
// # Densities
//
// Values are counted in cells: categories and the steps of a grid are cells themselves, numbers fall into the nearest
// of at most [Cells] evenly spaced ones between the key's bounds, by their logarithm where the key is logarithmic, and
// no more than a step or whole numbers leave. The density is a mixture: a kernel for every cell that has c values, with
// the weight c, and one with the weight 1 that knows nothing. Of numbers and steps a kernel is the mass that a normal
// distribution, cut off at the ends, has in each cell; its deviation is Scott's (1992),
//
//	σ = 1.059 min(IQR/1.34, s) N^(-1/5),    at least 0.5/1.64 cells
//
// for N values with sample deviation s, and that of the one that knows nothing is as wide as the grid, around its
// middle. Of K categories the kernel of one has 1 more than the others, which have 1/(kernels) each, made to sum to 1.
//
// # How sure it is
//
// A trial here is a combination, with the mean over its seeds: seeds are repetitions and no key. v(d) is above 0 by
// chance alone, the more so the fewer trials there are. So it is compared with what a top of as many trials drawn at
// random has, [Shuffles] times; p is the share of these with at least v(d). Above [Level] the key can't be told from
// one that means nothing. With fewer than [LeastTrials] trials nothing is said at all. A search that looks where it was
// good before draws no independent trials; p is a guide then.
//
// A key that is set in some trials only (`when`) is judged among these. compare/reference.py compares the numbers with
// those of Optuna 4.5.
package importance
