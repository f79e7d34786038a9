// Package embed exports what a trained encoder makes of images: features and embedding of every image, with ids and
// labels, as a NumPy .npz file.
//
// The encoder is the inference graph that a run exported (encoder.onnx), run by ordinary ONNX Runtime inference. Images
// are seen as in evaluation: whole, at the origin of every family, framed and normalised as in training.
//
// The file holds, row i of each belonging to image i of the data set's order,
//
//	features   float32 [N, F]
//	embedding  float32 [N, D]
//	ids        text    [N]     unique names of the images
//	labels     int64   [N]     index in classes, -1 where there is none
//	classes    text    [C]
//	meta       text    []      JSON: run, hash, seed, data fingerprint, encoder's SHA-256
package embed
