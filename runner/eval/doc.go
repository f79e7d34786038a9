// Package eval measures what a frozen model's outputs are worth: pure functions from rows of numbers to metrics.
//
// # Weighted kNN
//
// KNN asks whether images of one class lie together: the label of a test row is voted for by the k training rows with
// the largest cosine, each with weight exp(cosine/T), after Wu et al. 2018, "Unsupervised Feature Learning via
// Non-Parametric Instance Discrimination" (section 3.4). The metric is the share of test rows whose label wins.
//
// # Order accuracy
//
// OrderOfImages asks whether the order of a family's scale can be read off the distances. Every test image is shown
// without any random transformation at scales s_0 = 0 < … of a grid, and with d = 1 - cosine
//
//	accuracy = P( d(z_0, z_i) < d(z_0, z_j) | s_i < s_j )
//
// over all images and all pairs of the grid, an exact tie of distance counting half, so that a model which ignores the
// family has 0.5. The origin is the anchor only: its own distance is 0 whatever the model does, and pairs with it would
// only flatter. Spearman is the rank correlation of scale and distance over the same points, the mean over images; an
// image whose distances are all equal has none, counts with 0 and is counted.
//
// # What else outputs are worth
//
// An order alone says little: the features of an untrained network have most of it. The other measures stand beside it,
// each with its formula, its source and its protocol in its own documentation:
//
//   - [FitProbe], [KNN] and [FewShot] tell classes, from test rows or from transformed ones;
//   - [FitRidge] and [FitMLP] read numbers, such as the scale, from rows, with R² in both of the field's ways ([R2]);
//   - [FitScaleMaps], [Retrieve], [PredictionError] and [PredictionGain] predict the transformed image's output;
//   - [InvarianceOf] holds changes with a family against the differences between images;
//   - [RankMe], [LiDAR], [AlphaReQ], [SelfClusteringOf], [NormalisedDeviation], [LocalDimension] and
//     [NeighbourOverlap] need no labels;
//   - [Bootstrap] makes intervals over the images of one training.
//
// All are deterministic: sums are taken in an order that does not depend on the number of processors. Other kinds of
// processors round the last digits differently. A penalty is chosen on held-out training rows, never on test rows. What
// has no value, such as R² of equal targets, is an undefined [Value], not 0. Rows that are not finite are a fault of
// kind Numeric.
//
// # Protocols
//
// A number without the way it was got cannot be compared. Protocol holds that, and is stored beside the number.
package eval
