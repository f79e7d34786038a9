package orttest

import (
	"os"
	"testing"

	"ordo/models/ort"
	"ordo/models/ort/install"
)

// Required is the environment variable that turns a missing library from a skipped test into a failed one. `make test`
// sets it, after it has installed the library.
const Required = "ORDO_TEST_REQUIRE_ONNXRUNTIME"

// Path is the library's file. Without a library the test is skipped, or fails where Required is set.
func Path(t testing.TB) string {
	t.Helper()
	at, err := install.Find(os.Getenv(install.EnvLibrary), os.Getenv(install.EnvCache))
	if err != nil {
		if os.Getenv(Required) != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return at.Path
}

// Open loads the library for one test.
func Open(t testing.TB) *ort.Runtime {
	t.Helper()
	lib, err := ort.Open(Path(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(lib.Close)
	return lib
}
