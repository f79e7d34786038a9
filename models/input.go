package models

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	onnx "github.com/yalue/onnxruntime_go"

	"ordo/models/fault"
	"ordo/models/onnxgraph"
)

// The keys of an ONNX file's metadata (metadata_props) that say how its network takes images. All are optional; what
// the graph's own input says needs none.
const (
	MetaLayout    = "ordo.layout"     // nchw or nhwc
	MetaImageSize = "ordo.image_size" // the side of the square images in pixels
	MetaMean      = "ordo.mean"       // of red, green and blue, R,G,B, or one number for all, in units of the range
	MetaStd       = "ordo.std"        // the same, divides
	MetaRange     = "ordo.range"      // 1 or 255: what white is before mean and std
	MetaFraming   = "ordo.framing"    // circle: outside of the inscribed disc the network saw the mean; or none
)

// Further keys of the files that ordo writes, for whoever uses them.
const (
	MetaClasses = "ordo.classes" // names of the training images' classes, a JSON list
	MetaRun     = "ordo.run"     // name and hash of the experiment
	MetaEncoder = "ordo.encoder" // SHA-256 of the encoder that a file is made of
	MetaInside  = "ordo.inside"  // what the graph itself does to pixels before its network, a JSON object
)

// The orders of an input's axes.
const (
	LayoutNCHW = "nchw" // image, channel, row, column
	LayoutNHWC = "nhwc" // image, row, column, channel
)

// Layouts lists them.
func Layouts() []string { return []string{LayoutNCHW, LayoutNHWC} }

// The types of an input's values.
const (
	TypeFloat32 = "float32"
	TypeFloat16 = "float16"
	TypeUint8   = "uint8"
)

// Normalisation says how pixels, which are in [0, 1], become a network's numbers: (pixel·Range - Mean) / Std.
type Normalisation struct {
	Mean  [3]float64 `json:"mean"` // of red, green and blue, in [0, Range]
	Std   [3]float64 `json:"std"`  // above 0, in the same unit
	Range float64    `json:"range"`
}

// raw is the normalisation of networks that take pixels as files have them.
var raw = Normalisation{Std: [3]float64{1, 1, 1}, Range: 255}

// Input says how an encoder takes images.
type Input struct {
	Layout string `json:"layout"`
	Type   string `json:"type"`            // float32, float16 or uint8
	Batch  int    `json:"batch,omitempty"` // images that the graph takes at once; 0: any number
	Size   int    `json:"image_size"`      // side of the square images in pixels
	Normalisation
	Framing string `json:"framing,omitempty"` // that the file says the images had in training; "": it says nothing
}

// InputOptions is what someone says of an encoder's input.
type InputOptions struct {
	Layout        string         // "": unsaid
	Size          int            // 0: unsaid
	Normalisation *Normalisation // nil: unsaid
	Framing       string         // "": unsaid
}

// ParseNormalisation reads a normalisation from texts: R,G,B or one number for all channels, and a range; "" is unsaid,
// and nil is returned where all are. Where one is said the others are: mean 0, std 1, range 1.
func ParseNormalisation(mean, std, span string) (*Normalisation, error) {
	if mean == "" && std == "" && span == "" {
		return nil, nil
	}
	n := &Normalisation{Range: 1}
	var faults []error
	switch span {
	case "", "1":
	case "255":
		n.Range = 255
	default:
		faults = append(faults, fmt.Errorf("range: must be 1 or 255, got %q", span))
	}
	var err error
	if n.Mean, err = channels(cmp.Or(mean, "0")); err != nil {
		faults = append(faults, fmt.Errorf("mean: %w", err))
	}
	if n.Std, err = channels(cmp.Or(std, "1")); err != nil {
		faults = append(faults, fmt.Errorf("std: %w", err))
	}
	if len(faults) == 0 {
		faults = n.faults()
	}
	return n, fault.Wrap(fault.Config, errors.Join(faults...))
}

func (n *Normalisation) faults() []error {
	var faults []error
	for c := range 3 {
		if !(n.Mean[c] >= 0 && n.Mean[c] <= n.Range) {
			faults = append(faults, fmt.Errorf("mean: must be in [0, %g], the range, got %g", n.Range, n.Mean[c]))
		}
		if !(n.Std[c] > 0) || math.IsInf(n.Std[c], 0) {
			faults = append(faults, fmt.Errorf("std: must be above 0 and finite, got %g", n.Std[c]))
		}
	}
	return faults
}

