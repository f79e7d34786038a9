// Package loss computes the losses of ordo and their gradients, on plain slices.
//
// # What goes in and out
//
// A batch is V views of N images, in rows v*N+n. A view belongs to a family of transformations and has a scale in it,
// or it is a base view: every family at its origin, scale 0. The loss gets the outputs of the model for all views
// (`embedding`, the projector's, and `features`, the backbone's) and returns one number and its gradient by each output.
//
// The number is a weighted sum of terms, at most one of each kind:
//
//	total = invariance.weight * ntxent + order.weight * ranknet
//
// In what follows z_a is row a of an output, cos(a, b) the cosine of z_a and z_b, and τ the term's temperature.
//
// # ntxent: what should stay the same
//
// Multi-view NT-Xent looks at the base views only, B of each image, M = B*N rows. For a row, the other base views of
// its image are positives, and all other rows stand in the denominator:
//
//	L = 1/M Σ_a 1/(B-1) Σ_{p positive of a} -log( exp(cos(a,p)/τ) / Σ_{b≠a} exp(cos(a,b)/τ) )
//
// With two base views this is the loss of SimCLR (Chen et al. 2020, equation 1 and algorithm 1); the mean over positives
// outside of the logarithm is L_out of Khosla et al. 2020 (equation 2), with the image as its class. One image has no
// negatives: with two base views L and its gradient are then 0, with B views L is at least log(B-1).
//
// Diagnostics: positive_similarity, the mean cosine of two base views of one image, should rise; negative_similarity,
// that of base views of different images, should stay near 0 (near 1 the embedding has collapsed). The latter is left
// out when there is one image.
//
// # ranknet: whose order of scale should be kept
//
// The group of an image and a family is the image's base views (scale 0) and the views of that family. With a member i
// as the anchor, a member j whose scale is nearer to the anchor's than that of member k ought to be nearer to it in the
// output as well, d = 1 - cos:
//
//	T = {(i,j,k) all different, i an anchor, |s_i-s_j| < |s_i-s_k|}
//	L = mean over the families of  1/|T| Σ_T log(1 + exp((d(i,j) - d(i,k))/τ))
//
// T runs over all groups of the family in the batch; differences of scale that are equal within 1e-9 are ties and make
// no triplet. A family without a triplet counts with 0, no family at all gives 0. Anchors are the base views (`anchors:
// origin`) or all members (`anchors: all`). The logistic loss of a pair is that of RankNet (Burges et al. 2005, equation
// 3 with a target of 1).
//
// That order of scale is to be preserved in embedding space is the idea of Xie, Wen, Lau, Rehman and Shen, "What Should
// Be Equivariant in Self-Supervised Learning" (CVPR Workshops 2022). Their loss is not public, only the abstract is; this
// one is our reading of it and not a reproduction.
//
// Diagnostics: accuracy, the share of triplets that are in order, exact ties counting half (0.5 is chance), over all
// families, and value/NAME, accuracy/NAME and triplets/NAME (their number) for every family. Accuracies are left out
// where there is no triplet.
//
// # Numbers
//
// Outputs and gradients are stored as float32, everything between is float64. Cosines are those of torch: a norm below
// 1e-12 (ntxent, torch.nn.functional.normalize) or 1e-8 (ranknet, cosine_similarity) counts as zero. Such a row has no
// direction: its cosine with every row is 0 and its gradient is 0. (torch divides by the bound instead, so a zero row
// gets a gradient of up to 1e12 there, which would ruin a training step.) So values and gradients are finite for all
// finite input: zero rows, equal rows, rows near the limits of float32, every temperature that Options allows.
package loss
