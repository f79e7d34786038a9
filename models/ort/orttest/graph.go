package orttest

import (
	"slices"
	"testing"

	onnx "github.com/yalue/onnxruntime_go"
)

// Graph opens an ONNX file of one input, until the test ends. What it returns runs it on a tensor of the given shape,
// and returns the values of the outputs, which are float32.
func Graph[T uint8 | float32](
	t testing.TB, file string, outputs ...string,
) func(shape []int64, values []T) [][]float32 {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	if !onnx.IsInitialized() {
		onnx.SetSharedLibraryPath(Path(t))
		must(onnx.InitializeEnvironment(onnx.WithLogLevelFatal()))
	}
	inputs, _, err := onnx.GetInputOutputInfo(file)
	must(err)
	options, err := onnx.NewSessionOptions()
	must(err)
	defer options.Destroy() //nolint:errcheck // it only frees
	must(options.SetIntraOpNumThreads(1))
	session, err := onnx.NewDynamicAdvancedSession(file, []string{inputs[0].Name}, outputs, options)
	must(err)
	t.Cleanup(func() { must(session.Destroy()) })
	return func(shape []int64, values []T) [][]float32 {
		t.Helper()
		in, err := onnx.NewTensor(onnx.NewShape(shape...), values)
		must(err)
		defer in.Destroy() //nolint:errcheck // it only frees
		got := make([]onnx.Value, len(outputs))
		must(session.Run([]onnx.Value{in}, got))
		rows := make([][]float32, len(outputs))
		for i, v := range got {
			tensor, ok := v.(*onnx.Tensor[float32])
			if !ok {
				t.Fatalf("output %s is no float32", outputs[i])
			}
			rows[i] = slices.Clone(tensor.GetData())
			must(v.Destroy())
		}
		return rows
	}
}
