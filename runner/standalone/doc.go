// Package standalone writes the encoder of a finished run as one ONNX file that needs nothing of ordo: pixels of a
// decoded picture go in, features and embedding come out. What ordo does in between is in the graph, see package
// preprocess: reduction, the square in the middle, framing, normalisation.
//
// The numbers are those of `ordo embed` for image files, but for what decoders differ in. Pictures must be upright RGB,
// as package picture makes them: turned as their EXIF data say, grey in all three channels. Packed images that are kept
// as JPEG (data.cache.format) lose a little more there.
package standalone
