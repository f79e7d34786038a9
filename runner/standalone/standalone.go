package standalone

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"ordo/augment"
	"ordo/models"
	"ordo/models/fault"
	"ordo/models/onnxgraph"
	"ordo/models/preprocess"
	"ordo/runner/config"
	"ordo/runner/target"
	"ordo/runner/track"
)

// Options say what the file is made of and what it takes.
type Options struct {
	Run     string   // folder of a finished run
	Out     string   // the file to write
	Outputs []string // of embed.Outputs; nil: both
	Type    string   // of the pixels: of Types
	Layout  string   // of models.Layouts
	Range   float64  // what white is: 255, or of float32 also 1
	// Resize takes pictures of any size; without it they are squares of the size of the network's images, and nothing is
	// resampled.
	Resize bool
}

// DefaultOptions returns bytes of pictures of any size, channels last, as decoders give them.
func DefaultOptions() Options {
	return Options{Type: models.TypeUint8, Layout: models.LayoutNHWC, Range: 255, Resize: true}
}

// Types lists what pixels can be.
func Types() []string { return []string{models.TypeUint8, models.TypeFloat32} }

// Validate finds faults of the options, but for files.
func (o Options) Validate() error {
	switch {
	case !slices.Contains(Types(), o.Type):
		return fault.New(fault.Config, "pixels must be one of %s, not %q", strings.Join(Types(), ", "), o.Type)
	case !slices.Contains(models.Layouts(), o.Layout):
		return fault.New(fault.Config, "the layout must be one of %s, not %q", strings.Join(models.Layouts(), ", "),
			o.Layout)
	case o.Range != 255 && o.Range != 1:
		return fault.New(fault.Config, "white must be 1 or 255, not %g", o.Range)
	case o.Range == 1 && o.Type == models.TypeUint8:
		return fault.New(fault.Config, "white is 255 in uint8 pixels, not 1")
	}
	for _, name := range o.Outputs {
		if !slices.Contains(Outputs(), name) {
			return fault.New(fault.Config, "there is no output %s, there are %s", name, strings.Join(Outputs(), ", "))
		}
	}
	return nil
}

// Outputs are those that a file can have.
func Outputs() []string { return []string{models.Features, models.Embedding} }

// Inside says what a graph does to pixels before its network, in this order; it stands in the file's metadata as
// models.MetaInside.
type Inside struct {
	// ShortSide is the short side in pixels that larger pictures are reduced to, in bytes; 0: nothing is reduced.
	ShortSide int `json:"short_side"`
	// Resize says that the short side is resized to ImageSize and the square in the middle cut out.
	Resize    bool       `json:"resize"`
	ImageSize int        `json:"image_size"` // side of the network's images in pixels
	Mean      [3]float64 `json:"mean"`       // of red, green and blue, in [0, 1]; taken from them
	Std       [3]float64 `json:"std"`        // divides
	Framing   string     `json:"framing"`    // circle: outside of the inscribed disc everything is 0 then; or none
}

// Summary says what Write wrote.
type Summary struct {
	Out     string            `json:"out"`
	Run     string            `json:"run"`
	Input   string            `json:"input"` // its name
	Type    string            `json:"type"`
	Shape   string            `json:"shape"`   // [batch, height, width, 3] or the like
	Outputs map[string]string `json:"outputs"` // their shapes
	Inside  Inside            `json:"inside"`
}

// Write writes the file, whole or not at all.
func Write(o Options) (Summary, error) {
	if err := o.Validate(); err != nil {
		return Summary{}, err
	}
	t, err := target.Find(o.Run)
	if err != nil {
		return Summary{}, err
	}
	if t.Run == nil {
		return Summary{}, fault.New(fault.Data, "%s is no run, and says nothing of how its images are made", o.Run).
			Advise("name the folder of a finished run")
	}
	e, err := target.Load(t, "", nil, nil)
	if err != nil {
		return Summary{}, err
	}
	sum, err := track.CheckEncoder(o.Run)
	if err != nil {
		return Summary{}, err
	}
	file := track.EncoderFile(o.Run)
	m, err := onnxgraph.ReadFile(file)
	if err != nil {
		return Summary{}, err
	}
	plan, err := augment.NewPlan(e.Augment, e.Data.ImageSize)
	if err != nil {
		return Summary{}, fault.Wrap(fault.Config, err)
	}
	s := Summary{
		Out: o.Out, Run: o.Run, Type: o.Type, Inside: o.inside(e, plan), Outputs: map[string]string{},
	}
	if o.Outputs == nil {
		o.Outputs = Outputs()
	}
	if missing := onnxgraph.Keep(m, o.Outputs); len(missing) > 0 {
		return s, fault.New(fault.Data, "%s has no output %s", file, strings.Join(missing, ", "))
	}
	if s.Input, err = preprocess.Prepend(m, o.before(s.Inside, plan)); err != nil {
		return s, fmt.Errorf("%s: %w", file, err)
	}
	inside, err := json.Marshal(s.Inside)
	if err != nil {
		return s, fmt.Errorf("standalone: describe: %w", err)
	}
	models.Annotate(m, models.Input{
		Layout: o.Layout, Size: s.Inside.ImageSize, Framing: augment.FramingNone, // what has to be done outside
		Normalisation: models.Normalisation{Std: [3]float64{1, 1, 1}, Range: o.Range},
	}, map[string]string{models.MetaInside: string(inside), models.MetaEncoder: sum})
	if s.Shape, err = shape(m.GetGraph().GetInput()[0]); err != nil {
		return s, err
	}
	for _, v := range m.GetGraph().GetOutput() {
		if s.Outputs[v.GetName()], err = shape(v); err != nil {
			return s, err
		}
	}
	return s, m.WriteFile(o.Out)
}

func shape(v *onnxgraph.ValueInfo) (string, error) {
	t, err := v.TensorType()
	return strings.ReplaceAll(t.Shape.String(), ",", ", "), fault.Wrap(fault.Data, err)
}

// inside says what has to happen to pixels before the network of an experiment.
func (o Options) inside(e config.Experiment, plan *augment.Plan) Inside {
	i := Inside{
		Resize: o.Resize, ImageSize: plan.ImageSize(), Mean: e.Augment.Mean, Std: e.Augment.Std, Framing: plan.Framing(),
	}
	if o.Resize {
		i.ShortSide = e.Data.FileShortSide()
	}
	return i
}

func (o Options) before(i Inside, plan *augment.Plan) preprocess.Options {
	return preprocess.Options{
		Bytes: o.Type == models.TypeUint8, ChannelsFirst: o.Layout == models.LayoutNCHW, Range: o.Range,
		Resize: o.Resize, ShortSide: i.ShortSide, Size: i.ImageSize, Mean: i.Mean, Std: i.Std, Mask: plan.Mask(),
	}
}
