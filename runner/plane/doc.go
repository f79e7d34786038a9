// Package plane gives rows of numbers a place on a plane, so that people can look at them.
//
// [Moments] finds the plane of the two first principal components: of all planes that on which the rows are spread
// furthest. It holds a matrix of the columns squared, for any number of rows.
//
// [TSNE] is t-distributed stochastic neighbour embedding (van der Maaten and Hinton 2008), exact, for some thousand
// rows: neighbours stay neighbours, distances mean little. It compares directions, as kNN and the order of scale do,
// and begins at the principal components, so that the same rows lie at the same places.
package plane
