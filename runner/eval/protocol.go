package eval

import "fmt"

// Names of the metrics.
const (
	MetricKNN   = "knn_top1"
	MetricOrder = "order_accuracy"
)

// Protocol says how a number was evaluated.
type Protocol struct {
	Metric      string    `json:"metric"`   // knn_top1 or order_accuracy
	Output      string    `json:"output"`   // of the model: features or embedding
	Distance    string    `json:"distance"` // cosine
	Views       string    `json:"views"`    // what was done to the images
	TrainImages int       `json:"train_images,omitempty"`
	TestImages  int       `json:"test_images"`
	K           int       `json:"k,omitempty"` // neighbours that voted
	Temperature float64   `json:"temperature,omitempty"`
	ImageSize   int       `json:"image_size"` // side of the views in pixels
	Framing     string    `json:"framing"`    // circle or none
	Family      string    `json:"family,omitempty"`
	Max         float64   `json:"max,omitempty"`       // the family's strength at scale 1, or its first member's
	MaxWith     []float64 `json:"max_with,omitempty"`  // of a joint family: the other members' strengths
	Role        string    `json:"role,omitempty"`      // that the family had in training: ordered, invariant or absent
	Direction   string    `json:"direction,omitempty"` // of families with a sign: positive
	Scales      []float64 `json:"scales,omitempty"`    // the grid, origin first
	Anchor      string    `json:"anchor,omitempty"`    // whose distances are compared: origin
	Ties        string    `json:"ties"`                // what an exact tie counts
}

const evalViews = "no random transformation; short side resized, centre crop"

// KNNProtocol describes a result of KNN with options o on that many training and test images.
func KNNProtocol(output string, o KNNOptions, trainImages, testImages int) Protocol {
	return Protocol{
		Metric: MetricKNN, Output: output, Distance: "cosine", Views: evalViews,
		TrainImages: trainImages, TestImages: testImages,
		K: min(o.K, trainImages), Temperature: o.Temperature, Ties: "lower row, lower class",
	}
}

// OrderProtocol describes a result of OrderAccuracy for a family on that many test images.
func OrderProtocol(output, family string, scales []float64, testImages int) Protocol {
	return Protocol{
		Metric: MetricOrder, Output: output, Distance: "cosine", Views: evalViews,
		TestImages: testImages, Family: family, Scales: scales, Anchor: "origin", Ties: "half",
	}
}

// Short gives the protocol in a few words, for a table that names metric, family and output elsewhere.
func (p Protocol) Short() string {
	if p.Metric == MetricKNN {
		return fmt.Sprintf("weighted %d-NN, %s, T %g; %d test images among %d",
			p.K, p.Distance, p.Temperature, p.TestImages, p.TrainImages)
	}
	most := fmt.Sprintf("%g", p.Max)
	for _, m := range p.MaxWith {
		most += fmt.Sprintf(" + %g", m)
	}
	return fmt.Sprintf("%s, max %s, at %d scales; %s from the %s, ties %s; %d test images",
		p.Role, most, len(p.Scales), p.Distance, p.Anchor, p.Ties, p.TestImages)
}
