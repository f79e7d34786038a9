// Package loss computes the losses of ordo and their gradients, on plain slices.
//
// # What is there
//
//   - [Options], the section loss of an experiment, whose terms are [InvarianceOptions], [OrderOptions] or
//     [BaselineOptions]; a list of further [TermOptions] ([TermKinds], [DefaultTerm]); [Options.Validate];
//   - [New], which makes a [Loss] of them: [Loss.Needs] says which outputs of the model it looks at, [Loss.Compute]
//     gives value and gradient of a batch, [Loss.State] what it remembers from batch to batch, and [Loss.Target] how a
//     network of averaged weights follows, where a term needs one;
//   - package matrix, products of matrices and sums over vectors, in Go and in amd64 assembly.
//
// A new kind of term is a file with its kernel, an entry in kinds (kinds.go), its formula, source and diagnostics here,
// and its gradient held to finite differences and to an independent implementation in testdata.
//
// # What goes in and out
//
// A batch is V views of N images, in rows v*N+n. A view belongs to a family of transformations and has a scale in it,
// or it is a base view: every family at its origin, scale 0. The loss gets the outputs of the model (`embedding`, the
// projector's, `features`, the backbone's, and the outputs of further heads) and returns one number and its gradient by
// each.
//
// The number is a weighted sum of terms, one for what should stay the same, one for what should keep its order, and any
// further ones:
//
//	total = invariance.weight * invariance + order.weight * order + Σ terms[i].weight * terms[i]
//
// Each term says which outputs it looks at ([Loss.Needs]), so that the model can be built with the heads that make
// them. Its weight can be scheduled over the progress p of the training, from 0 up within the share `warmup`:
//
//	constant  weight
//	linear    weight * min(1, p/warmup)
//	cosine    weight * (1 - cos(π*min(1, p/warmup)))/2
//
// In what follows z_a is row a of an output, cos(a, b) the cosine of z_a and z_b, and τ the term's temperature. B is
// the number of views that a term compares: the base views, or with `views: all` those of the ordered families, too,
// whatever their scale. Then these take part in telling images apart, which makes features robust to the families; with
// base views alone they do not, and features lose nothing and gain nothing.
//
// # ntxent: what should stay the same
//
// Multi-view NT-Xent compares B views of each image, M = B*N rows. For a row, the other compared views of its image are
// positives, and all other rows stand in the denominator:
//
//	L = 1/M Σ_a 1/(B-1) Σ_{p positive of a} -log( exp(cos(a,p)/τ) / Σ_{b≠a} exp(cos(a,b)/τ) )
//
// With two views this is the loss of SimCLR (Chen et al. 2020, equation 1 and algorithm 1); the mean over
// positives outside of the logarithm is L_out of Khosla et al. 2020 (equation 2), with the image as its class. One
// image has no negatives: with two views L and its gradient are then 0, with B views L is at least log(B-1).
//
// With `views: queries` the Q views of the ordered families of each image do not stand in that sum: each looks for its
// image among the base views, as a changed picture is looked for in a gallery of unchanged ones, and these keys take no
// gradient from it:
//
//	L_q = 1/(Q N) Σ_q 1/B Σ_{p base view of q's image} -log( exp(cos(q,p)/τ) / Σ_{b base view} exp(cos(q,b)/τ) )
//
// The value is the mean over all rows, a query's with weight w (`query_weight`): (B L + w Q L_q)/(B + w Q). So where
// images lie is settled by what tells the unchanged ones apart, the families included, and changed ones are pulled to
// where their image lies. With `views: all` it is settled without the families: the changed views of all other images
// are in each denominator, too.
//
// With `output: own` the rows are those of a projector of the term's own on the features, `invariance_base` or
// `invariance_all` by its views. Two such terms in `loss.terms`, one that knows the families' views and one that does
// not, let features have both what is invariant and what is not, as LooC's embedding spaces do (Xiao et al. 2021).
//
// A projector can undo on the embedding what features do not have. Queries with `output: features`, as a further term,
// ask it of the features themselves: experiments/roles/fruits360.yaml.
//
// With `standardise` every column of the rows is shifted and scaled before they are compared, y = (z - mean)/sqrt(var +
// 1e-5) with mean and var over the base views, through which gradient flows, too. That is how a linear probe sees
// features: what hardly varies among untouched images, but does among changed ones, counts as much as anything. On the
// features as they are, a few large columns decide instead, and a probe on changed images loses by the others.
//
// Diagnostics: positive_similarity, the mean cosine of two views of one image, should rise; negative_similarity, the
// mean cosine of views of different images, should stay near 0 (near 1 the embedding has collapsed). The latter is left
// out when there is one image.
//
// # moco, vicreg, barlow_twins, simsiam, byol, lejepa: other ways to stay the same
//
// All but lejepa compare two views. Of more, the value is the mean over all ordered pairs of different compared views;
// z1 and z2 are the rows of such a pair, sums over n run over the images.
//
// moco (He et al. 2020, equation 1; the temperature is from Chen, Fan, Girshick and He 2020) keeps the keys k, the
// normalised rows of `target`, of former batches in a queue Q, oldest out. It starts empty: negatives are what is
// there, and in the first step the value is 0. The queue is in [Loss.State]. It should hold a part of the training
// images only, as an image's own keys of former epochs count as negatives, too. The keys of all compared views enter
// it:
//
//	1/N Σ_n -log( exp(cos(z1,k2)/τ) / (exp(cos(z1,k2)/τ) + Σ_{q in Q} exp(cos(z1,q)/τ)) )
//
// vicreg (Bardes, Ponce and LeCun 2022, equations 1 to 6; half of the variance term, as in the authors' code) with var
// and cov over the batch, divided by N-1; a batch of one image is an error:
//
//	similarity * |z1-z2|²/(N D) + variance * (v(z1)+v(z2))/2 + covariance * (c(z1)+c(z2))
//	v(z) = 1/D Σ_i max(0, 1 - sqrt(var(z_i) + 1e-4)),  c(z) = 1/D Σ_{i≠j} cov(z_i, z_j)²
//
// barlow_twins (Zbontar et al. 2021, equation 1) with C = 1/N Σ_n y1ᵀ y2 of the rows y, every column of which has been
// given mean 0 and deviation 1, as (z - mean)/sqrt(var + 1e-5); a batch of one image is an error:
//
//	Σ_i (C_ii - 1)² + lambda * Σ_{i≠j} C_ij²
//
// simsiam (Chen and He 2021, equation 1) and byol (Grill et al. 2020, equation 2, summed over both directions) look at
// p, the rows of `prediction`. The rows that they are compared with, the embedding and `target`, take no gradient:
//
//	simsiam  1/N Σ_n -cos(p1, z2)
//	byol     1/N Σ_n 2 (2 - 2 cos(p1, target2))
//
// `target` is the embedding that the network of averaged weights gives ([Loss.Target]). For moco its momentum is 0.999,
// for byol it goes from 0.99 to 1 on a cosine (the paper's choice for 300 epochs; for 1,000 it begins at 0.996).
//
// lejepa (Balestriero and LeCun 2025, algorithms 1 and 2) needs neither negatives nor a second network: views are near
// the mean m of their image's, and the rows of each view v are to be normally distributed along any direction. `slices`
// directions a are drawn anew each step; the test is that of Epps and Pulley, by the trapezoid rule at 17 points:
//
//	(1-lambda) * 1/(B N D) Σ_v,n |z_vn - m_n|² + lambda * 1/B Σ_v 1/slices Σ_a T(a·z_v)
//	T(x) = N ∫ |1/N Σ_n exp(i t x_n) - exp(-t²/2)|² exp(-t²/2) dt over [-5, 5]
//
// T is about 1.06 for rows that are normally distributed, and grows with N for others. Rows are compared as they are,
// not by their angles: a projector that ends in few numbers (64 and fewer) is the authors' choice. Their 1,024 slices
// are 256 here, as in their smallest example.
//
// Diagnostics: positive_similarity and negative_similarity, as of ntxent (moco: with the keys and the queue; simsiam
// and byol: of a prediction and what it meets); vicreg: distance, variance and covariance, the three parts without
// weights; barlow_twins: on_diagonal and off_diagonal; moco: queue, the number of keys that were there; lejepa:
// distance and normality, its parts without lambda.
//
// # Order: whose order of scale should be kept
//
// The group of an image and a family is the image's base views (scale 0) and the views of that family. Seen from a
// member i, its anchor, a member j whose scale is nearer to the anchor's than the scale of member k ought to be nearer
// to it in the output as well:
//
//	r(i,j) = |s_i - s_j|, for a cyclic family min(|s_i - s_j|, period - |s_i - s_j|)
//	T      = {(i,j,k) all different, i an anchor, r(i,j) < r(i,k)}
//	d(i,j) = 1 - cos(i,j)                   cosine
//	         sqrt(|z_i - z_j|² + 1e-12)     euclidean
//	         |z_i - z_j|²                   sqeuclidean
//
// Anchors are the base views (`anchors: origin`) or all members (`anchors: all`). Scales may be signed; from the origin
// the sign doesn't matter. Differences of scale that are equal within 1e-9 are ties: they are never compared, so no
// loss depends on the order of the views in a batch. A nominal family (Views.Classes) has no order and is left out.
//
// That order of scale is to be preserved in embedding space is the idea of Xie, Wen, Lau, Rehman and Shen, "What Should
// Be Equivariant in Self-Supervised Learning" (CVPR Workshops 2022). Their loss is not public, only the abstract is;
// all of these are readings of it, ours or other people's ranking losses put to this use, and not a reproduction.
//
//	kind             asks for                              gradient vanishes                       settings
//	ranknet          each triplet in order                 once all are, by many τ                 temperature 0.1
//	triplet          each triplet in order by a margin     once all are: see active                margin 0.2; scaled
//	listmle          the nearest first, then the next …    once all are, by many τ                 temperature 0.1
//	soft_spearman    the ranks of d to be those of r       where d differ by many τ, wrong or not  temperature 0.1
//	chain            neighbours in order                   once all are, by margin and many τ     temperature 0.1; margin
//	rank_n_contrast  order among all images' views         once all are, by many τ                 temperature 2
//	relative_scale   differences of scale                  once they are told                      none
//
// All vanish for rows that are all equal: such an embedding has collapsed, and an invariance term must hold it open.
// The loss of a family is a mean over what the formula sums over, in all groups of the batch:
//
// ranknet (Burges et al. 2005, equation 3 with a target of 1), mean over T:
//
//	log(1 + exp((d(i,j) - d(i,k))/τ))
//
// triplet (Schroff et al. 2015, section 3.1, whose margin of 0.2 is for squared distances of unit rows), mean over T;
// with scaled_margin m is margin * (r(i,k) - r(i,j)). On the cosine distance, which is at most 2, a margin between each
// two of K views can be kept only if margin * (K-1) < 2:
//
//	max(0, d(i,j) - d(i,k) + m)
//
// listmle (Xia et al. 2008; the model is Plackett's 1975 and Luce's 1959), mean over anchors, with u = -d/τ. Without
// ties this is the likelihood of the whole order; of a tie every member stands for itself against what is further:
//
//	Σ_j  log( exp(u(i,j)) + Σ_{k: (i,j,k) in T} exp(u(i,k)) ) - u(i,j)
//
// soft_spearman, mean over anchors: Spearman's 1 - ρ = 6 Σ (R-t)² / (n(n²-1)) with ranks made of sigmoids (Qin, Liu and
// Li 2010), t the ranks of r and R the ranks of d. Ties by scale count 1/2 in both, and n(n²-1)/6 is 2 Σ (t - mean t)²,
// which it is without ties. It doesn't divide by the spread of R, as a correlation would: of two members that would
// leave a step function.
//
//	R(i,j) = 1 + Σ_{k≠i,j} σ((d(i,j) - d(i,k))/τ)
//
// chain (ours), mean over the triplets of T with no member between j and k by scale:
//
//	log(1 + exp((d(i,j) - d(i,k) + margin)/τ))
//
// rank_n_contrast (Zha et al. 2023), mean over the pairs of an anchor i and another row j. Here i, j and k run over the
// base views and the family's views of all images, as the paper's do over a batch: within one image it would be listmle
// but for a factor and ties. So it asks that views of equal scale be alike whatever they show, which contradicts an
// invariance term on the same output; it is meant for `output: own`. As in the paper, ties stand in each other's
// denominators, all rows are anchors and d is euclidean unless set otherwise. Its time is quadratic in the batch, the
// others' is linear.
//
//	log( Σ_{k≠i: r(i,k) >= r(i,j)} exp(-d(i,k)/τ) ) + d(i,j)/τ
//
// relative_scale (ours) reads the scale s of every ordered family off the features, by a linear head `scale_FAMILY`
// whose rows are g. Targets t are s, and of a cyclic family (cos 2πs/period, sin 2πs/period). A single view tells a
// scale only where the image's own pose, hue … is known, so that only differences within an image's group are asked
// for, base views at scale 0 among them. A family's loss is a share of what is to be explained, over the pairs i, j of
// all groups, 1 where the head tells nothing and 0 where it tells all:
//
//	Σ |(g_i - g_j) - (t_i - t_j)|² / Σ |t_i - t_j|²
//
// A linear head needs a few directions of the features, however small their variance, and leaves the rest to the
// invariance term: with `views: all` features can be robust to a family and tell its scale. Order follows, as the
// head's euclidean distances are those of scale; the diagnostics below are by them. AugSelf's idea (Lee et al. 2021) is
// near: it predicts differences of draws, by a head of three layers. The kind has no temperature, and no other output
// or distance.
//
// An anchor from which everything is equally far does not count; a family without any order in the batch has loss 0.
// The term is the mean over the ordered families of weight_f * L_f, where weight_f and its schedule are from
// order.families, 1 by default. Each family may read another output: the embedding, the features, or its own head
// (`own`), which is called order_FAMILY, with _ for + where several transformations are joined in one family
// (rotate+blur).
//
// Diagnostics, the same for all kinds, over the triplets T: accuracy, the share that is in order, exact ties counting
// half (0.5 is chance); violated, the share that is not strictly in order (1 when the embedding has collapsed); for
// triplet active, the share whose hinge is not 0 and gives a gradient. They are over all families, and as accuracy/NAME
// and so on of one, beside value/NAME and triplets/NAME, the number. Shares are left out where there is no triplet.
//
// An order term of weight 0 beside an invariance term only watches: it has gradient_cosine/NAME for every family, the
// cosine of its gradient with that of all invariance terms by the output that both look at (Du et al. 2018, "Adapting
// Auxiliary Losses Using Gradient Similarity"), and changes nothing.
//
// # essl, augself, care, equimod: other answers to what should be equivariant
//
// essl (Dangovski et al. 2022) is the mean cross entropy of the class of a nominal family, for all views of that
// family, by the logits `essl`, which a head makes of the features. Theirs is the quarter turn of a small crop. Any
// other family that `family` names has four classes, the quarters of |scale|, after their fourfold blur; the equal
// parts are ours.
// Diagnostic: accuracy, chance being one over the number of classes.
//
// augself (Lee et al. 2021, and the authors' code) predicts from the features of base views 0 and 1 how their draws w
// differ, in both orders; `augself` holds 2 N rows p. Further base views are not looked at. With the groups' weights λ:
//
//	Σ_group λ * mean (tanh(p) - (w0-w1))²          crop, color, blur, scale
//	   flip λ * mean log(1+exp(p)) - p*[w0 = w1]    flip
//
// A crop is its centre, height and width as shares of the image, the centre mirrored where the view is flipped. Factors
// of colour and the sigma of a blur are divided by how far apart they can be ([Views].DrawWidths), so that their
// differences lie in [-1, 1]. (The authors leave the sigma of a blur as it is, up to 2, which tanh cannot reach.) The
// group scale is ours: the scales of the families among the invariant transformations. Diagnostics: value/GROUP,
// without its weight, and accuracy/flip.
//
// care (Gupta et al. 2024): a transformation must leave the cosines of images as they are. Shared images,
// neighbours in the batch, have the same draws; P are the ordered pairs of different images that share them, and z1 and
// z2 the rows of two base views:
//
//	1/|P| Σ_{(n,m) in P} (cos(z1_n, z1_m) - cos(z2_n, z2_m))²
//
// The authors' code sums over m and doubles, so that its weight is to be multiplied by 2 (shared-1): the default 0.6 is
// their 0.01 for 32 images.
//
// equimod (Devillers and Lefort 2023) is ntxent with two views, the embeddings of all base views and what a head
// predicts of them, `equimod`, from the plain view's embedding and the draws. All other rows of both are negatives,
// rows of the same image among them. The authors have a projector of its own for this term, here it is the embedding's.
// Diagnostics: positive_similarity, negative_similarity and gain: by how much the mean cosine of a view's embedding
// with what is predicted of it exceeds that with the plain view's embedding; 0 or less means that the draws are not
// used.
//
// # Diagnostics of the whole
//
// Every term has gradient_norm, the norm of its gradient by all outputs that it looks at, weight and schedule included.
// Beside the terms there are
//
//	embedding_std    mean over the columns of the deviation of the normalised embedding of all base views: about
//	                 1/sqrt(D) when it fills its space, 0 when it has collapsed
//	effective_rank   exp of the entropy of the singular values, divided by their sum, of the embedding of the base
//	                 views (RankMe, Garrido et al. 2023, equation 1): how many directions it uses. To cost little it
//	                 is taken of the first 256 rows, and so is never above 256, N*B or D
//	gradient_cosine  of the gradients of all invariance terms and of all order terms, over the outputs that both look
//	                 at: below 0 they work against each other
//
// # Numbers
//
// Outputs and gradients are stored as float32, everything between is float64, but for the products of matrices of
// ntxent, equimod, moco, vicreg, barlow_twins and rank_n_contrast: float32 makes their gradients exact to about 1e-6 of
// the largest entry. Cosines are those of torch: a norm below 1e-12 (ntxent, torch.nn.functional.normalize) or 1e-8
// (order terms, cosine_similarity) counts as zero. Such a row has no direction: its cosine with every row is 0 and its
// gradient is 0. (torch divides by the bound instead, so a zero row gets a gradient of up to 1e12 there, which would
// ruin a training step.) So values and gradients are finite for all finite input: zero rows, equal rows, rows near the
// limits of float32, every temperature that Options allows. A gradient that is beyond float32, as vicreg's can be, is
// stored as its largest value.
package loss
