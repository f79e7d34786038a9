package kernels

// LimitVectors is for tests of what other processors run.
var LimitVectors = limitVectors
