package models

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"

	onnx "github.com/yalue/onnxruntime_go"

	"ordo/models/fault"
	"ordo/models/half"
	"ordo/models/ort"
)

// EncoderOptions say how a file is to be run.
type EncoderOptions struct {
	Threads int           // ONNX Runtime's; 0 is one a core
	Outputs []string      // that are wanted; nil: all that give a row of numbers an image
	Images  Normalisation // of the images that Encoder.Run is given
	Given   InputOptions  // what the user says of the graph's input, before its file's metadata
	Unsaid  InputOptions  // for what neither says; without a normalisation there it is that of Images

	OneDNN    string // its library file: ordo's operators run the graph where they fit; "": ONNX Runtime's do
	Precision string // of ordo's operators, as Options.Precision; "" is Float32
}

// Encoder runs an inference graph of any origin: images in, rows of numbers out. Not safe for concurrent use.
//
// The graph has one input, of images of three channels: float32, float16 or uint8, [batch, 3, S, S] or
// [batch, S, S, 3], where batch and S may be free. Its outputs are [batch, d] or have further axes of 1.
type Encoder struct {
	session *onnx.DynamicAdvancedSession // or
	fast    *fastSession
	why     string // there is no fast session, though one was wanted
	file    string
	input   Input
	convert conversion
	outputs []encoderOutput // of the session
	left    []string
}

// encoderOutput is an output of the session.
type encoderOutput struct {
	name  string
	dims  onnx.Shape // of a batch; the first is the number of images
	half  bool       // its values are float16
	taken bool       // it gives a row an image
}

func (o encoderOutput) columns() int { return int(o.dims[1:].FlattenedSize()) }

// sized says whether the file says how many numbers an image has.
func (o encoderOutput) sized() bool {
	return len(o.dims) >= 2 && !slices.ContainsFunc(o.dims[1:], func(d int64) bool { return d < 1 })
}

func (o encoderOutput) String() string { return o.name + " " + axes(o.dims) }

// OpenEncoder loads an ONNX file with the ONNX Runtime of a library file, and runs it once to see what it gives.
func OpenEncoder(library, file string, o EncoderOptions) (*Encoder, error) {
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
		return nil, noEncoder(file, err)
	}
	if len(inputs) != 1 {
		return nil, fault.New(fault.Data, "%s is no encoder of images: it takes %d inputs, not one: %s", file, len(inputs),
			strings.Join(names(inputs), ", "))
	}
	e := &Encoder{file: file}
	if err := e.choose(outputs, o.Outputs); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if e.session, err = e.open(inputs[0].Name, o.Threads); err != nil {
		return nil, err
	}
	if err := e.prepare(inputs[0], o); err != nil {
		_ = e.Close() // it only frees
		return nil, err
	}
	if o.OneDNN != "" {
		if e.why, err = e.accelerate(library, o); err != nil {
			_ = e.Close()
			return nil, err
		}
	}
	return e, nil
}

// Kernels names what runs the graph: stock (ONNX Runtime's operators), or of ordo's float32 or bf16.
func (e *Encoder) Kernels() string {
	switch {
	case e.fast == nil:
		return StockKernels
	case e.fast.half:
		return BFloat16
	}
	return Float32
}

// Fast says whether ordo's operators run the graph, and if not though they were wanted, why.
func (e *Encoder) Fast() (is bool, why string) { return e.fast != nil, e.why }

func names(list []onnx.InputOutputInfo) []string {
	var all []string
	for _, i := range list {
		all = append(all, i.Name)
	}
	return all
}

// choose finds the outputs that are wanted, by what the file says of them.
func (e *Encoder) choose(outputs []onnx.InputOutputInfo, wanted []string) error {
	floats := []onnx.TensorElementDataType{
		onnx.TensorElementDataTypeFloat, onnx.TensorElementDataTypeFloat16, onnx.TensorElementDataTypeDouble,
	}
	for _, name := range wanted {
		if !slices.Contains(names(outputs), name) {
			return fault.New(fault.Config, "there is no output %s, its outputs are %s", name,
				strings.Join(names(outputs), ", "))
		}
	}
	for _, o := range outputs {
		out := encoderOutput{name: o.Name, dims: o.Dimensions, half: o.DataType == onnx.TensorElementDataTypeFloat16}
		switch {
		case wanted != nil && !slices.Contains(wanted, o.Name):
		case !slices.Contains(floats, o.DataType):
			e.left = append(e.left, o.Name+", which is not float")
		case out.half && !out.sized():
			e.left = append(e.left, out.String()+", float16 of which the file doesn't say how many")
		case len(o.Dimensions) == 0 || isRow(o.Dimensions): // none: they are known when it runs
			e.outputs = append(e.outputs, out)
		default:
			e.left = append(e.left, out.String())
		}
	}
	return e.check(wanted, len(e.outputs))
}

// isRow says whether a shape is that of a row an image: [n, d], or further axes of 1. Axes that are not known are below
// 1.
func isRow(shape onnx.Shape) bool {
	return len(shape) >= 2 && !slices.ContainsFunc(shape[2:], func(d int64) bool { return d > 1 })
}

