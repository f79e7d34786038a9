// Package evaluation measures an encoder that is trained already: each number stands beside what chance, the untrained
// network of the same seed and raw pixels give, with an interval over the test images. Nothing is trained but linear
// maps, and small networks where the options say so, on frozen outputs.
//
// # Subjects
//
// All subjects see the same views of the same images: the encoder; the network as it was before the first training
// step ([Untrained]); the pixels of the view, reduced to about as many numbers as the features have by averaging areas
// ([Pixels]); and another run's encoder where one is named. Differences are paired by image.
//
// An encoder is in ONNX, of a run or of any tool, and gets the views in the layout, type and normalisation that it
// wants ([models.Input]); the pixels beside it are those of the views. An embeddings file ([embed.Table]) holds the
// rows that some encoder made of images, which are not there: it has the measures of classes and those without labels,
// beside chance and another file of the same images. The same encoder has the same numbers as a run, as an ONNX file
// and as embeddings, to the last digit.
//
// # Measures
//
// Classes, on images at every family's origin: weighted kNN, a linear probe, 5-way episodes with 1 and 5 shots. For
// every family: order accuracy and rank correlations of the distances from the origin; R² of the scale, read off one
// view (individual), off two (relative) and beyond the scales that were learnt from, by ridge regression; the
// prediction of the transformed view's output by ridge maps; invariance relative to the differences between images;
// whether images have the scale and their classes need it (package selection); and how many classes kNN and probe tell
// from transformed images. Of a nominal family, such as quarter turns: how well a linear probe tells its classes.
// Without labels: RankMe, self-clustering, normalised deviation, local dimension, α-ReQ and the neighbours shared with
// the untrained network. Formulas are in package eval.
//
// # References
//
// Chance is what the measure's definition gives a model that sees nothing, and [References] says which definition. It
// is not what an untrained network has: the features of one keep the order of many families nearly as well as a trained
// one's, which is why the gain over it stands beside every number.
//
// # Intervals
//
// Intervals are percentiles of a bootstrap over the test images of one training (over episodes for the few-shot
// measures): they say how far a number may be off because of the images, and nothing of other seeds. What is no mean
// over images, such as ranks and normalised variance, has none.
//
// # Files
//
// A result is written whole or not at all. It holds nothing that depends on when it was made, so that the same
// evaluation on the same machine gives the same bytes, whatever the number of processors that Go may use.
package evaluation
