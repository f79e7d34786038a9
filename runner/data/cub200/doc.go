// Package cub200 lists Caltech-UCSD Birds-200-2011 (Wah, Branson, Welinder, Perona and Belongie, technical report
// CNS-TR-2011-001): 11,788 photographs of 200 kinds of birds, 5,994 of them for training.
//
// # Layout
//
// The root is the folder CUB_200_2011, or one that it lies in. Its files have a line an item, separated by blanks:
//
//	images.txt              ID PATH               1 001.Black_footed_Albatross/Black_Footed_Albatross_0046_18.jpg
//	image_class_labels.txt  ID CLASS              1 1
//	train_test_split.txt    ID 1 or 0             1 0       (1: training)
//	classes.txt             CLASS NAME            1 001.Black_footed_Albatross
//	bounding_boxes.txt      ID X Y WIDTH HEIGHT   1 60.0 27.0 325.0 304.0
//	images/PATH
//
// The names of the classes are those of classes.txt without the number and the dot; their order is that of the numbers.
// An image's id is its path in images.txt. Some of the photographs are grey.
//
// # Boxes
//
// With Options.Boxes an image is cut to the bird's box, without a margin: columns X to X+WIDTH and rows Y to Y+HEIGHT,
// rounded to whole pixels, as far as they lie in the image.
package cub200
