// Package data opens the image sets that an experiment names.
//
// # Words
//
// A source is a kind of image set, one package below this one each, whose documentation has the layout on disk:
//
//	orchard            drawn by ordo itself, with a known answer to "what should be equivariant"
//	idx                the files of MNIST and its relatives
//	folder             a folder a class, or images without classes
//	fruits360          Fruits-360
//	cub200             Caltech-UCSD Birds-200-2011, whole or cut to the birds
//	bloodcells         blood cells: the four-class folders, or the boxes of BCCD
//	cifar10, cifar100  the binary versions (package cifar)
//	stl10              the binary version
//	list               a CSV, Parquet or Arrow file of paths and labels, or such files that hold the images
//
// A set is what one source yields for one split, train or test: a numbered list of RGB images, each with a label and an
// id. A class is a label's name. [List] gives the sets undecoded, as package source has them, [Open] those that are
// trained on. Image files are decoded by package picture.
//
// # What a set promises
//
// The order of a set is part of it: image i is the same image on every machine and in every run, so a run can
// be resumed and a number can be traced to its image. Image may be called by any number of goroutines at
// once. The pixels that it returns belong to the set and are read-only; they have the size that the set has
// them in, which for idx and folder isn't image_size: cropping and resizing is the business of package
// augment.
//
// # Memory
//
// Decoded images are kept in memory or in a packed file, see package pack: sources of image files are packed, and so is
// whatever has more than 512 MiB of pixels; the rest is in memory, idx and Orchard as images are asked for. data.cache
// says it otherwise. Where an image is kept makes no difference to its pixels. Large images are reduced first, to a
// short side of twice the image size.
//
// # Errors
//
// Whatever is wrong with the files that the user named is an error that is of kind fault.Data, and its text says
// which file it is, what is wrong with it and what to do. An interrupted Open returns the context's error
// instead.
package data