// check refuses wanted outputs that are no rows, and an encoder without any.
func (e *Encoder) check(wanted []string, rows int) error {
	if rows > 0 && (wanted == nil || len(e.left) == 0) {
		return nil
	}
	return fault.New(fault.Data, "an encoder gives a row of numbers an image, [batch, columns], which these outputs "+
		"don't: %s", strings.Join(e.left, "; ")).Advise("pool them in the graph, or choose others")
}

func (e *Encoder) open(input string, threads int) (*onnx.DynamicAdvancedSession, error) {
	options, err := onnx.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("models: open encoder: %w", err)
	}
	defer options.Destroy() //nolint:errcheck // it only frees
	if err := options.SetIntraOpNumThreads(cmp.Or(threads, runtime.NumCPU())); err != nil {
		return nil, fmt.Errorf("models: open encoder: %w", err)
	}
	if err := options.AddSessionConfigEntry(ort.SpinEntry(ort.DefaultSpin)); err != nil {
		return nil, fmt.Errorf("models: open encoder: %w", err)
	}
	var all []string
	for _, o := range e.outputs {
		all = append(all, o.name)
	}
	session, err := onnx.NewDynamicAdvancedSession(e.file, []string{input}, all, options)
	if err != nil {
		return nil, noEncoder(e.file, err)
	}
	return session, nil
}

// noEncoder is the fault of a file that ONNX Runtime doesn't take. What it says begins with the path, again.
func noEncoder(file string, err error) error {
	said := err.Error()
	if _, after, ok := strings.Cut(said, "failed:"); ok && strings.Contains(said, file) {
		said = after
	}
	return fault.New(fault.Data, "%s is no encoder; ONNX Runtime says: %s", file, strings.TrimSpace(said)).
		Advise("export the network again, with ONNX's own operators")
}

// prepare finds how images go in, and by blank ones what comes out.
func (e *Encoder) prepare(in onnx.InputOutputInfo, o EncoderOptions) error {
	metadata, err := e.metadata()
	if err != nil {
		return err
	}
	if e.input, err = o.input(in, metadata); err != nil {
		return fmt.Errorf("%s: %w", e.file, err)
	}
	e.convert = convert(o.Images, e.input.Normalisation)
	n := cmp.Or(e.input.Batch, 1)
	outputs, err := e.values(n)
	defer destroy(outputs)
	if err != nil {
		return err
	}
	if err := e.run(make([]float32, e.pixels()), n, outputs); err != nil {
		return fault.New(fault.Data, "%s can't be run on images of %d pixels: %w", e.file, e.input.Size, err)
	}
	rows := 0
	for i, v := range outputs {
		out := &e.outputs[i]
		if t, ok := v.(interface{ GetShape() onnx.Shape }); ok {
			out.dims = t.GetShape()
			out.taken = isRow(out.dims) && out.dims[0] == int64(n) && out.columns() > 0
		}
		if out.taken {
			rows++
		} else {
			e.left = append(e.left, out.String())
		}
	}
	if err := e.check(o.Outputs, rows); err != nil {
		return fmt.Errorf("%s: %w", e.file, err)
	}
	return nil
}

func (e *Encoder) metadata() (InputOptions, error) {
	m, err := e.session.GetModelMetadata()
	if err != nil {
		return InputOptions{}, fmt.Errorf("models: open encoder: %w", err)
	}
	defer m.Destroy() //nolint:errcheck // it only frees
	var failed error
	said, err := readMetadata(func(key string) string {
		value, _, err := m.LookupCustomMetadataMap(key)
		failed = errors.Join(failed, err)
		return value
	})
	if failed != nil {
		return said, fmt.Errorf("models: open encoder: %w", failed)
	}
	if err != nil {
		return said, fault.New(fault.Data, "%s: its metadata: %w", e.file, err)
	}
	return said, nil
}

// Input says how the encoder takes images.
func (e *Encoder) Input() Input { return e.input }

// pixels is how many numbers an image has.
func (e *Encoder) pixels() int { return 3 * e.input.Size * e.input.Size }

// taken are the outputs that give a row an image.
func (e *Encoder) taken(yield func(int, encoderOutput) bool) {
	for i, o := range e.outputs {
		if o.taken && !yield(i, o) {
			return
		}
	}
}

// Outputs names the outputs in the order of Run.
func (e *Encoder) Outputs() []string {
	var all []string
	for _, o := range e.taken {
		all = append(all, o.name)
	}
	return all
}

// Columns are how many numbers a row of each output has.
func (e *Encoder) Columns() []int {
	var all []int
	for _, o := range e.taken {
		all = append(all, o.columns())
	}
	return all
}

// Left names the outputs that are left out because they are no rows of numbers.
func (e *Encoder) Left() []string { return e.left }

// Version is that of the ONNX Runtime that runs the encoder.
func (e *Encoder) Version() string { return onnx.GetVersion() }

