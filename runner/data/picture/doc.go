// Package picture decodes image files to upright 8-bit RGB.
//
// # Formats
//
// The format is told by the content, never by the name.
//
//	JPEG   baseline and progressive; grey, YCbCr, RGB, CMYK and YCCK. Ink is stored inverted, as Adobe's programs do,
//	       also where their marker is missing (as Pillow and torchvision take it). What package image/jpeg reads: both
//	       channels of chroma have the same resolution (4:4:4, 4:4:0, 4:2:2, 4:2:0, 4:1:1, 4:1:0), and 8 bits. Three
//	       channels of several resolutions are read by github.com/kovidgoyal/imaging/jpeg, if the first has the highest
//	       and the others all of its columns (or rows) or the least.
//	PNG    all kinds. Of an animated one (APNG) the picture that other programs see.
//	WebP   lossy, lossless, with alpha. Of an animation the first frame, on its canvas.
//	GIF    the first frame, on its canvas, which grows where it is smaller than the frame.
//	BMP    what golang.org/x/image/bmp reads: 8-bit palette, 24 and 32 bits, not compressed.
//	TIFF   what golang.org/x/image/tiff reads: the first page; not compressed, LZW, Deflate, PackBits and CCITT, but
//	       not JPEG inside TIFF. Also RGB in planes, and with a fourth sample of no meaning or of none that is told.
//	PNM    PBM, PGM and PPM, binary (P4, P5, P6) and plain (P1, P2, P3), of 1 to 16 bits a sample.
//
// Of other formats that are found in folders of images (HEIC, AVIF, JPEG 2000, a web page saved as .jpg and so on) the
// error says what they are.
//
// # What becomes of the pixels
//
// Grey is repeated in all three channels, of 16 bits the high byte is kept, and transparent pixels are laid over
// Options.Background: round((v*a + b*(255-a)) / 255). A sample v of a PNM file, whose header gives the value m of
// white, becomes round(255*v/m). CMYK becomes R = (255-C)(255-K)/255 and so on. Colour profiles
// and gamma are ignored, as torchvision and Pillow ignore them unless asked.
//
// Lossy WebP keeps its colours in the range of video (16 to 235, BT.601) and is converted from it, as libwebp does it;
// JPEG uses the whole range. Chroma that is stored at half the resolution, and so channels of RGB and ink, is enlarged
// by the triangle filter that libjpeg and libwebp use (their "fancy upsampling": 3/4 of the nearer and 1/4 of the
// farther sample), so that pixels differ from theirs by rounding only.
//
// # Orientation
//
// Images are turned as their EXIF data say (orientations 1 to 8, in JPEG, PNG, WebP and TIFF), or XMP where these say
// nothing. Damaged EXIF data are taken for none.
//
// # Limits
//
// Files above [MaxFileBytes] and images above [maxPixels] are refused before anything of their size is allocated.
// A [Limit] bounds what many goroutines take together: large pictures are decoded one at a time.
// Whatever is wrong with a file is an error; a panic in a decoder is made one, too.
package picture
