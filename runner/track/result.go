package track

import (
	"ordo/models/graph"
	"ordo/runner/guard"
)

// Finished is the Status of a run that reached its end.
const Finished = "finished"

// Result is what `ordo run --json` prints and result.json holds.
type Result struct {
	Status string `json:"status"`
	Run    string `json:"run"` // the folder
	Name   string `json:"name"`
	Hash   string `json:"hash"` // of the resolved experiment
	Seed   uint64 `json:"seed"`

	Epochs          int     `json:"epochs"`
	Steps           int     `json:"steps"`
	Seconds         float64 `json:"seconds"` // wall time of the training steps, over all processes that worked on the run
	ImagesPerSecond float64 `json:"images_per_second"`
	ViewsPerSecond  float64 `json:"views_per_second"`

	Loss      float64            `json:"loss"` // mean over the last epoch
	LossTerms map[string]float64 `json:"loss_terms"`

	KNNTop1       *float64                      `json:"knn_top1"`       // of the features; null without labels
	OrderAccuracy map[string]map[string]float64 `json:"order_accuracy"` // family → output → accuracy
	Evaluation                                  // the last one: these two numbers and all others, with references

	// Collapse lists the numbers of the guard by which an output collapsed, even where it came back; none: sound.
	Collapse []guard.Finding `json:"collapse,omitempty"`

	// Warnings are those of log.txt, each once, without the word before it; those of a collapse too.
	Warnings []string `json:"warnings"`

	TimeShare       TimeShare `json:"time_share"`
	PeakMemoryBytes int64     `json:"peak_memory_bytes"`
	ParametersHash  string    `json:"parameters_sha256"` // of all parameters, to compare runs
	Parameters      int       `json:"parameters"`        // trainable values
	EncoderSHA256   string    `json:"encoder_sha256"`    // of encoder.onnx

	// Best is the evaluation by which train.keep_best kept a checkpoint; nil: none was to be kept.
	Best *Best `json:"best,omitempty"`

	// Files are the SHA-256 of the other files of the folder but log.txt, by their paths.
	Files map[string]string `json:"files"`
}

// Best is the best evaluation by a metric.
type Best struct {
	Metric string  `json:"metric"`
	Value  float64 `json:"value"`
	Step   int     `json:"step"`
	Epoch  float64 `json:"epoch"`
}

// SetEvaluation fills in what an evaluation found.
func (r *Result) SetEvaluation(e Evaluation) {
	r.Evaluation = e
	if top1, ok := e.Metrics["knn."+graph.Features]; ok {
		r.KNNTop1 = &top1
	}
	r.OrderAccuracy = map[string]map[string]float64{}
	for family, outputs := range e.Distances {
		r.OrderAccuracy[family] = map[string]float64{}
		for output := range outputs {
			r.OrderAccuracy[family][output] = e.Metrics[family+".order_accuracy."+output]
		}
	}
}

// TimeShare says what the wall time of the training steps went into; they add up to 1.
type TimeShare struct {
	ONNXRuntime float64 `json:"onnxruntime"` // forward, backward, optimizer
	DataWait    float64 `json:"data_wait"`   // waiting for views
	Loss        float64 `json:"loss"`
	Target      float64 `json:"target,omitempty"` // the network of averaged weights: its forward pass and its update
	Rest        float64 `json:"rest"`
}
