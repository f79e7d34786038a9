package machine

import (
	"strings"

	"github.com/klauspost/cpuid/v2"
)

// features are the instruction sets that decide how fast ONNX Runtime is, in the order in which they are shown.
var features = []struct {
	id   cpuid.FeatureID
	name string
}{
	{cpuid.AVX2, "AVX2"}, {cpuid.FMA3, "FMA"}, {cpuid.AVX512F, "AVX-512"}, {cpuid.AVX512VNNI, "AVX-512 VNNI"},
	{cpuid.AVX512BF16, "AVX-512 bf16"}, {cpuid.AMXBF16, "AMX bf16"},
	{cpuid.ASIMD, "NEON"}, {cpuid.SVE, "SVE"},
}

// Processor returns the processor's name, or "unknown".
func Processor() string {
	if name := strings.TrimSpace(cpuid.CPU.BrandName); name != "" {
		return name
	}
	return "unknown"
}

// Features returns the names of the processor's instruction sets that decide how fast ONNX Runtime is; none is an empty
// list.
func Features() []string {
	have := []string{}
	for _, f := range features {
		if cpuid.CPU.Supports(f.id) {
			have = append(have, f.name)
		}
	}
	return have
}
