package eval

import (
	"fmt"
	"strings"
)

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
	Family      string    `json:"family,omitempty"`
	Scales      []float64 `json:"scales,omitempty"` // the grid, origin first
	Anchor      string    `json:"anchor,omitempty"` // whose distances are compared: origin
	Ties        string    `json:"ties"`             // what an exact tie counts
}

const evalViews = "no random transformation; short side resized, centre crop, framed as in training"

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
		return fmt.Sprintf("weighted %d-NN, %s, T %g; %d test images among %d", p.K, p.Distance, p.Temperature, p.TestImages, p.TrainImages)
	}
	return fmt.Sprintf("%d scales up to %g, %s from the %s, ties %s; %d test images",
		len(p.Scales), p.Scales[len(p.Scales)-1], p.Distance, p.Anchor, p.Ties, p.TestImages)
}

// String gives the protocol in one line, for tables.
func (p Protocol) String() string {
	var b strings.Builder
	switch p.Metric {
	case MetricKNN:
		fmt.Fprintf(&b, "weighted %d-NN (%s, T %g) on the %s of %d test images among %d training images",
			p.K, p.Distance, p.Temperature, p.Output, p.TestImages, p.TrainImages)
	case MetricOrder:
		fmt.Fprintf(&b, "order of %s at %d scales up to %g as seen from the origin (%s) on the %s of %d test images, ties %s",
			p.Family, len(p.Scales), p.Scales[len(p.Scales)-1], p.Distance, p.Output, p.TestImages, p.Ties)
	}
	fmt.Fprintf(&b, "; %s", p.Views)
	return b.String()
}
