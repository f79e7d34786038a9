package kernels

// VectorBits and LimitVectors are for tests of what other processors run.
var (
	VectorBits   = vectorBits
	LimitVectors = limitVectors
)
