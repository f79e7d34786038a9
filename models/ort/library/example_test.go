package library_test

import (
	"errors"
	"fmt"
	"os"

	"ordo/models/ort/library"
)

// A command that needs the library asks for it first, and passes the error on: it says what to run.
func ExampleFindIn() {
	empty, err := os.MkdirTemp("", "cache")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(empty)
	_, err = library.FindIn("", empty)
	fmt.Println(errors.Is(err, library.ErrNotFound))
	fmt.Println(library.ErrNotFound)
	// Output:
	// true
	// ONNX Runtime with the training API was not found: run `ordo runtime install`
}
