// Package augment makes views: transformed copies of images, drawn from a plan and written as normalised tensors.
//
// # Words
//
// A transformation is an image operation with parameters. A family is a transformation whose strength is one
// number, its scale s in [0, 1]; s = 0 is the identity, the origin. In an experiment a transformation has one of two
// roles: it is invariant, drawn anew for every view, or it is an ordered family, whose scale the embedding shall
// keep. A view is one transformed copy of one image. The view plan of an Options has
//
//   - BaseViews base views: every ordered family at its origin, the invariant steps drawn for each;
//   - for every ordered family Levels views more, each at a scale drawn uniformly in [0, 1) for (image, level), the
//     invariant steps drawn for each as well, all other families at their origin.
//
// # Families
//
// Max is the strength at s = 1. The sign ±, or translate's direction, is drawn once an image and family, so that
// all levels of an image lie on one side of its origin; an invariant family draws it for every view.
//
//	family      at scale s                                   max: default, range         order
//	rotate      ±max·s degrees, + is counter-clockwise       180    (0, 180]             cyclic: to half a turn
//	zoom        magnifies max^s times about the centre       2      [1/8, 8], not 1      one-sided; < 1 shrinks
//	translate   by max·s of the side, in any direction       0.25   (0, 1)               one-sided
//	blur        Gaussian of sigma = max·s view pixels        2      (0, 64]              one-sided
//	brightness  times exp(±s·ln max)                         2.5    (1, 16]              two-sided
//	hue         turned by ±max·s of the colour wheel         0.5    (0, 0.5]             cyclic: to half a turn
//
// Brightness above 1 is clipped, as in every image library: a bright image loses its highlights, and the more the
// larger s is. The default blur suits views of 32 pixels; as its unit is the pixel, 14 is as strong at 224. Its
// kernel reaches to 3 sigma. Cyclic families stop at half a turn because beyond it a larger scale is a smaller
// change.
//
// # How a view is computed
//
// First the geometry. Crop, flip, zoom, translate and rotate are composed, in the list's order and the ordered family
// last, into one map from the view's coordinates to the image's, and the image is sampled once: nothing is blurred
// by resampling twice, and no intermediate image is cut off. Without random_resized_crop the frame is the middle
// square of the image, resized to the view. A map along the axes is a separable resize, antialiased where it
// minifies; a turned one is bilinear, after an antialiased reduction where it minifies. Crops and flips alone never
// see a pixel outside of their box, as in torchvision; other maps see the image around it, and beyond the image's
// edges its mirror image, so that no empty corner or edge tells the transformation. Coordinates are continuous:
// pixel i covers [i, i+1).
//
// Then the pixels: the other steps in the list's order, then the ordered family if it is not geometric. Values are
// float32 planes in [0, 1], without rounding between steps.
//
// Last the framing and (x-mean)/std, straight into the destination, planes R, G, B.
//
// # Framing: the corner shortcut
//
// A rotation turns new content into the corners of the square: black wedges, in most libraries, or here a mirrored
// border. Either tells the angle to a network, without a look at the object, and an ordered rotation would be learnt
// from its artefact. So where rotate is listed, in whatever role, all views are framed by the inscribed circle: what is
// outside is filled with the mean, which is 0 after normalisation, and since the disc turns into itself, what is
// inside comes from the disc, whatever the angle. The origin and the evaluation views are framed alike, else the
// frame itself would tell them apart. The disc's edge is antialiased over its outermost pixel.
//
// One trace of it remains: a turned view is interpolated between pixels and a little softer than an upright one.
// Random crops hide most of this, since they resample the origin as well.
//
// # Random numbers
//
// A view is a pure function of its plan, the image, its Key (seed, epoch, sample) and the view's number. Each draw is
// a hash of these, the step's name and the draw's number, see rng.go; so any order, number of workers or resumption
// gives the same bytes, and a step that is added or removed leaves the draws of the others alone. (The bytes are those
// of one processor architecture: some fuse multiplications and additions.)
//
// # Agreement with torchvision
//
// Parameters are named as in torchvision's transforms v2, and the operations agree with its functionals on float
// tensors; the tests hold values of version 0.23. Largest difference that is allowed, in units of the full range:
//
//	operation                     torchvision.transforms.v2.functional                    tolerance   seen
//	random_resized_crop           resized_crop(BILINEAR, antialias=True)                  1e-5        1e-6
//	resize of the whole image     resize(BILINEAR, antialias=True), center_crop           1e-5        1e-6
//	horizontal_flip               horizontal_flip                                         1e-5        6e-8
//	rotate                        rotate(BILINEAR)                                        1e-5        9e-6
//	zoom, translate               affine(BILINEAR), where it magnifies                    1e-5        7e-6
//	brightness                    adjust_brightness                                       1e-5        6e-8
//	color_jitter                  adjust_brightness, _contrast, _saturation, _hue         1e-5        5e-7
//	hue                           adjust_hue                                              1e-5        5e-7
//	grayscale                     rgb_to_grayscale                                        1e-5        1e-7
//	gaussian_blur, blur           gaussian_blur                                           1e-5        5e-7
//	mean, std                     normalize                                               1e-5        7e-7
//
// rotate and affine are compared with a zero border, interior and border both. Most of what is seen there is
// torchvision's: it computes the sampling coordinates in float32. With fill=0, the default of its classes, torchvision
// blends border pixels with the fill by the share of their taps inside the image, although the taps outside were
// taken as 0 before: it darkens them twice. The functionals' own default fill=None does not, and neither do we. zoom
// and a shrinking map differ from affine on purpose: they are antialiased, affine is not.
//
// Random draws have torchvision's distributions, not its numbers.
package augment