func channels(text string) (values [3]float64, err error) {
	parts := strings.Split(text, ",")
	if len(parts) != 1 && len(parts) != len(values) {
		return values, fmt.Errorf("must be one number or three, R,G,B, got %q", text)
	}
	for c := range values {
		if values[c], err = strconv.ParseFloat(strings.TrimSpace(parts[c%len(parts)]), 64); err != nil {
			return values, fmt.Errorf("must be one number or three, R,G,B, got %q", text)
		}
	}
	return values, nil
}

// readMetadata reads what a file's metadata says of its input.
func readMetadata(look func(key string) string) (o InputOptions, err error) {
	var faults []error
	if o.Layout = strings.ToLower(look(MetaLayout)); o.Layout != "" && !slices.Contains(Layouts(), o.Layout) {
		faults = append(faults, fmt.Errorf("%s must be nchw or nhwc, it is %q", MetaLayout, o.Layout))
	}
	if size := look(MetaImageSize); size != "" {
		if o.Size, err = strconv.Atoi(size); err != nil || o.Size < 1 || o.Size > 1<<12 {
			faults = append(faults, fmt.Errorf("%s must be a number of pixels, it is %q", MetaImageSize, size))
		}
	}
	if o.Normalisation, err = ParseNormalisation(look(MetaMean), look(MetaStd), look(MetaRange)); err != nil {
		faults = append(faults, fmt.Errorf("ordo.%w", err))
	}
	if o.Framing = look(MetaFraming); o.Framing != "" && o.Framing != "circle" && o.Framing != "none" {
		faults = append(faults, fmt.Errorf("%s must be circle or none, it is %q", MetaFraming, o.Framing))
	}
	return o, errors.Join(faults...)
}

// Describe stores in an ONNX file how its network takes images, and further metadata. The file is replaced, whole or
// not at all.
func Describe(file string, in Input, further map[string]string) error {
	m, err := onnxgraph.ReadFile(file)
	if err != nil {
		return err
	}
	Annotate(m, in, further)
	return m.WriteFile(file)
}

// Annotate is Describe of a model in memory. Keys that it has keep their values, unless they are among these.
func Annotate(m *onnxgraph.Model, in Input, further map[string]string) {
	b := onnxgraph.Extend(m)
	for key, value := range map[string]string{
		MetaLayout: in.Layout, MetaFraming: in.Framing, MetaImageSize: strconv.Itoa(in.Size),
		MetaMean: join(in.Mean), MetaStd: join(in.Std), MetaRange: number(in.Range),
	} {
		b.Meta(key, value)
	}
	for key, value := range further {
		b.Meta(key, value)
	}
	slices.SortFunc(m.MetadataProps, func(a, b *onnxgraph.StringEntry) int { return cmp.Compare(a.GetKey(), b.GetKey()) })
}