// Run encodes n images, [n, 3, size, size] normalised as EncoderOptions.Images says, and appends each output's rows to
// dst. A graph that takes a fixed number of images gets them in pieces, the last one filled up with blank images.
func (e *Encoder) Run(dst [][]float32, images []float32, n int) ([][]float32, error) {
	outputs := e.Outputs()
	for len(dst) < len(outputs) {
		dst = append(dst, nil)
	}
	at := cmp.Or(e.input.Batch, n)
	for from := 0; from < n; from += at {
		count := min(at, n-from)
		var err error
		if dst, err = e.piece(dst, images[from*e.pixels():(from+count)*e.pixels()], at); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// piece encodes images as one batch of n, and appends their rows.
func (e *Encoder) piece(dst [][]float32, images []float32, n int) ([][]float32, error) {
	if e.fast != nil {
		return e.fast.run(e, dst, images, n)
	}
	values, err := e.values(n)
	defer destroy(values)
	if err != nil {
		return dst, err
	}
	if err := e.run(images, n, values); err != nil {
		return dst, fault.New(fault.Data, "%s: encode %d images: %w", e.file, n, err)
	}
	count, to := len(images)/e.pixels(), 0
	for i, o := range e.taken {
		rows, err := floats(values[i])
		if err != nil {
			return dst, err
		}
		if len(rows) != n*o.columns() {
			return dst, fault.New(fault.Data, "%s: its output %s has %d numbers for %d images, it should have %d an image",
				e.file, o.name, len(rows), n, o.columns())
		}
		dst[to] = append(dst[to], rows[:count*o.columns()]...)
		to++
	}
	return dst, nil
}

// values is room for the outputs of n images where it must be there before, which is for float16.
func (e *Encoder) values(n int) ([]onnx.Value, error) {
	values := make([]onnx.Value, len(e.outputs))
	for i, o := range e.outputs {
		if !o.half {
			continue
		}
		shape := slices.Clone(o.dims)
		shape[0] = int64(n)
		t, err := onnx.NewCustomDataTensor(shape, make([]byte, 2*shape.FlattenedSize()), onnx.TensorElementDataTypeFloat16)
		if err != nil {
			return values, fmt.Errorf("models: encode: %w", err)
		}
		values[i] = t
	}
	return values, nil
}

// run runs the session on images, filled up to n with blank ones.
func (e *Encoder) run(images []float32, n int, outputs []onnx.Value) error {
	in, err := e.tensor(images, n)
	if err != nil {
		return err
	}
	defer in.Destroy() //nolint:errcheck // it only frees
	if err = e.session.Run([]onnx.Value{in}, outputs); err == nil {
		return nil
	}
	for i, o := range e.outputs {
		if !o.half {
			outputs[i] = nil // the binding may leave what can't be destroyed
		}
	}
	return err
}

// tensor makes the input of n images.
func (e *Encoder) tensor(images []float32, n int) (onnx.Value, error) {
	size := int64(e.input.Size)
	shape := onnx.NewShape(int64(n), 3, size, size)
	if e.input.Layout == LayoutNHWC {
		shape = onnx.NewShape(int64(n), size, size, 3)
	}
	if e.input.Layout == LayoutNCHW && e.input.Type == TypeFloat32 && e.convert.same && len(images) == n*e.pixels() {
		return onnx.NewTensor(shape, images)
	}
	values := make([]float32, n*e.pixels())
	e.convert.arrange(values, images, e.input)
	switch e.input.Type {
	case TypeUint8:
		pixels := make([]uint8, len(values))
		for i, v := range values {
			pixels[i] = uint8(math.RoundToEven(float64(min(max(v, 0), 255))))
		}
		return onnx.NewTensor(shape, pixels)
	case TypeFloat16:
		bits := make([]byte, 0, 2*len(values))
		for _, v := range values {
			bits = binary.NativeEndian.AppendUint16(bits, half.Bits(v))
		}
		return onnx.NewCustomDataTensor(shape, bits, onnx.TensorElementDataTypeFloat16)
	}
	return onnx.NewTensor(shape, values)
}

// floats are a tensor's values.
func floats(v onnx.Value) ([]float32, error) {
	var values []float32
	switch t := v.(type) {
	case *onnx.Tensor[float32]:
		return t.GetData(), nil
	case *onnx.Tensor[float64]:
		for _, x := range t.GetData() {
			values = append(values, float32(x))
		}
	case *onnx.CustomDataTensor:
		for data := t.GetData(); len(data) > 0; data = data[2:] {
			values = append(values, half.Float32(binary.NativeEndian.Uint16(data)))
		}
	default:
		return nil, errors.New("models: encode: an output that is no tensor of floats")
	}
	return values, nil
}

func destroy(values []onnx.Value) {
	for _, v := range values {
		if v != nil {
			_ = v.Destroy()
		}
	}
}

// Close frees the session.
func (e *Encoder) Close() error {
	if e.fast != nil {
		e.fast.close()
	}
	if e.session == nil {
		return nil
	}
	return e.session.Destroy()
}
