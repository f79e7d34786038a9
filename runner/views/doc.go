// Package views shows what an experiment does to images: a sheet of the views that it trains on, and of each family
// from one end of its scale to the other.
//
// The views are those of the first epoch: equal to what the loader gives the network, but for the normalisation, which
// is taken back. They are framed as the network sees them. (Draws depend on an image's number, so where unreadable
// images are left out of training, those of the images after them are others.)
package views
