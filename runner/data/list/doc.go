// Package list lists the images that a table names: a CSV, Parquet or Arrow file, or a folder of Parquet or Arrow
// files.
//
// # Table
//
//	path,label,split
//	photos/7.jpg,cat,train
//	photos/8.jpg,dog,test
//
// Paths are relative to the folder of the table, with slashes, or absolute. The columns are found by their names, in
// any order and beside others; Options names them, or else the first one is taken that is there, in upper or lower
// case:
//
//	path    path, image, file, file_name, filename, image_path, img, image_file, image_bytes, picture, photo, jpg, jpeg,
//	        png, webp
//	label   label, class, target, labels, fine_label, category; without one there are no classes. An empty value is an
//	        image without a label
//	split   split; train (or training), test (or testing), val (or valid, validation). Without a column, or with neither
//	        test nor val in it, a share of the training images is put aside. Where there is test, val is passed over;
//	        else it is the test split
//
// The classes are the labels' texts, sorted by their bytes, or by their numbers if all are whole numbers. An image's id
// is its path as the table has it; a path that comes twice is an error.
//
// # CSV
//
// The first line names the columns. They are separated by commas, or by tabs or semicolons where the first line has no
// comma. Values may be quoted, as RFC 4180 has it. Columns without a name are passed over. Files are UTF-8, with or
// without a mark at the beginning.
//
// # Parquet
//
// The same columns, as text or whole numbers. A column may also hold the images themselves, as data sets of Hugging
// Face do: a group with the fields bytes (the file) and path, either of which may be missing or null, or byte strings.
// It is called like a path column, or else the one is taken that Hugging Face's metadata call an image or whose values
// are images. The id is the row's number then, from 000000 on. Where a row has no bytes, its path is read, relative to
// the table's folder; a group without any bytes is a column of paths. If the file's metadata say what a label's numbers
// stand for (features of the kind ClassLabel), those names are the classes, and such a column is the label where none
// is called so.
//
// # Arrow
//
// The same columns as in Parquet, in Arrow's stream or file format, not compressed: what save_to_disk of Hugging Face's
// datasets writes. Batches are read whole, and the last two are kept. All are gone through once at the start, for the
// labels, so that a start takes the time of reading the file.
//
// # A folder of Parquet or Arrow files
//
// All files *.parquet and *.arrow in a folder and two folders deep are one table, sorted by their paths. Where
// state.json or dataset_dict.json of Hugging Face's datasets lies beside them, only the files or folders of splits that
// it names. A name that begins with a
// split, or a folder that is called so, says the split: data/train-00000-of-00002.parquet, default/test/0000.parquet.
// The id of an image in a file is the path of that file without its extension, and the row's number.
//
// Images in a file are read by going through its pages in order. Reading them in their order, by several goroutines
// too, is fast; each jump back begins at the start of a row group again. Columns in LZ4 are decompressed into memory, a
// row group at a time.
package list
