package machine

import (
	"fmt"
	"runtime"
)

// BeyondCores warns of more threads than there are cores, or is "": they wait for each other, and ONNX Runtime's spin
// meanwhile.
func BeyondCores(threads int) string {
	cores := runtime.GOMAXPROCS(0)
	if threads <= cores {
		return ""
	}
	return fmt.Sprintf("warning: %d threads on %d cores are slower than %d would be; 0 stands for one a core", threads,
		cores, cores)
}
