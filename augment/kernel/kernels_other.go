//go:build !amd64

package kernel

// The kernels have assembly for amd64 only.
const simd = false

func rowsAVX2(*float32, int, *uint8, *int, *float32, int)                            {}
func columnsAVX2(_, _, _ *float32, _ int, _ *float32, _ *int32, _ *float32, _ int)   {}
func columnsPackedAVX2(_ *float32, _ int, _ *float32, _ *int32, _ *float32, _ int)   {}
func placesAVX2(_ *int32, _, _ *float32, _ int, _, _ *[8]int64, _, _ int64, _ int)   {}
func sampleAVX2(_, _, _ *float32, _ int, _ *float32, _ int, _ *int32, _, _ *float32) {}
func symmetricAVX2(_ *float32, _ int, _, _ *float32, _ int, _, _ *int, _ int)        {}
func luminanceAVX2(_ *[16]float32, _, _, _ *float32, _ int)                          {}
func normalizeAVX2(_, _ *float32, _ int, _, _ float32)                               {}
func normalizeMaskedAVX2(_, _, _ *float32, _ int, _, _ float32)                      {}
func scaleAVX2(_, _, _ *float32, _ int, _ float32)                                   {}
func blendAVX2(_, _, _ *float32, _ int, _, _ float32)                                {}
func saturateAVX2(_, _, _ *float32, _ int, _, _ float32)                             {}
func hueAVX2(_, _, _ *float32, _ int, _ float32)                                     {}
func grayAVX2(_, _, _ *float32, _ int)                                               {}
func solarizeAVX2(_, _, _ *float32, _ int, _ float32)                                {}
func unpackAVX2(_, _, _ *float32, _ int, _ *uint8, _ float32)                        {}
func unpackMirroredAVX2(_, _, _ *float32, _ int, _ *uint8, _ float32)                {}
func unpackPackedAVX2(_ *float32, _ int, _ *uint8, _ float32)                        {}
func unpackPackedMirroredAVX2(_ *float32, _ int, _ *uint8, _ float32)                {}
func stepsAVX2(_, _, _ *float32, _ int, _, _ float32)                                {}
func powerAVX2(_, _, _ *float32, _ int, _ float32)                                   {}
func rangeAVX2(_ *float32, _ int, _, _ *[8]float32)                                  {}
func sharpenAVX2(_, _, _, _ *float32, _ int, _ float32)                              {}
func bytesAVX2(_ *uint8, _ *float32, _ int, _ float32)                               {}
func quantizeAVX2(_, _ *[64]float32, _ *[8][4]float32)                               {}
func toJFIFAVX2(_, _, _ *float32, _ int)                                             {}
func fromJFIFAVX2(_, _, _ *float32, _ int)                                           {}
func combineAVX2(_ *float32, _ int, _ *float32, _ *int, _ *float32, _ int)           {}
func addAVX2(_, _ *float32, _ int, _ float32)                                        {}
