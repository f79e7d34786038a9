package kernel

import (
	"os"

	"golang.org/x/sys/cpu"
)

//go:generate go -C _generate run . -out ../kernels_amd64.s -stubs ../stubs_amd64.go -pkg kernel

// simd says whether the assembly runs. A variable, so that the tests can compare both ways.
var simd = cpu.X86.HasAVX2 && os.Getenv("ORDO_SIMD") != "off"
