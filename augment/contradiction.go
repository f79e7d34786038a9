package augment

import (
	"fmt"
	"slices"
)

// contradictions says which ordered families the invariant steps randomise.
func contradictions(invariant []Transformation, ordered []Family) []string {
	var out []string
	for _, f := range ordered {
		for i, s := range invariant {
			for _, m := range f.members() {
				why := ""
				if s.Family != nil && s.Family.has(m.Family) {
					why = m.Family + " with a scale of its own"
				} else {
					why = s.randomises(m.Family)
				}
				text := fmt.Sprintf("%s is ordered, but invariant[%d] gives every view %s.", f.Name(), i, why)
				if why != "" && !slices.Contains(out, text) {
					out = append(out, text)
				}
			}
		}
	}
	return out
}

// randomises says what of a family the step changes at random, and what to do about it; "" if nothing.
func (s Transformation) randomises(family string) string {
	switch {
	case s.RandomResizedCrop != nil:
		c := s.RandomResizedCrop
		switch family {
		case "zoom", "crop":
			if c.Scale[0] < c.Scale[1] {
				return "a random size; set random_resized_crop.scale to one value"
			}
		case "translate", "translate_x", "translate_y":
			if c.Scale[0] < 1 {
				return "a random place; remove random_resized_crop"
			}
		}
	case s.ColorJitter != nil && s.ColorJitter.P > 0:
		j := s.ColorJitter
		for _, of := range []struct {
			family string
			value  float64
		}{{"brightness", j.Brightness}, {"contrast", j.Contrast}, {"saturation", j.Saturation}, {"hue", j.Hue}} {
			if of.family == family && of.value > 0 {
				return fmt.Sprintf("a random %s; set color_jitter.%s to 0", family, family)
			}
		}
		if family == "grayscale" && j.Saturation > 0 {
			return "a random saturation; set color_jitter.saturation to 0"
		}
		if family == "gamma" && j.Brightness > 0 {
			return "a random brightness; set color_jitter.brightness to 0"
		}
	case s.Grayscale != nil && s.Grayscale.P > 0:
		switch family {
		case "hue", "saturation":
			return "grey, which has no " + family + ", to a share of them; remove grayscale"
		case "grayscale":
			return "grey to a share of them; remove grayscale"
		}
	case s.GaussianBlur != nil && s.GaussianBlur.P > 0:
		switch family {
		case "blur", "sharpness", "downscale":
			return "a random blur; remove gaussian_blur"
		}
	case s.RandomRotation != nil && (family == "rotate" || family == "quarter_turn"):
		return "a random rotation; remove random_rotation"
	case s.RandomAffine != nil:
		a := s.RandomAffine
		switch {
		case (family == "rotate" || family == "quarter_turn") && a.Degrees[0] < a.Degrees[1]:
			return "a random rotation; set random_affine.degrees to [0, 0]"
		case (family == "zoom" || family == "crop") && a.Scale[0] < a.Scale[1]:
			return "a random size; set random_affine.scale to [1, 1]"
		case family == "shear_x" && a.Shear[0] < a.Shear[1], family == "shear_y" && a.Shear[2] < a.Shear[3]:
			return "a random shear; set random_affine.shear to 0"
		case (family == "translate" || family == "translate_x") && a.Translate[0] > 0,
			(family == "translate" || family == "translate_y") && a.Translate[1] > 0:
			return "a random place; set random_affine.translate to [0, 0]"
		}
	case s.VerticalFlip != nil && s.VerticalFlip.P > 0 && family == "quarter_turn":
		return "a random orientation; remove vertical_flip"
	case s.RandomPerspective != nil && s.RandomPerspective.P > 0 && family == "perspective":
		return "a random perspective; remove random_perspective"
	case s.Solarize != nil && s.Solarize.P > 0 && family == "solarize":
		return "a random solarization; remove solarize"
	case s.Posterize != nil && s.Posterize.P > 0 && family == "posterize":
		return "a random posterization; remove posterize"
	case s.Sharpness != nil && s.Sharpness.P > 0 && (family == "sharpness" || family == "blur"):
		return "a random sharpness; remove sharpness"
	case s.Autocontrast != nil && s.Autocontrast.P > 0 || s.Equalize != nil && s.Equalize.P > 0:
		switch family {
		case "brightness", "contrast", "gamma":
			return "a contrast that hides it at random; remove " + s.Name()
		}
	case s.RandomErasing != nil && s.RandomErasing.P > 0 && family == "erase":
		return "a random erased box; remove random_erasing"
	}
	return ""
}
