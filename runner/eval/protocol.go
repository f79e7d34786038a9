package eval

// Protocol says how a number was made.
type Protocol struct {
	Method      string    `json:"method"` // in words
	TrainImages int       `json:"train_images,omitempty"`
	TestImages  int       `json:"test_images"`
	ImageSize   int       `json:"image_size,omitempty"` // side of the views in pixels
	Framing     string    `json:"framing,omitempty"`    // of the views: circle or none
	Max         float64   `json:"max,omitempty"`        // the family's strength at scale 1, or its first member's
	Unit        string    `json:"unit,omitempty"`       // of Max
	MaxWith     []float64 `json:"max_with,omitempty"`   // of a joint family: the other members' strengths
	Role        string    `json:"role,omitempty"`       // of the family in training; "": it had none
	Direction   string    `json:"direction,omitempty"`  // of families with a sign: positive
	Scales      []float64 `json:"scales,omitempty"`     // the grid, origin first
}
