package orttest

import (
	"os"
	"testing"

	"ordo/models/ort"
	"ordo/models/ort/install"
)

// RequiredKernels is the environment variable that turns a missing oneDNN from a skipped test into a failed one.
const RequiredKernels = "ORDO_TEST_REQUIRE_ONEDNN"

// OpenWithKernels loads the library and oneDNN for one test. Without either the test is skipped, or fails where
// Required or RequiredKernels is set.
func OpenWithKernels(t testing.TB) *ort.Runtime {
	t.Helper()
	at, err := install.FindOneDNN(os.Getenv(install.EnvOneDNN), os.Getenv(install.EnvCache))
	if err != nil {
		if os.Getenv(RequiredKernels) != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	lib := Open(t)
	if err := lib.EnableKernels(at.Path); err != nil {
		t.Fatal(err)
	}
	return lib
}
