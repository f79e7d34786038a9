package source

import "ordo/augment"

// Set is one split of an image set as its reader lists it. All methods may be called by any number of goroutines at
// once.
type Set interface {
	// Len returns the number of items.
	Len() int
	// ID returns the name of item i, unique in the set and the same in every run.
	ID(i int) string
	// Label returns the index in Classes of the class of item i, or -1 where it has none.
	Label(i int) int
	// Classes returns the names of the classes, nil when the set has no labels. Both splits have the same.
	Classes() []string
	// Image decodes item i whole: upright (a camera's orientation is applied), cut to its box where the set has boxes.
	// The pixels are the caller's. An error names the file and says what is wrong with it.
	Image(i int) (augment.Image, error)
	// Encoded returns the bytes of the item's file where that is a plain JPEG whose decoded pixels are those of Image,
	// with no cut or turn, and else nil.
	Encoded(i int) ([]byte, error)
	// Key returns 32 hexadecimal digits that name the content cheaply: ids, sizes, modification times, labels, classes
	// and the reader's options.
	Key() string
}

// Header is what is known of an item without decoding its pixels.
type Header struct {
	Format        string // "JPEG", "PNG" and so on; "raw" for pixels as they are; "drawn" where there is no file
	Width, Height int    // of the item as Image returns it
	Channels      int    // of the file: 1 grey, 3 colour, 4 colour and alpha or CMYK
	Bytes         int64  // that the item takes on disk; 0 where there is no file
}

// Inspector is a Set that can tell what its items are without decoding them.
type Inspector interface {
	Set
	// Inspect reads the header of item i.
	Inspect(i int) (Header, error)
	// Digest names the content of item i: items with equal bytes, and equal boxes, have equal ones. It reads the item.
	Digest(i int) (string, error)
}
