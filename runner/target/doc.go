// Package target finds what the user names as an encoder, and opens it: a finished run, any encoder in ONNX, or a file
// of what one made of images. What evaluates encoders and what exports embeddings take the same ones by the same rules.
//
// What an experiment shows an encoder are views, normalised as its augment section says; models.Input is how the
// encoder takes them. Of that the user has the first word, the ONNX file's metadata the second, and the experiment the
// last.
package target
