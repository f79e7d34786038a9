// Package idx reads the files of MNIST and its relatives (Fashion-MNIST, KMNIST, EMNIST).
//
// # Format
//
// Two zero bytes, a byte for the type of the values (0x08: unsigned bytes, the only one read here), a byte
// for the number of dimensions, the dimensions as big-endian 32-bit numbers, then the values. Images have
// three dimensions, count x height x width, and are grey; labels have one. A file may be compressed by gzip.
//
// # Files
//
//	train-images-idx3-ubyte   train-labels-idx1-ubyte
//	t10k-images-idx3-ubyte    t10k-labels-idx1-ubyte
//
// each with or without .gz at its end; where both are there, the one without is read.
// "train-images.idx3-ubyte", a dot for the hyphen, is read too. A file of labels may be missing: the images
// of that split have no labels then.
package idx
