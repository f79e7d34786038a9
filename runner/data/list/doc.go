// Package list lists the images that a table names: a CSV or a Parquet file.
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
//	path    path, image, file, file_name, filename, image_path
//	label   label, class, target; without one there are no classes. An empty value is an image without a label
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
// comma. Values may be quoted, as RFC 4180 has it. Files are UTF-8, with or without a mark at the beginning.
//
// # Parquet
//
// The same columns, as text or whole numbers. A column may also hold the images themselves, as data sets of Hugging
// Face do: a group with the fields bytes (the file) and path, which is called like a path column, "image" usually. The
// id is the row's number then, from 000000 on. If the file's metadata say what a label's numbers stand for (features of
// the kind ClassLabel), those names are the classes.
//
// Images in a file are read by going through its pages in order. Reading them in their order, by several goroutines
// too, is fast; each jump back begins at the start of a row group again.
package list
