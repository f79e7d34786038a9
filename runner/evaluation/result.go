package evaluation

import (
	"os"
	"path/filepath"

	"ordo/models"
	"ordo/models/fault"
	"ordo/runner/eval"
	"ordo/runner/target"
	"ordo/runner/track"
)

// Result is what an evaluation found.
type Result struct {
	Name     string      `json:"name"`     // of the evaluation
	Settings string      `json:"settings"` // hash of all that decides the numbers beside encoder and data
	Target   string      `json:"target"`   // the run folder, the ONNX file or the embeddings file
	Against  string      `json:"against,omitempty"`
	Run      *target.Run `json:"run,omitempty"`            // nil: the encoder is no run's
	Encoder  string      `json:"encoder_sha256,omitempty"` // "": there are embeddings in its place
	Software Software    `json:"software"`
	// Embeddings are the files of rows: that of training images before that of test images where these are two.
	Embeddings []Source      `json:"embeddings,omitempty"`
	Input      *models.Input `json:"input,omitempty"` // how the encoder takes images

	Data    Data           `json:"data"`
	Columns map[string]int `json:"columns"` // of every output
	Pixels  int            `json:"pixels"`  // columns of the pixels' rows: 3·side²
	Notes   []string       `json:"notes,omitempty"`

	Metrics   []Metric   `json:"metrics"`
	Distances []Distance `json:"distances"`
}

// Source is a file that rows were read from.
type Source struct {
	Path string `json:"path"`
	Sum  string `json:"sha256"`
}

// Software is what evaluated.
type Software struct {
	Ordo        string `json:"ordo"`
	ONNXRuntime string `json:"onnxruntime,omitempty"`
	Platform    string `json:"platform"`
}

// Data is what was shown, or what the rows of an embeddings file are of.
type Data struct {
	Fingerprint string `json:"fingerprint"` // of both splits
	Train       int    `json:"train_images"`
	Test        int    `json:"test_images"`
	Classes     int    `json:"classes"`
	ImageSize   int    `json:"image_size,omitempty"` // with framing "": no images were shown
	Framing     string `json:"framing,omitempty"`
}

// The directions in which numbers are better. Some have none: it depends on what the outputs are for.
const (
	Higher = "higher"
	Lower  = "lower"
)

// Metric is a number with what it must be read with.
type Metric struct {
	Group    string     `json:"group"` // classes, family or labelfree
	Name     string     `json:"name"`
	Output   string     `json:"output"`
	Family   string     `json:"family,omitempty"`
	Value    eval.Value `json:"value"`              // null where it is undefined
	Interval *Interval  `json:"interval,omitempty"` // nil: it is no mean over images
	Better   string     `json:"better,omitempty"`   // higher, lower, or "" where it depends

	References References  `json:"references"`
	Gain       *Difference `json:"gain_over_untrained,omitempty"`
	Against    *Difference `json:"gain_over_other_run,omitempty"`

	Curve    []Point        `json:"curve,omitempty"`    // by scale
	ByClass  []Class        `json:"by_class,omitempty"` // means over the images of each class
	Protocol eval.Protocol  `json:"protocol"`
	Details  map[string]any `json:"details,omitempty"` // of the encoder's number: the penalty that was chosen, counts
}

// References is what others have in the metric's place; null where there is no such number.
type References struct {
	Chance    eval.Value `json:"chance"`
	ChanceBy  string     `json:"chance_by,omitempty"` // the definition of chance
	Untrained eval.Value `json:"untrained"`           // the same output of the network before its first training step
	Pixels    eval.Value `json:"pixels"`              // of the view, reduced by averaging areas
	Against   eval.Value `json:"other_run"`
}

// Interval says how far a number may be off because these images were drawn and not others.
type Interval struct {
	Low       eval.Value `json:"low"`
	High      eval.Value `json:"high"`
	Level     float64    `json:"level"`
	Method    string     `json:"method"`
	Of        int        `json:"of"` // images or episodes
	Resamples int        `json:"resamples"`
}

// Difference is how much more the encoder has, paired by image.
type Difference struct {
	Value    eval.Value `json:"value"`
	Interval *Interval  `json:"interval,omitempty"`
}

// Point is a metric at one scale.
type Point struct {
	Scale     float64    `json:"scale"`
	Value     eval.Value `json:"value"`
	Untrained eval.Value `json:"untrained"`
	Pixels    eval.Value `json:"pixels"`
}

// Class is a metric's mean over the test images of a class.
type Class struct {
	Class  string  `json:"class"`
	Images int     `json:"images"`
	Value  float64 `json:"value"`
}

// Distance is how far views are from their origin, 1 - cosine, over the scales of a family.
type Distance struct {
	Family    string    `json:"family"`
	Output    string    `json:"output"`
	Scales    []float64 `json:"scales"`
	Trained   Spread    `json:"trained"`
	Untrained *Spread   `json:"untrained,omitempty"`
	Pixels    *Spread   `json:"pixels,omitempty"`
}

// Spread is mean and quantiles over the images, one a scale.
type Spread struct {
	Mean   []float64 `json:"mean"`
	Low    []float64 `json:"q10"`
	Median []float64 `json:"median"`
	High   []float64 `json:"q90"`
}

// Numbers are the result's numbers by their names, for metrics.jsonl and result.json.
func (r Result) Numbers() track.Evaluation {
	e := track.Evaluation{Metrics: map[string]float64{}, Protocols: map[string]eval.Protocol{},
		Distances: map[string]map[string]track.Curve{}}
	set := func(numbers *map[string]float64, name string, v eval.Value) {
		if !v.Defined {
			return
		}
		if *numbers == nil {
			*numbers = map[string]float64{}
		}
		(*numbers)[name] = v.Number
	}
	for _, m := range r.Metrics {
		name := m.Name
		if m.Family != "" {
			name = m.Family + "." + name
		}
		e.Protocols[name] = m.Protocol
		name += "." + m.Output
		set(&e.Metrics, name, m.Value)
		set(&e.Untrained, name, m.References.Untrained)
		set(&e.Pixels, name, m.References.Pixels)
		set(&e.Chance, name, m.References.Chance)
	}
	for _, d := range r.Distances {
		c := track.Curve{Scales: d.Scales, Distance: d.Trained.Mean}
		if d.Untrained != nil {
			c.Untrained = d.Untrained.Mean
		}
		if e.Distances[d.Family] == nil {
			e.Distances[d.Family] = map[string]track.Curve{}
		}
		e.Distances[d.Family][d.Output] = c
	}
	return e
}

// Dir is the folder of evaluations in a run's.
const Dir = "eval"

// AtEnd is the name of the evaluation that ends a run.
const AtEnd = "end"

// File is where a run's evaluation of this name is.
func File(run, name string) string { return filepath.Join(run, Dir, name+".json") }

// Read reads a result that Write wrote.
func Read(path string) (Result, error) {
	var r Result
	return r, track.ReadSealed(path, &r)
}

// Write writes the result as JSON, whole or not at all, and makes the folder that it is in if that is missing.
func (r Result) Write(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fault.Writing(filepath.Dir(path), err)
	}
	return track.WriteSealed(path, r)
}
