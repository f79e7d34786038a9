// Package embed exports what a trained encoder makes of images: features and embedding of every image, with ids and
// labels, as a NumPy, Parquet or CSV file, and reads .npz files, those of other tools too.
//
// The encoder is the inference graph that a run exported (encoder.onnx), run by ordinary ONNX Runtime inference. Images
// are seen as in evaluation: whole, at the origin of every family, framed and normalised as in training.
//
// A .npz file holds, row i of each belonging to image i of the data set's order,
//
//	features   float32 [N, F]
//	embedding  float32 [N, D]
//	ids        text    [N]     unique names of the images
//	labels     int64   [N]     index in classes, -1 where there is none
//	classes    text    [C]
//	split      text    [N]     train or test
//	meta       text    []      JSON: run, hash, seed, data fingerprint, encoder's SHA-256
//
// The other formats hold the same ids, labels, names of classes and splits: .parquet and .csv in the columns id, label,
// class and split, beside a list of float or a column a number for each output; lightly's CSV as its load_embeddings
// wants them; and beside a .npy file, which is one matrix, [RowsFile] has them.
//
// [Read] takes more than that, so that a file is one line of numpy.savez. Outputs are any matrices of float16, float32
// or float64, [N, columns]. All other arrays may be missing: ids are texts or numbers; labels are texts, or numbers, of
// which those below 0 are none; classes are the labels that there are; split is text, or 0 and False for train and 1
// and True for test, and without it all images are test images. Files come from anywhere: what they ask for is held
// against their size.
package embed
