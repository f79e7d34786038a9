// Package folder reads an image set that is a folder a class, JPEG and PNG.
//
// # Layout
//
//	root/train/CLASS/IMAGE  and  root/test/CLASS/IMAGE, or root/val/… when there is no test
//	root/CLASS/IMAGE        otherwise: a share of the images is put aside as the test split
//
// The class names are the folders' names, sorted by their bytes; images are sorted by class and name. An
// image's id is its path below the root, with slashes. Names that begin with a dot are ignored, and so are
// files whose extension isn't one of an image. Folders inside a class's folder are not read. Symbolic links
// are followed.
//
// Without train and test folders, an image belongs to the test split when the hash of its id and the seed
// falls below the fraction: adding or removing an image moves no other one, and neither does the order of
// reading.
//
// # Images
//
// The format is told by the content, not by the extension (.jpg, .jpeg or .png in any case). Every kind that
// the standard library decodes becomes 8-bit RGB: grey, palette, 16 bits (the high byte is kept), CMYK.
// Transparent pixels are laid over white. The orientation that a camera writes into a JPEG's EXIF data is
// ignored for now, and so is any colour profile.
//
// An image whose short side is longer than Options.ShortSide is reduced to it when it is read, by the average
// over the area that each new pixel covers. That bounds the memory: all images are kept, as 3 bytes a pixel,
// until a packed cache on disk replaces this.
//
// Files above [MaxFileBytes] and images above [MaxPixels] are refused before anything is decoded.
package folder
