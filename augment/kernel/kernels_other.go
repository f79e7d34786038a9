//go:build !amd64

package kernel

// There is assembly for amd64 only: nothing below is called.
var simd = false

func rowsAVX2(_ *float32, _ int, _ *uint8, _ *int, _ *float32, _ int)      {}
func combineAVX2(_ *float32, _ int, _ *float32, _ *int, _ *float32, _ int) {}
func columnsAVX2(_ *float32, _ *float32, _ *float32, _ int, _ *float32, _ *int32, _ *float32, _ int) {
}
func columnsPackedAVX2(_ *float32, _ int, _ *float32, _ *int32, _ *float32, _ int)      {}
func unpackAVX2(_ *float32, _ *float32, _ *float32, _ int, _ *uint8, _ float32)         {}
func unpackPackedAVX2(_ *float32, _ int, _ *uint8, _ float32)                           {}
func unpackMirroredAVX2(_ *float32, _ *float32, _ *float32, _ int, _ *uint8, _ float32) {}
func unpackPackedMirroredAVX2(_ *float32, _ int, _ *uint8, _ float32)                   {}
func placesAVX2(_ *int32, _ *float32, _ *float32, _ int, _ *[8]int64, _ *[8]int64, _ int64, _ int64, _ int) {
}
func sampleAVX2(_ *float32, _ *float32, _ *float32, _ int, _ *float32, _ int, _ *int32, _ *float32, _ *float32) {
}
func symmetricAVX2(_ *float32, _ int, _ *float32, _ *float32, _ int, _ *int, _ *int, _ int) {}
func luminanceAVX2(_ *[16]float32, _ *float32, _ *float32, _ *float32, _ int)               {}
func normalizeAVX2(_ *float32, _ *float32, _ int, _ float32, _ float32)                     {}
func normalizeMaskedAVX2(_ *float32, _ *float32, _ *float32, _ int, _ float32, _ float32)   {}
func scaleAVX2(_ *float32, _ *float32, _ *float32, _ int, _ float32)                        {}
func blendAVX2(_ *float32, _ *float32, _ *float32, _ int, _ float32, _ float32)             {}
func solarizeAVX2(_ *float32, _ *float32, _ *float32, _ int, _ float32)                     {}
func stepsAVX2(_ *float32, _ *float32, _ *float32, _ int, _ float32, _ float32)             {}
func saturateAVX2(_ *float32, _ *float32, _ *float32, _ int, _ float32, _ float32)          {}
func grayAVX2(_ *float32, _ *float32, _ *float32, _ int)                                    {}
func hueAVX2(_ *float32, _ *float32, _ *float32, _ int, _ float32)                          {}
func powerAVX2(_ *float32, _ *float32, _ *float32, _ int, _ float32)                        {}
func toJFIFAVX2(_ *float32, _ *float32, _ *float32, _ int)                                  {}
func fromJFIFAVX2(_ *float32, _ *float32, _ *float32, _ int)                                {}
func rangeAVX2(_ *float32, _ int, _ *[8]float32, _ *[8]float32)                             {}
func addAVX2(_ *float32, _ *float32, _ int, _ float32)                                      {}
func sharpenAVX2(_ *float32, _ *float32, _ *float32, _ *float32, _ int, _ float32)          {}
func bytesAVX2(_ *uint8, _ *float32, _ int, _ float32)                                      {}
func quantizeAVX2(_ *[64]float32, _ *[64]int32)                                             {}
func halveAVX2(_ *float32, _ *float32, _ *float32, _ int)                                   {}
func doubleAVX2(_ *float32, _ *float32, _ *float32, _ int)                                  {}
