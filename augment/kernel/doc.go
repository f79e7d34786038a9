// Package kernel holds the loops over pixels: resampling, warping, blurring and operations on single pixels.
package kernel
