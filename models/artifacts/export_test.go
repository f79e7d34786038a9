package artifacts

// ParseManifest is for the fuzz test.
var ParseManifest = readManifest
