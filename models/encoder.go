package models

import (
	"errors"
	"fmt"
	"os"
	"runtime"

	onnx "github.com/yalue/onnxruntime_go"

	"ordo/models/fault"
	"ordo/models/ort"
)

// Encoder runs an exported inference graph: images in, features and embedding out. Not safe for concurrent use.
type Encoder struct {
	session *onnx.DynamicAdvancedSession
	outputs []string
	size    int
}

// OpenEncoder loads the ONNX file that Trainer.Export wrote, with the ONNX Runtime of a library file. threads are ONNX
// Runtime's; 0 is one a core.
func OpenEncoder(library, file string, threads int) (*Encoder, error) {
	if !onnx.IsInitialized() {
		rt, err := ort.Open(library) // says better what is wrong with a file
		if err != nil {
			return nil, err
		}
		defer rt.Close()
		onnx.SetSharedLibraryPath(library)
		if err := onnx.InitializeEnvironment(onnx.WithLogLevelFatal()); err != nil {
			return nil, fmt.Errorf("models: open encoder: %w", err)
		}
	}
	if _, err := os.Stat(file); err != nil {
		return nil, fault.Reading(fault.Data, file, err)
	}
	inputs, outputs, err := onnx.GetInputOutputInfo(file)
	if err != nil {
		return nil, fault.New(fault.Data, "%s is no encoder: %w", file, err)
	}
	if len(inputs) != 1 || len(inputs[0].Dimensions) != 4 || inputs[0].Dimensions[1] != 3 ||
		inputs[0].Dimensions[2] < 1 || inputs[0].Dimensions[2] != inputs[0].Dimensions[3] {
		return nil, fault.New(fault.Data, "%s is no encoder: it must take one input [batch, 3, size, size]", file)
	}
	e := &Encoder{size: int(inputs[0].Dimensions[2])}
	for _, o := range outputs {
		e.outputs = append(e.outputs, o.Name)
	}
	options, err := onnx.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("models: open encoder: %w", err)
	}
	defer options.Destroy() //nolint:errcheck // it only frees
	if threads == 0 {
		threads = runtime.NumCPU()
	}
	if err := options.SetIntraOpNumThreads(threads); err != nil {
		return nil, fmt.Errorf("models: open encoder: %w", err)
	}
	e.session, err = onnx.NewDynamicAdvancedSession(file, []string{inputs[0].Name}, e.outputs, options)
	if err != nil {
		return nil, fault.New(fault.Data, "%s is no encoder: %w", file, err)
	}
	return e, nil
}

// ImageSize is the side of the square images that the encoder takes, in pixels.
func (e *Encoder) ImageSize() int { return e.size }

// Outputs names the outputs in the order of Run.
func (e *Encoder) Outputs() []string { return e.outputs }

// Version is that of the ONNX Runtime that runs the encoder.
func (e *Encoder) Version() string { return onnx.GetVersion() }

// Run encodes n images, normalised float32 [n, 3, size, size], and appends each output's rows to dst.
func (e *Encoder) Run(dst [][]float32, images []float32, n int) ([][]float32, error) {
	in, err := onnx.NewTensor(onnx.NewShape(int64(n), 3, int64(e.size), int64(e.size)), images[:n*3*e.size*e.size])
	if err != nil {
		return dst, fmt.Errorf("models: encode: %w", err)
	}
	defer in.Destroy() //nolint:errcheck // it only frees
	outputs := make([]onnx.Value, len(e.outputs))
	err = e.session.Run([]onnx.Value{in}, outputs)
	defer func() {
		for _, v := range outputs {
			if v != nil {
				_ = v.Destroy()
			}
		}
	}()
	if err != nil {
		return dst, fmt.Errorf("models: encode: %w", err)
	}
	for len(dst) < len(outputs) {
		dst = append(dst, nil)
	}
	for i, v := range outputs {
		t, ok := v.(*onnx.Tensor[float32])
		if !ok {
			return dst, errors.New("models: encode: output " + e.outputs[i] + " is not float32")
		}
		dst[i] = append(dst[i], t.GetData()...)
	}
	return dst, nil
}

// Close frees the session.
func (e *Encoder) Close() error { return e.session.Destroy() }
