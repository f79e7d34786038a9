package augment

import "slices"

// DrawWidths says of each of DrawNames how far apart two draws can be at most, "not applied" among them, for color_jitter
// and gaussian_blur; of the others, which are shares, angles and scales already, it is 1.
func (p *Plan) DrawWidths() []float64 {
	var widths []float64
	invariant, ordered := p.options.resolve()
	for i, s := range invariant {
		switch {
		case s.ColorJitter != nil:
			for _, v := range []float64{s.ColorJitter.Brightness, s.ColorJitter.Contrast, s.ColorJitter.Saturation} {
				widths = append(widths, 1+v-max(0, 1-v))
			}
			widths = append(widths, 2*s.ColorJitter.Hue)
		case s.GaussianBlur != nil:
			low := s.GaussianBlur.Sigma[0]
			if s.GaussianBlur.P < 1 {
				low = 0
			}
			widths = append(widths, s.GaussianBlur.Sigma[1]-low)
		default:
			widths = append(widths, slices.Repeat([]float64{1}, len(p.steps[i].parameters))...)
		}
	}
	return append(widths, slices.Repeat([]float64{1}, len(ordered))...)
}
