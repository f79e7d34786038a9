// Package embed exports what an encoder makes of images: outputs of every image, with ids and labels, as a NumPy,
// Parquet or CSV file, and reads .npz files, those of other tools too.
//
// The encoder is a run's inference graph (encoder.onnx) or any other in ONNX (package target), run by ordinary ONNX
// Runtime inference. Images are seen as in evaluation: whole, at the origin of every family or at some scales of one,
// framed and normalised as in training.
//
// A .npz file holds, row i of each belonging to image i of the data set's order, training before test,
//
//	features   float32 [N, F]  or float16; each output under its name
//	embedding  float32 [N, D]
//	ids        text    [N]     unique names of the images
//	labels     int64   [N]     index in classes, -1 where there is none
//	classes    text    [C]
//	split      text    [N]     train or test
//	scale      float64 [N]     where images are shown at several scales: an image after the other, its scales in order
//	meta       text    []      JSON: run, hash, seed, data fingerprint, encoder's SHA-256, shard, family
//
// Parquet and CSV files have a row an image,
//
//	id, split              text
//	path                   text     of the image's file below data.root, with slashes; none where it has no file
//	label, class           int32, text; none where the image has none
//	width, height          int32    of the picture as it is read, upright and cut to its box, before any reduction
//	scale                  float64  as above
//	neighbors              {ids: list of int64, distances: list of float}: the nearest other images by 1 - cosine of the
//	                       first output; ids are rows from 0. In CSV it is JSON.
//	features, embedding    list of float or float16; in CSV a column a number, features_0 and so on
//
// lightly's CSV is as its load_embeddings wants it; and beside a .npy file, which is one matrix, [RowsFile] has the
// columns of the CSV file without its numbers.
//
// # Memory, interruptions and shards
//
// Images are encoded in batches, and the rows of a batch go to a part file ([PartFile]) with a checksum. When all are
// there the file is written from it. An interrupted export goes on after the last whole batch of the part file, which
// names all that its rows depend on; batches are the same in either case, so that the bytes are, too. A shard is some
// of the batches: shards one after the other are the whole.
//
// # Reading
//
// [Read] takes more than that, so that a file is one line of numpy.savez. Outputs are any matrices of float16, float32
// or float64, [N, columns]. All other arrays may be missing: ids are texts or numbers; labels are texts, or numbers, of
// which those below 0 are none; classes are the labels that there are; split is text, or 0 and False for train and 1
// and True for test, and without it all images are test images. Files come from anywhere: what they ask for is held
// against their size.
package embed
