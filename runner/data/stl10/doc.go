// Package stl10 lists STL-10 (Coates, Lee and Ng, "An analysis of single-layer networks in unsupervised feature
// learning", AISTATS 2011) in its binary version: images of 96 x 96 pixels, 5,000 for training, 8,000 for testing, and
// 100,000 without labels, of these and other classes.
//
// # Layout
//
// The root is the folder stl10_binary, or the one that it lies in.
//
//	train_X.bin  train_y.bin  test_X.bin  test_y.bin  unlabeled_X.bin  class_names.txt  fold_indices.txt
//
// X holds 27,648 bytes an image: the planes red, green and blue, each column by column, so that an image that is read
// row by row lies on its side. y holds a byte an image, from 1 to 10. The names have a line each. fold_indices.txt is
// not read. An image's id is its file and its place in it, such as train/00017.
//
// With Options.Unlabeled the training split is the 5,000 images followed by those of unlabeled_X.bin, which have the
// label -1. The file has 2.8 GB; it is read as it is needed.
package stl10
