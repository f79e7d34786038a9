// Package augment makes views: transformed copies of images, drawn from a plan and written as normalised tensors.
//
// # What is there
//
//   - [Options], the section augment of an experiment, with its [Family] and [Transformation] entries: names
//     ([FamilyNames], [TransformationNames], [PresetNames]), defaults and [Options.Validate];
//   - [NewPlan], which compiles Options for views of one size, and [Plan]: which views there are (Views, Families,
//     FamilyInfo), the views themselves (Render, RenderEval, Evaluation) and what was drawn for them (Scale, Draws);
//   - package kernel, the inner loops over pixels, in Go and in amd64 assembly with the same results.
//
// # Words
//
// A transformation is an image operation with parameters. A family is a transformation whose strength is one
// number, its scale s in [0, 1]; s = 0 is the identity, the origin. In an experiment a transformation has one of two
// roles: it is invariant, drawn anew for every view, or it is an ordered family, whose scale the embedding shall
// keep. A view is one transformed copy of one image. The view plan of an Options has, in this order,
//
//   - BaseViews base views: every ordered family at its origin, the invariant list drawn for each;
//   - LocalViews.Count local views: base views of smaller crops;
//   - for every ordered family Levels views, each at a scale of its own, the invariant list drawn for each as well,
//     all other families at their origin;
//   - with PlainView one view without any random transformation.
//
// An ordered view has one family, or a joint one, see below. Several at once, each with a scale of its own, are
// families in the invariant list: every view then has all of them, and Plan.Draws tells their scales.
//
// # Families
//
// Max is the strength at s = 1. One-sided families go one way from the origin; two-sided ones have a sign ±; cyclic
// ones do, too, and meet again after a Period, see FamilyInfo; a nominal family's scales are names of classes.
// Everything else that a family draws (the sign, a direction, a place, a pattern) is drawn once an image and family, so
// that all levels of an image lie on one line from its origin; Signed draws the sign for every view, and an invariant
// family draws all of it for every view.
//
//	family         at scale s                                        max: default, range         kind
//	rotate         ±max·s degrees, + is counter-clockwise            180    (0, 180]             cyclic
//	quarter_turn   3·s quarter turns counter-clockwise, exact        270    270                  nominal, 4 classes
//	zoom           magnifies max^s times about the centre            2      [1/8, 8], not 1      one-sided; < 1 shrinks
//	crop           shows 1-max·s of the frame's area, at any place   0.75   (0, 0.99]            one-sided
//	translate      by max·s of the side, in any direction            0.25   (0, 1)               one-sided
//	translate_x    by ±max·s of the side, + is to the right          0.25   (0, 1)               two-sided
//	translate_y    by ±max·s of the side, + is down                  0.25   (0, 1)               two-sided
//	shear_x        by ±max·s degrees, + moves the top to the right   30     (0, 60]              two-sided
//	shear_y        by ±max·s degrees, + moves the left side down     30     (0, 60]              two-sided
//	perspective    corners move in by up to max·s of half the side   0.5    (0, 2/3]             one-sided
//	elastic        smooth displacement, RMS max·s of the side        0.03   (0, 0.1]             one-sided
//
//	blur           Gaussian of sigma = max·s view pixels             2      (0, 64]              one-sided
//	sharpness      sharpness factor 1+max·s                          4      (0, 16]              one-sided
//	noise          Gaussian of sigma = max·s, of a range of 1        0.2    (0, 1]               one-sided
//	jpeg           JPEG of quality 100-max·s, in whole numbers       90     (0, 99]              one-sided
//	posterize      rounded down to multiples of 2^(max·s) of 255     6      (0, 7]               one-sided
//	solarize       values from 1-max·s on are inverted               1      (0, 1]               one-sided
//	downscale      reduced max^s times and enlarged again            4      (1, 16]              one-sided
//	brightness     times max^(±s)                                    2.5    (1, 16]              two-sided
//	contrast       contrast factor max^(±s)                          2.5    (1, 16]              two-sided
//	saturation     saturation factor max^(±s)                        4      (1, 16]              two-sided
//	gamma          to the power max^(±s)                             2.5    (1, 16]              two-sided
//	hue            turned by ±max·s of the colour wheel              0.5    (0, 0.5]             cyclic
//	grayscale      max·s of the way to grey                          1      (0, 1]               one-sided
//	erase          a square of max·s of the area becomes the mean    0.25   (0, 0.9]             one-sided
//
// Notes. zoom keeps the centre in place and its factor grows exponentially; crop keeps a random point of the frame in
// place, shows boxes one inside the other, and its area falls linearly. Brightness above 1 is clipped, as in every
// image library: a bright image loses its highlights, and the more the larger s is; contrast, saturation, sharpness and
// noise clip as well. The default blur suits views of 32 pixels; as its unit is the pixel, 14 is as strong at 224. Its
// kernel reaches to 3 sigma. elastic is a cubic B-spline on 5 cells a side with uniform coefficients, which is white
// noise smoothed by a Gaussian of 0.115 of the side. A few families jump at the origin: the smallest jpeg halves the
// resolution of colour, the smallest solarize inverts what is white. Others begin late: a blur of a sigma below 0.25
// changes less than a byte can tell, and downscale and jpeg go in steps. posterize with a whole max·s keeps 8-max·s
// bits. Cyclic families stop at half a turn because beyond it a larger scale is a smaller change.
//
// Strength is monotone: the mean distance of a view's pixels from its origin's does not fall with s. For geometric
// families that holds as far as a picture resembles its displaced self; after that the distance stays about the same.
// jpeg's may fall by some percent next to the origin, where the resolution of colour is most of it.
//
// # Joint families
//
// Family.With joins families: a view has all of them at one scale s, each up to its own max. To everything else they
// are one family, whose name is made of its members' names in their order, rotate+blur+hue; roles, options of losses
// and results go by it, in an output's name (order_rotate_blur_hue) with _ for +.
//
//	ordered:
//	  - {family: rotate, max: 90, levels: 3, with: [{family: blur, max: 2}, {family: hue, max: 0.2}]}
//
// It is one-sided: two-sided and cyclic members draw their signs once an image, each its own, and no member goes beyond
// half a turn, so it has no Period. An evaluation takes all signs positive. Nominal families can't be joined. Members
// that undo each other, such as a shrinking zoom and crop, make a joint family whose strength is not monotone; none of
// these is refused.
//
// # Random transformations
//
// The invariant list holds transformations with the names, parameters and defaults of torchvision's transforms v2,
// under p, the probability with which a view has them:
//
//	transformation       torchvision            parameters: default
//	random_resized_crop  RandomResizedCrop      scale: [0.08, 1], ratio: [3/4, 4/3], interpolation: bilinear
//	resize               Resize                 size: 0 (the view's), interpolation: bilinear
//	center_crop          CenterCrop             size: 0 (the view's)
//	horizontal_flip      RandomHorizontalFlip   p: 0.5
//	vertical_flip        RandomVerticalFlip     p: 0.5
//	random_rotation      RandomRotation         degrees: [-15, 15]
//	random_affine        RandomAffine           degrees: [-15, 15], translate: [0, 0], scale: [1, 1], shear: [0, 0, 0, 0]
//	random_perspective   RandomPerspective      distortion_scale: 0.5, p: 0.5
//	color_jitter         ColorJitter            brightness, contrast, saturation: 0.4, hue: 0.1, p: 0.8 by the bare
//	                                            name; 0, 0, 0, 0 and 1 for those that given settings leave out
//	grayscale            RandomGrayscale        p: 0.1
//	gaussian_blur        GaussianBlur           kernel_size: 0 (a tenth of the view), sigma: [0.1, 2], p: 0.5
//	solarize             RandomSolarize         threshold: 0.5 of the range, p: 0.5
//	posterize            RandomPosterize        bits: 4, p: 0.5
//	equalize             RandomEqualize         p: 0.5
//	autocontrast         RandomAutocontrast     p: 0.5
//	sharpness            RandomAdjustSharpness  sharpness_factor: 2, p: 0.5
//	random_erasing       RandomErasing          scale: [0.02, 0.33], ratio: [0.3, 3.3], p: 0.5
//
// and any family, by its name, drawn uniformly. normalize is Options.Mean and Std. `views: [0]` beside one restricts it
// to some of the base views. What differs: rotation, affine and perspective are bilinear, where torchvision's default
// for two of them is nearest, and see the image's mirrored border instead of black (torchvision's fill); erased boxes
// are the mean; and geometry comes first, whatever its place in the list.
//
// # Presets
//
// Options.Preset puts a published recipe in the place of the invariant list. All crops have ratio [3/4, 4/3], flips
// p 0.5, blurs a kernel of a tenth of the view and sigma [0.1, 2]. A column with / is for base view 0 / 1, and ordered
// views are as view 0.
//
//	preset  crop: area, filter  color_jitter b, c, s, h; p  grayscale  blur p   solarize p  source
//	simclr  [0.08, 1] bicubic   0.8, 0.8, 0.8, 0.2; 0.8     0.2        0.5      0           Chen et al. 2020, app. A
//	byol    [0.08, 1] bicubic   0.4, 0.4, 0.2, 0.1; 0.8     0.2        1 / 0.1  0 / 0.2     Grill et al. 2020, app. B
//	vicreg  as byol                                                                         Bardes et al. 2022, app. C
//	swav    [0.14, 1] bilinear  0.8, 0.8, 0.8, 0.2; 0.8     0.2        0.5      0           Caron et al. 2020, code
//	weak    flip, and random_affine: {translate: [0.125, 0.125]}                            Sohn et al. 2020 (FixMatch)
//	none    nothing
//
// solo-learn's recipes for ImageNet-100 have the numbers of simclr (symmetric) and byol (asymmetric), too. SwAV's six
// local crops are local_views: {count: 6}. vicreg and solo-learn blur by Pillow's box approximation; here blurs are
// Gaussians, as torchvision's and SwAV's.
//
// # How to add one
//
// A random transformation is its part of one file, the file of its group (crops.go, flips.go, affine.go,
// perspective.go, colour.go, tone.go, blur.go, detail.go, erase.go) or a new one: a struct with the YAML keys of its
// settings, and the methods of the interfaces transformation and listed. byDefault has the defaults, check the ranges,
// compile what it draws, under which names and how wide, and what it does to the geometry or the pixels, hides the
// families that make no sense in order beside it. It gets a field in Transformation and a line in entries, from where
// the compiler asks for what is missing; decoding, names, draws and warnings follow from these.
//
// A family is an entry of familySpecs: its kind, its default and range, and what it does at a scale.
//
// Either gets a line in the tables of this documentation, a case in testdata/reference.py from an independent
// implementation, and an example in the tests that hold for all of them.
//
// # How a view is computed
//
// First the geometry. Crops, flips and all geometric transformations are composed, in the list's order and the ordered
// family last, into one map from the view's coordinates to the image's, and the image is sampled once: nothing is
// blurred by resampling twice, and no intermediate image is cut off. Without random_resized_crop, resize or center_crop
// the frame is the middle square of the image, resized to the view; with them the frame that they leave is fitted to
// the view in the same way. A map along the axes, turned by quarters or not, is a separable resize, antialiased where
// it minifies, of a triangle or (bicubic) Keys' cubic with a = -1/2, and clipped; a turned one is bilinear, after an
// antialiased reduction where it minifies; so is a projective or elastic one, reduced by what it minifies in the view's
// middle. Crops, flips and quarter turns alone never see a pixel outside of their box, as in torchvision; other maps
// see the image around it, and beyond the image's edges its mirror image, so that no empty corner or edge tells the
// transformation. Coordinates are continuous: pixel i covers [i, i+1).
//
// Then the pixels: the others in the list's order, then the ordered family if it is not geometric. Values are
// float32 planes in [0, 1], without rounding in between; only equalize, posterize and jpeg, which are defined on
// bytes, round.
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
// The other geometric families have only the mirrored border, in which a seam may still be seen: framing: circle hides
// most of it for shear and perspective. quarter_turn and crop, and zoom above 1, never see a border. The
// transformation random_rotation does not change the framing, since no term asks for its angle.
//
// Traces of geometry remain. A turned or bent view is interpolated between pixels and a little softer than an upright
// one, more so beside a bicubic crop; a sheared one is also reduced a little. Random crops hide most of this, since
// they resample the origin as well.
//
// What magnifies, zoom above 1 and crop, blurs where the image has no finer pixels than the view, and the more the
// larger the scale: then the blur alone tells it. Images of the view's size times the largest magnification
// (data.cache.short_side, twice the view by default) keep the scale from a network; images of CIFAR or MNIST at their
// own size can't.
//
// # Random numbers
//
// A view is a pure function of its plan, the image, its Key (seed, epoch, sample) and the view's number. Each draw is a
// hash of these, the transformation's name and the draw's number, see rng.go; so any order, number of workers or
// resumption gives the same bytes, and a transformation that is added or removed leaves the draws of the others alone.
// (The bytes are the same on one processor architecture: some fuse multiplications and additions.) With Options.Shared
// the base views draw from Key.Group instead, so that the images of a group share them; their crops are the same shares
// of images of the same shape.
//
// # Agreement with torchvision
//
// The operations agree with torchvision's functionals on float tensors; the tests hold values of version 0.23, and
// testdata/reference.py makes them. Tolerances are the largest differences allowed: on floats in units of the full
// range, and on bytes, where torchvision rounds after every operation, in bytes after our result is rounded once as
// torchvision does it (down, or to the nearest for what is resampled or blurred).
//
//	operation                  torchvision.transforms.v2.functional       float: bound, seen   bytes: bound, seen
//	random_resized_crop        resized_crop(BILINEAR, antialias=True)     1e-5        2e-7         1     0
//	  bicubic                  resized_crop(BICUBIC, antialias=True)      1e-5        4e-7         1     1 of 20 %
//	resize, whole image        resize(antialias=True), center_crop        1e-5        2e-6         1     1 of 0.3 %; 11 %
//	horizontal, vertical_flip  horizontal_flip, vertical_flip             1e-5        6e-8
//	rotate, random_rotation    rotate(BILINEAR)                           1e-5        8e-6         1     0
//	zoom, translate, shear,
//	  random_affine            affine(BILINEAR), where it magnifies       1e-5        8e-6         1     0
//	perspective,
//	  random_perspective       perspective(BILINEAR), where it magnifies  2e-5        1.3e-5       1     0
//	quarter_turn               rot90                                      exact
//	brightness                 adjust_brightness                          1e-5        6e-8         0     0
//	contrast                   adjust_contrast                            1e-5        1e-7         1     1 of 32 %
//	saturation, grayscale      adjust_saturation                          1e-5        2e-7         2     2 at factor 2.2
//	hue                        adjust_hue                                 1e-5        4e-7         1     1 of 0.01 %
//	color_jitter               these four                                 1e-5        4e-7
//	grayscale, not the family  rgb_to_grayscale                           1e-5        1e-7         0     0
//	gamma                      adjust_gamma                               1e-5        2e-7         0     0
//	gaussian_blur, blur        gaussian_blur                              1e-5        7e-7         1     0
//	sharpness                  adjust_sharpness                           1e-5        5e-7         2     2 at factor 5
//	solarize                   solarize, invert                           1e-5        6e-8         0     0
//	posterize                  posterize on bytes                         none                     0     0
//	equalize                   equalize                                   1e-5        6e-8         0     0
//	autocontrast               autocontrast                               1e-5        1e-7         1     1 of 1 %
//	jpeg                       jpeg (libjpeg-turbo), qualities 5 to 95    none                     0     0
//	downscale                  resize, twice                              1e-5        9e-7
//	erase, random_erasing      erase                                      1e-5        6e-8
//	mean, std                  normalize                                  1e-5        7e-7
//
// On bytes, torchvision's contrast and saturation round the grey that they blend with, and sharpness the smoothed view,
// before they blend: |1-factor| bytes may come of it. Its native bicubic resize rounds between the two passes and
// limits the weights to 16 bits; its autocontrast and hue round some values that are whole, or nearly so, the other
// way. Its float posterize takes other levels than its posterize of bytes, which all recipes use, and we, too. elastic
// and noise have no counterpart to compare with: noise has its distribution tested.
//
// rotate, affine and perspective are compared with a zero border, interior and border both. Most of what is seen there
// is torchvision's: it computes the sampling coordinates in float32. With fill=0, the default of its classes,
// torchvision blends border pixels with the fill by the share of their taps inside the image, although the taps outside
// were taken as 0 before: it darkens them twice. The functionals' own default fill=None does not, and neither do we;
// the tests hold both. zoom and a shrinking map differ from affine on purpose: they are antialiased, affine is not.
//
// Random draws have torchvision's distributions, not its numbers.
//
// # Speed
//
// compare/torchvision.py times the workloads of workloads_test.go and what other libraries have of the same, one
// thread each, from an image's bytes to the normalised tensor. How many times as many views a second these are,
// medians of seven rounds on an AMD EPYC (Zen 4) whose cores were shared, torchvision 0.23, torch 2.8, OpenCV 5.0,
// Albumentations 2.0:
//
//	workload, 224 pixels         torchvision   OpenCV, the operation only, on bytes   Albumentations
//	byol_224                     27                                                   3.1
//	simclr_224                   36                                                   3.8
//	simclr_32 (32 pixels)        120                                                  37
//	resize, random_resized_crop  9 to 11       0.7 to 0.9, without antialias          2.6
//	  bicubic                    3.8           0.6, without antialias                 2.2
//	rotate, affine               5 to 7        1.2 to 1.9                             2.7 to 6
//	perspective, elastic         2.4, 10                                              0.5
//	gaussian_blur 9, 23          18, 36        1.3, 3.4                               2.4, 1.8
//	hue, color_jitter            32, 26        2.0, 2.2                               4.5
//	brightness to saturation     5 to 6        0.5 to 0.9                             5
//	grayscale, horizontal_flip   2.7 to 3.6    0.2 to 0.4                             5
//
// Less than twice torchvision's are posterize (1.7) and noise (1.9); everything else among the workloads is at least
// that. Without the conversion of its bytes to a normalised tensor, which is most of the work of simple operations and
// all of ours is timed with, torchvision's horizontal_flip (ours 0.2 times as fast), posterize (0.2) and grayscale
// (0.9) are faster, and noise (1.5), erasing (1.6), gamma (1.7), autocontrast (1.9) are less than twice as slow.
//
// OpenCV and Albumentations are faster where they keep bytes: a byte is a quarter of a float32's traffic, and a table
// of 256 entries does what is computed here. Views are float32 so that nothing rounds in between, and since that is
// what a network takes.
package augment
