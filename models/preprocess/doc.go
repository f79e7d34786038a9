// Package preprocess puts what ordo does to a decoded picture in evaluation before the network of an encoder, as a part
// of its graph. Such a graph takes pixels of any size, and needs no program beside it that does the same.
//
// # What is in the graph
//
//  1. Reduction: a picture whose short side has more than Options.ShortSide pixels is reduced to it by a triangle
//     filter, first in width, then in height, each rounded to bytes, as ordo packs images.
//  2. The view: its short side becomes Options.Size pixels, by the same filter without rounding, and the square in its
//     middle is cut out, in one resampling.
//  3. (v - Mean) / Std, times Options.Mask.
//
// # How
//
// Each resampling of an axis is a product with a matrix of weights, which the graph makes of its input's shape:
// weight(k, i) = max(0, 1 - |k + 1/2 - centre(i)| / width), each output's divided by their sum. The reduction is done
// in double precision, with weights rounded to 22 bits: these sums are exact, so that the bytes are those of integers,
// on every processor. It makes its outputs in groups of neighbours, each of the few inputs that they see. A picture
// that isn't reduced goes through unit matrices. Floats are rounded to bytes where they are reduced, and only there.
//
// All operators are ONNX's own, as opset 13 and those after it have them, without control flow.
package preprocess
