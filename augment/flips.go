package augment

// HorizontalFlip mirrors left and right (torchvision RandomHorizontalFlip).
type HorizontalFlip struct {
	P float64 `yaml:"p"` // probability, default 0.5
}

func (*HorizontalFlip) byDefault() Transformation {
	return Transformation{HorizontalFlip: &HorizontalFlip{P: 0.5}}
}

func (f *HorizontalFlip) check(path string) []error { return checkRange(path+".p", f.P, 0, 1) }

func (f *HorizontalFlip) compile(int) operation { return chosen(f.P).place((*geometry).mirror) }

func (*HorizontalFlip) hides(string) string { return "" }

// VerticalFlip mirrors top and bottom (torchvision RandomVerticalFlip).
type VerticalFlip struct {
	P float64 `yaml:"p"` // probability, default 0.5
}

func (*VerticalFlip) byDefault() Transformation {
	return Transformation{VerticalFlip: &VerticalFlip{P: 0.5}}
}

func (f *VerticalFlip) check(path string) []error { return checkRange(path+".p", f.P, 0, 1) }

func (f *VerticalFlip) compile(int) operation { return chosen(f.P).place((*geometry).upend) }

func (f *VerticalFlip) hides(family string) string {
	return hiding(f.P, family, "a random orientation; remove vertical_flip", "quarter_turn")
}
