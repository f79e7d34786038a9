// Package orchard draws an image set for which the answer to "what should be equivariant" is known.
//
// Every picture shows one fruit, seen from above, on a blurred background. There are 12 classes in four
// groups of three. Within a group the classes differ in one thing only, and a representation that is
// invariant to it can't tell them apart:
//
//	group                                            differ in      family   the difference
//	red apple, golden apple, green apple             hue            hue      45, 76 and 121 degrees of hue in YIQ
//	cherry, damson, plum                             size           zoom     steps of a factor of 1.5
//	pear upright, on its side, upside down           orientation    rotate   90 and 180 degrees
//	banana, lemon, star fruit                        shape          none
//
// # What tells nothing
//
// Position (±0.09 of the side), mirroring, brightness (0.75 to 1.10), blur (up to a Gaussian of about 0.013
// of the side), background, the direction of the light, the skin's texture, stem and leaf are drawn from
// random numbers that do not depend on the class; tests check it. A pear on its side points left or right
// with equal chance: mirroring maps the set to itself. The light comes from any side, so that shading and
// shadow don't give the orientation away.
//
// # What varies within a class
//
// Size by ±8 %, orientation by ±15 degrees and hue by ±7 degrees: little beside the differences above, so an
// experiment that is invariant to transformations of that strength loses nothing.
//
// # How clean the differences are
//
// The hues of the apples are turned at constant luma (0.299 R + 0.587 G + 0.114 B), so in grey the three are
// the same picture, but for a few units where a channel leaves the gamut and is clipped. Other measures of
// lightness than luma do differ: the largest channel, HSV's value, is highest for red. Turning the HSV hue of
// a red apple therefore gives a green one that is lighter than Orchard's; the spread of brightness covers the
// difference. The cherry is the plum on a smaller scale, with all its parts, but a pixel and the blur stay
// the same: enlarged to equal size a cherry is less sharp than a plum. The groups differ from each other in
// shape and colour, and banana, lemon and star fruit have one colour.
//
// # How it is drawn
//
// A fruit is a field over the plane whose negative part is the inside, and whose values give the height of
// the surface: outline, normal and shadow come from the one function. Edges are smoothed by the distance to
// the outline, measured as field over slope. Nothing depends on the image's size but the sampling. All
// arithmetic is in float64 without fused multiplication and without functions that differ between machines,
// so the bytes are the same everywhere. A picture of 64 px takes half a millisecond.
package orchard
