package augment

import (
	"fmt"
	"slices"
	"strings"
)

// presets are the recipes by name; the package comment has them as a table, with their sources.
var presets = [...]struct {
	name string
	list func() []Transformation
}{
	{"simclr", func() []Transformation {
		return slices.Concat(
			geometrySteps(RandomResizedCrop{Scale: [2]float64{0.08, 1}, Interpolation: InterpolationBicubic}),
			colorSteps(ColorJitter{Brightness: 0.8, Contrast: 0.8, Saturation: 0.8, Hue: 0.2, P: 0.8}),
			[]Transformation{blurStep(0.5)})
	}},
	{"byol", asymmetricSteps},
	{"vicreg", asymmetricSteps},
	{"swav", func() []Transformation {
		return slices.Concat(
			geometrySteps(RandomResizedCrop{Scale: [2]float64{0.14, 1}}),
			colorSteps(ColorJitter{Brightness: 0.8, Contrast: 0.8, Saturation: 0.8, Hue: 0.2, P: 0.8}),
			[]Transformation{blurStep(0.5)})
	}},
	{"weak", func() []Transformation {
		return []Transformation{
			{HorizontalFlip: &HorizontalFlip{P: 0.5}},
			{RandomAffine: &RandomAffine{Translate: [2]float64{0.125, 0.125}, Scale: [2]float64{1, 1}}},
		}
	}},
	{"none", func() []Transformation { return nil }},
}

// asymmetricSteps treat two base views differently: the first is always blurred, the second seldom, but solarized at
// times.
func asymmetricSteps() []Transformation {
	return slices.Concat(
		geometrySteps(RandomResizedCrop{Scale: [2]float64{0.08, 1}, Interpolation: InterpolationBicubic}),
		colorSteps(ColorJitter{Brightness: 0.4, Contrast: 0.4, Saturation: 0.2, Hue: 0.1, P: 0.8}),
		[]Transformation{
			blurStep(1, 0), blurStep(0.1, 1),
			{Solarize: &Solarize{Threshold: 0.5, P: 0.2}, Views: []int{1}},
		})
}

func geometrySteps(crop RandomResizedCrop) []Transformation {
	crop.Ratio = [2]float64{3. / 4, 4. / 3}
	return []Transformation{{RandomResizedCrop: &crop}, {HorizontalFlip: &HorizontalFlip{P: 0.5}}}
}

func colorSteps(jitter ColorJitter) []Transformation {
	return []Transformation{{ColorJitter: &jitter}, {Grayscale: &Grayscale{P: 0.2}}}
}

func blurStep(p float64, views ...int) Transformation {
	return Transformation{GaussianBlur: &GaussianBlur{Sigma: [2]float64{0.1, 2}, P: p}, Views: views}
}

// PresetNames returns the names that Options.Preset can have.
func PresetNames() []string {
	names := make([]string, len(presets))
	for i, p := range presets {
		names[i] = p.name
	}
	return names
}

// PresetTransformations returns what the named preset puts in the place of Options.Invariant.
func PresetTransformations(name string) ([]Transformation, error) {
	for _, p := range presets {
		if p.name == name {
			return p.list(), nil
		}
	}
	return nil, fmt.Errorf("no preset is called %q, there are %s", name, strings.Join(PresetNames(), ", "))
}
