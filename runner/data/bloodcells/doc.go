// Package bloodcells lists two published sets of photographs of blood under the microscope, whichever it finds below
// the root.
//
// # Four classes
//
// "Blood Cell Images" (Kaggle, paultimothymooney/blood-cells), 320 x 240 pixels with one white cell each:
//
//	…/images/TRAIN/CLASS/IMAGE.jpeg   CLASS: EOSINOPHIL, LYMPHOCYTE, MONOCYTE, NEUTROPHIL
//	…/images/TEST/CLASS/IMAGE.jpeg
//	…/images/TEST_SIMPLE/…            a third, small split, which is passed over
//
// The archive has them in dataset2-master/dataset2-master/images, beside dataset-master, which holds the photographs
// that they were made of: TRAIN and TEST are taken first. They are looked for down to four folders below the root. The
// photographs were multiplied by turning and mirroring before they were published, in both splits apart.
//
// # BCCD
//
// BCCD (github.com/Shenggan/BCCD_Dataset), 364 photographs of 640 x 480 pixels with all their cells boxed, in the
// layout of Pascal VOC:
//
//	…/JPEGImages/BloodImage_00000.jpg
//	…/Annotations/BloodImage_00000.xml            object: name (RBC, WBC or Platelets), bndbox: xmin ymin xmax ymax
//	…/ImageSets/Main/{train,val,trainval,test}.txt  a name a line
//
// An item is one box, cut out: columns xmin to xmax-1 and rows ymin to ymax-1, as far as they lie in the photograph;
// its class is the box's. Its id is the photograph's name and the number of the box in its file, from 0:
// BloodImage_00000#3. Some published boxes start at 0, and one (in BloodImage_00338) is a single pixel: boxes less than
// 2 pixels wide or high are left out.
//
// trainval.txt, or else train.txt and val.txt, is the training split. Without ImageSets (dataset-master) a share of the
// photographs is put aside for testing, so that all cells of a photograph are in one split.
package bloodcells
