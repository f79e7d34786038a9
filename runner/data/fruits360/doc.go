// Package fruits360 lists Fruits-360 (Mureşan and Oltean, "Fruit recognition from images using deep learning", Acta
// Universitatis Sapientiae, Informatica 10, 2018), which is filmed fruit turning on a motor before white paper.
//
// # Layout
//
//	…/Training/CLASS/IMAGE.jpg
//	…/Test/CLASS/IMAGE.jpg, or Testing, or Validation
//
// and, by version, Validation (original-size), test-multiple_fruits (photographs of several fruits), papers, LICENSE
// and a readme beside them, which are passed over. Versions have other folders around these two:
// fruits-360_dataset/fruits-360, fruits-360_100x100/fruits-360, fruits-360_original-size/fruits-360-original-size,
// fruits-360-3-body-problem and so on. The root may be any of them: Training and Test are looked for down to three
// folders below it. If several versions lie there, the root has to be one of them.
//
// Classes are the folders' names as they are, with their blanks and numbers: "Apple Braeburn 1" and "apple_6" are of
// different varieties or fruits. Files are called INDEX_100.jpg (the number of the film's frame, and the size in the
// 100x100 version), r_INDEX_100.jpg and r2_INDEX_100.jpg for films of the same fruit turning about its other axes. A
// turn takes some 330 frames. So the name is the nearest thing to an angle that there is; it is in the id, the path
// below the folder that holds Training.
package fruits360
