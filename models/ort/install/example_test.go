package install_test

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"ordo/models/fault"
	"ordo/models/ort/install"
)

// A command that needs the library asks for it first, and passes the fault on, whose hint is what to do.
func ExampleFind() {
	empty, err := os.MkdirTemp("", "cache")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(empty)
	_, err = install.Find("", empty)
	fmt.Println(errors.Is(err, install.ErrNotFound), errors.Is(err, fault.Library))
	fmt.Println(slices.Contains(fault.Hints(err), fault.Hint(fault.InstallLibrary{})))
	// Output:
	// true true
	// true
}
