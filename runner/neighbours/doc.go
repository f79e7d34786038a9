// Package neighbours asks an embeddings file what lies near what: the images nearest to one or to all, images that are
// in training and test both, or nearly, and those that are far from all others.
//
// Distances are 1 less the cosine of an output's rows, in [0, 2]. The search is exact: every row is compared with every
// other in blocks, so that memory is that of the file's rows. Of images that are equally near the first rows are taken.
package neighbours
