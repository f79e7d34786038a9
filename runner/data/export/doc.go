// Package export writes an image set as a folder of JPEG files, as most programs read them:
//
//	DIR/train/CLASS/000000.jpg    and so on, in the set's order
//	DIR/test/CLASS/000000.jpg
//
// An image set without labels has no class folders. Package folder reads both.
package export
