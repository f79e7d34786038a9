package install_test

import (
	"errors"
	"fmt"
	"os"

	"ordo/models/ort/install"
)

// A command that needs the library asks for it first, and passes the error on: it says what to run.
func ExampleFind() {
	empty, err := os.MkdirTemp("", "cache")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(empty)
	_, err = install.Find("", empty)
	fmt.Println(errors.Is(err, install.ErrNotFound))
	fmt.Println(install.ErrNotFound)
	// Output:
	// true
	// ONNX Runtime with the training API was not found: run `ordo runtime install`
}
