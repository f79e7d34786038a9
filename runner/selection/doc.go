// Package selection answers which transformations should be equivariant on a set of images: for each candidate family
// whether its scale should be ordered in the features, invariant, or left out, or that the trials don't decide it.
//
// # Trials
//
// The base is an experiment in which every candidate has a role. A cell is the base with one candidate in another role;
// with F candidates there are 2F cells beside the base. A trial is a cell trained with one seed, as a run of its own.
// All trials show equally many views an image, so that no role has more to learn from: what ordered views of a family
// add, base views make up where it has another role.
//
// Seed s holds the fold 1 + (s-1) mod 5 of the training images out, and a trial's outcome is measured there: the mean
// of kNN's and the linear probe's accuracy on the features. So the outcomes of seeds vary with the images too, and the
// test split decides nothing.
//
// Seeds are rounds. After a round in which a family's roles differ by p < 0.001, later ones leave it out (Haybittle and
// Peto's boundary, which leaves the last test as it is).
//
// # Statistics
//
// An outcome is y = cell + seed + ε with one deviation σ of ε for all, a two-way table without interaction, fitted by
// least squares. A family's roles differ if the F test of its three cells says so, by Holm's method over the families
// at 5 %. Then, and only then, pairs of roles are compared at 5 % each (Fisher's protected comparisons, which keep the
// level of the family for three cells). A role is out if the best one is above it with a lower bound above 0.
//
//	ordered     invariant is out and ordered isn't, or ordered alone is left
//	invariant   absent is out and invariant isn't: forgetting gains, and order gains nothing more
//	leave out   absent alone is left; or all roles are within the margin of each other with 95 % intervals: it makes no
//	            difference
//	undecided   otherwise; with the number of seeds that would bring the intervals down to the largest difference between
//	            roles that are left, or to the margin where that is larger
//
// Where absent and ordered are both left, ordered is chosen, for it is trained to know the scale and costs nothing for
// sure; how far it may be below absent stands beside it.
//
// With Options.Range, invariance is tried at a quarter and at half of each candidate's strength too: it costs nothing
// up to the largest strength at which it isn't below absent for sure.
//
// In the end the base with all chosen roles, the joint choice, is trained with every seed and compared with the base,
// and so are its runners-up: the choice with one family in another role that was not out, for the two nearest of these.
// One that is better for sure takes its place. They have as many views as the trials, so that ordered families have
// fewer levels where they are many.
//
// # Screens
//
// Cheap numbers of one run, the pilot, in which all candidates are ordered. Each has an interval over images, and
// stands beside what an untrained network and raw pixels give.
//
//   - broken (S1; "To augment or not to augment?", 2025): how well a linear probe tells transformed images from others,
//     both resampled. Chance is 0.5: the images look alike at every scale, so no view can tell its own.
//   - forgetting (S3): kNN on features averaged over a family's scales less kNN on them as they are. Below 0 for sure,
//     it hints to keep the scale; above, to forget it.
//   - class_of_scale (S2): how well the scale alone, as precisely as it is read off an image, tells the class.
//   - class_relevance (S5; after Understanding E-SSL, NeurIPS 2024): R² of the scale given features and class less R²
//     given features.
//   - gain (S4): R² of the scale on features less the untrained network's.
//   - agree (S6; after Du et al. 2018, "Adapting Auxiliary Losses Using Gradient Similarity"): cosine of the gradients
//     of the family's order and of invariance by the output that invariance looks at, mean over the pilot's steps, with
//     the share of steps below 0. Its interval is from the means of ten stretches of the training. Where the
//     experiment's order term looks elsewhere, RankNet watches in its place, with weight 0.
//
// They decide nothing: Kendall's τ with what invariance costs in the trials says how far they would have been right.
// So it does for RankMe and self-clustering of the trials, which need no labels, with the trials' outcomes. A second τ
// is with what order gains over absent.
//
// # Verdicts without trials, and trials without labels
//
// With Options.Fast the pilot is all that is trained, and its screen forgetting decides: invariant where it hints to
// forget, keep where it hints to keep, which leaves open whether ordered or left out is better, and undecided else. The
// verdict says how often hints were right so far.
//
// With Options.NoLabels trials run, labels are not looked at, and every verdict is undecided: beside R² of the scale,
// RankMe, self-clustering and local dimension by role stands why. The same pictures can have either answer: of digits
// in colours, hue is kept where the colour is the class, and forgotten where it is drawn.
//
// # Comparators
//
// With Options.Compare stands beside the screens what others' ways to choose say, each on the first seed alone, as
// their authors have it. Two runs more a family are trained, and the trials serve for the rest:
//
//   - essl_invariant, essl_predicted (E-SSL's exploration; Dangovski et al. 2022, figure 1): kNN with the family
//     invariant, or its scale predicted by the loss term essl, less kNN without it. Only base views are pulled together
//     where no other family is ordered, as there.
//   - single_task (after "Understanding the Role of Equivariance in Self-supervised Learning", NeurIPS 2024): the
//     linear probe's accuracy of a network that essl alone trains, on nearly all views, with no other family ordered.
//   - rotation_probe (SelfAugment; Reed et al. 2021): how well a linear probe on the features tells quarter turns where
//     the family is invariant. The better, the better is invariance said to be; of rotation itself it is circular.
//   - local_dimension (DDA, 2024): mean |ln LID| of the features where the family is invariant. The higher, the better
//     is invariance said to be.
//   - broken, the data test alone, is a screen already.
//
// Their τ counts what speaks for keeping the scale.
//
// # The folder
//
//	plan.json        what was asked, frozen; another question is another folder
//	files/           the experiment file of every cell, and a sweep file a round
//	pilot/, seed-N/, range-N/, joint-N/, joint-FAMILY-ROLE-N/, compare/
//	                 sweeps: their trials are ordinary run folders
//	select.json      the answer
//	select.html      the page
//	selected.yaml    the base with the chosen roles, ready to run
//
// Nothing but finished trials is remembered: the same command goes on after any interruption, and comes to the same
// answer.
package selection