func join(channels [3]float64) string {
	return number(channels[0]) + "," + number(channels[1]) + "," + number(channels[2])
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', -1, 64) }

// input finds how a graph takes images: what Given says, what the graph itself says, what its metadata says, and what
// Unsaid says, in this order.
func (o EncoderOptions) input(in onnx.InputOutputInfo, metadata InputOptions) (Input, error) {
	var i Input
	switch in.DataType {
	case onnx.TensorElementDataTypeFloat:
		i.Type = TypeFloat32
	case onnx.TensorElementDataTypeFloat16:
		i.Type = TypeFloat16
	case onnx.TensorElementDataTypeUint8:
		i.Type = TypeUint8
	default:
		return i, fault.New(fault.Data, "its input %s takes neither float32 nor float16 nor uint8", in.Name)
	}
	if len(in.Dimensions) != 4 {
		return i, fault.New(fault.Data, "its input %s has the shape %s, not [batch, 3, size, size] or [batch, size, size, 3]",
			in.Name, axes(in.Dimensions))
	}
	i.Batch = max(int(in.Dimensions[0]), 0)
	var err error
	if i.Layout, err = o.layout(in, metadata); err != nil {
		return i, err
	}
	if i.Size, err = o.size(i.Layout, in, metadata); err != nil {
		return i, err
	}
	i.Framing, i.Normalisation = metadata.Framing, o.Images
	said := cmp.Or(o.Given.Normalisation, metadata.Normalisation)
	switch {
	case i.Type == TypeUint8 && said != nil && *said != raw:
		return i, fault.New(fault.Config, "its input %s takes whole numbers from 0 to 255, which have no other range, "+
			"mean or std", in.Name).Advise("leave them out")
	case i.Type == TypeUint8:
		i.Normalisation = raw
	case said != nil:
		i.Normalisation = *said
	case o.Unsaid.Normalisation != nil:
		i.Normalisation = *o.Unsaid.Normalisation
	}
	return i, nil
}

// axes writes a shape; those of any size are "?".
func axes(shape onnx.Shape) string {
	texts := make([]string, len(shape))
	for i, d := range shape {
		if texts[i] = "?"; d > 0 {
			texts[i] = strconv.FormatInt(d, 10)
		}
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// layout finds the axis of the channels.
func (o EncoderOptions) layout(in onnx.InputOutputInfo, metadata InputOptions) (string, error) {
	axis := map[string]int{LayoutNCHW: 1, LayoutNHWC: 3}
	can := func(layout string) bool { return in.Dimensions[axis[layout]] == 3 || in.Dimensions[axis[layout]] < 1 }
	must := func(layout string) bool { return in.Dimensions[axis[layout]] == 3 }
	if said := cmp.Or(o.Given.Layout, metadata.Layout); said != "" {
		if !can(said) {
			return "", fault.New(fault.Config, "its input %s has the shape %s, whose layout can't be %s", in.Name,
				axes(in.Dimensions), said)
		}
		return said, nil
	}
	switch first, last := must(LayoutNCHW), must(LayoutNHWC); {
	case first && !last:
		return LayoutNCHW, nil
	case last && !first:
		return LayoutNHWC, nil
	case !can(LayoutNCHW) && !can(LayoutNHWC):
		return "", fault.New(fault.Data, "its input %s has the shape %s without an axis of three channels", in.Name,
			axes(in.Dimensions))
	case o.Unsaid.Layout != "" && can(o.Unsaid.Layout):
		return o.Unsaid.Layout, nil
	}
	return "", fault.New(fault.Config, "its input %s has the shape %s, which doesn't tell which axis has the channels",
		in.Name, axes(in.Dimensions)).With(fault.Option{Name: "layout"})
}

// size finds the side of the images.
func (o EncoderOptions) size(layout string, in onnx.InputOutputInfo, metadata InputOptions) (int, error) {
	at := strings.IndexByte(layout, 'h')
	height, width := int(in.Dimensions[at]), int(in.Dimensions[at+1])
	if height > 0 && width > 0 && height != width {
		return 0, fault.New(fault.Data, "its input %s takes images of %d x %d pixels, not square ones", in.Name, width,
			height)
	}
	if graph := max(height, width); graph > 0 {
		if said := cmp.Or(o.Given.Size, metadata.Size, graph); said != graph {
			return 0, fault.New(fault.Config, "its input %s takes images of %d pixels a side, not of %d", in.Name, graph, said)
		}
		return graph, nil
	}
	size := cmp.Or(o.Given.Size, metadata.Size, o.Unsaid.Size)
	if size == 0 {
		return 0, fault.New(fault.Config, "its input %s takes images of any size", in.Name).
			With(fault.Option{Name: "image_size"})
	}
	return size, nil
}

// conversion turns images as Encoder.Run is given them into those that the network takes: v·gain + offset.
type conversion struct {
	same         bool // the normalisations are equal, and no value changes
	gain, offset [3]float64
}

func convert(from, to Normalisation) conversion {
	c := conversion{same: from == to}
	for i := range c.gain {
		scale := to.Range / from.Range
		c.gain[i] = from.Std[i] * scale / to.Std[i]
		c.offset[i] = (from.Mean[i]*scale - to.Mean[i]) / to.Std[i]
	}
	return c
}

// arrange writes images, [n, 3, S, S], to dst in the layout and normalisation of the input.
func (c conversion) arrange(dst, images []float32, in Input) {
	plane := in.Size * in.Size
	for at := 0; at < len(images); at += plane {
		image, channel := at/(3*plane), at/plane%3
		to, step := at, 1
		if in.Layout == LayoutNHWC {
			to, step = image*3*plane+channel, 3
		}
		for i, v := range images[at : at+plane] {
			if !c.same {
				v = float32(float64(float64(v)*c.gain[channel]) + c.offset[channel]) // two roundings on every processor
			}
			dst[to+i*step] = v
		}
	}
}
