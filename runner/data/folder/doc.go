// Package folder lists an image set that is a folder a class.
//
// # Layout
//
//	root/train/CLASS/…/IMAGE  and  root/test/CLASS/…/IMAGE, or root/val/… when there is no test
//	root/CLASS/…/IMAGE        otherwise: a share of the images is put aside as the test split
//	root/IMAGE                images without classes, also in train and test
//
// train may be called training too, test testing, and val valid or validation, in upper or lower case. A root with
// train but neither test nor val is split like one without. Beside train and test, other folders are passed over.
//
// Classes are the folders' names, sorted by their bytes (ImageFolder of torchvision does the same); an image may lie
// deeper in its class's folder. Images are sorted by class and path. An image's id is its path below the root, with
// slashes. Names that systems, cameras and network storage keep for themselves are passed over (source.Hidden). Files
// whose extension isn't one of an image are left out, and counted. Symbolic links are followed. Images beside class
// folders are an error, for their class can't be told.
//
// Without a test split, an image belongs to it when the hash of its id and the seed falls below the fraction: adding or
// removing an image moves no other one.
package folder
