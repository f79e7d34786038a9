// Package cifar lists CIFAR-10 and CIFAR-100 (Krizhevsky, "Learning multiple layers of features from tiny images",
// 2009) in their binary version: 60,000 images of 32 x 32 pixels, 10,000 of them for testing.
//
// # Layout
//
// The root is the folder that the archive unpacks to, or the one that it lies in.
//
//	cifar-10-batches-bin/data_batch_1.bin … data_batch_5.bin, test_batch.bin, batches.meta.txt
//	cifar-100-binary/train.bin, test.bin, fine_label_names.txt, coarse_label_names.txt
//
// A record is the label (a byte; two for CIFAR-100, the coarse one and then the fine one) and 3072 bytes of pixels: the
// planes red, green and blue, each row by row. A batch holds 10,000 records, train.bin 50,000; other whole numbers are
// read too. The files of names have a name a line, and blank lines at the end. An image's id is its file and its place
// in it, such as data_batch_1/00017.
package cifar
