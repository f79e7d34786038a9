// Package source says what the reader of an image set gives, and holds what readers share.
//
// # Words
//
// A reader (packages folder, cub200, cifar and so on, one a layout on disk) lists a published image set and returns two
// Sets, for training and testing. A Set is a numbered list of items: names, labels, and a way to decode each. It keeps
// no pixels, so it may be larger than memory. Package pack makes a dataset of it: pixels in one mapped file.
//
// An item is an image, or a box of one. Its id is unique in the set and doesn't change between runs or machines. The
// order of a set is part of it: item i is the same item everywhere.
//
// # Key
//
// A Set's key names its content cheaply, without reading pixels: ids, sizes and modification times of files, labels,
// classes and the reader's options. A packed cache carries it, so that a file that was exchanged is noticed.
package source
