package augment

// Workload is a plan that benchmarks time, from an image's bytes to the normalised view. View 0 is the one to render.
type Workload struct {
	Name          string
	Options       Options
	Width, Height int // of the image, in pixels
	Size          int // of the view
}

// Workloads returns a plan for every operation, on images of the view's size unless it resizes, and plans of whole
// recipes: those of SimCLR (Chen et al. 2020, blur from 224 pixels on) and BYOL (Grill et al. 2020, its first view
// but with a blur of every second). Benchmarks of other libraries time the same under the same names.
func Workloads() []Workload {
	const size = 224
	jitter := func(b, c, s, h float64) Transformation {
		return Transformation{ColorJitter: &ColorJitter{Brightness: b, Contrast: c, Saturation: s, Hue: h, P: 1}}
	}
	family := func(name string, top float64) Transformation {
		return Transformation{Family: &Family{Family: name, Max: top}}
	}
	crop := func(interpolation string) Transformation {
		return Transformation{RandomResizedCrop: &RandomResizedCrop{
			Scale: [2]float64{0.08, 1}, Ratio: [2]float64{3. / 4, 4. / 3}, Interpolation: interpolation,
		}}
	}
	flip := func(p float64) Transformation { return Transformation{HorizontalFlip: &HorizontalFlip{P: p}} }
	grey := func(p float64) Transformation { return Transformation{Grayscale: &Grayscale{P: p}} }
	blur := func(kernel int, low, high, p float64) Transformation {
		return Transformation{GaussianBlur: &GaussianBlur{KernelSize: kernel, Sigma: [2]float64{low, high}, P: p}}
	}
	apply := func(s Transformation, p float64) Transformation {
		s.ColorJitter.P = p
		return s
	}

	var all []Workload
	add := func(name string, width, height, size int, steps ...Transformation) {
		o := DefaultOptions()
		o.Invariant, o.Framing = steps, FramingNone
		all = append(all, Workload{name, o, width, height, size})
	}
	single := func(name string, s Transformation) { add(name, size, size, size, s) }
	add("normalize", size, size, size)
	add("resize", 500, 375, size)
	add("random_resized_crop", 500, 375, size, crop(InterpolationBilinear))
	add("random_resized_crop_bicubic", 500, 375, size, crop(InterpolationBicubic))
	single("horizontal_flip", flip(1))
	single("rotate", family("rotate", 180))
	single("affine", Transformation{RandomAffine: &RandomAffine{
		Degrees: [2]float64{-30, 30}, Translate: [2]float64{0.2, 0.2}, Scale: [2]float64{0.8, 1.2},
		Shear: [4]float64{-10, 10, -10, 10},
	}})
	single("perspective", Transformation{RandomPerspective: &RandomPerspective{DistortionScale: 0.5, P: 1}})
	single("elastic", family("elastic", 0.05))
	single("brightness", jitter(0.4, 0, 0, 0))
	single("contrast", jitter(0, 0.4, 0, 0))
	single("saturation", jitter(0, 0, 0.4, 0))
	single("hue", jitter(0, 0, 0, 0.1))
	single("color_jitter", jitter(0.4, 0.4, 0.4, 0.1))
	single("grayscale", grey(1))
	single("gaussian_blur_9", blur(9, 2, 2, 1))
	single("gaussian_blur_23", blur(23, 2, 2, 1))
	single("sharpness", Transformation{Sharpness: &Sharpness{SharpnessFactor: 2, P: 1}})
	single("solarize", Transformation{Solarize: &Solarize{Threshold: 0.5, P: 1}})
	single("posterize", Transformation{Posterize: &Posterize{Bits: 4, P: 1}})
	single("equalize", Transformation{Equalize: &Equalize{P: 1}})
	single("autocontrast", Transformation{Autocontrast: &Autocontrast{P: 1}})
	single("gamma", family("gamma", 2))
	single("noise", family("noise", 0.1))
	single("jpeg", family("jpeg", 50))
	single("downscale", family("downscale", 4))
	single("erasing", Transformation{RandomErasing: &RandomErasing{Scale: [2]float64{0.02, 0.33},
		Ratio: [2]float64{0.3, 3.3}, P: 1}})
	simclr := []Transformation{crop(InterpolationBilinear), flip(0.5), apply(jitter(0.4, 0.4, 0.4, 0.1), 0.8), grey(0.2)}
	add("simclr_32", 32, 32, 32, simclr...)
	add("simclr_224", 500, 375, size, append(simclr, blur(23, 0.1, 2, 0.5))...)
	add("byol_224", 500, 375, size, crop(InterpolationBicubic), flip(0.5), apply(jitter(0.4, 0.4, 0.2, 0.1), 0.8),
		grey(0.2),
		blur(23, 0.1, 2, 0.5), Transformation{Solarize: &Solarize{Threshold: 0.5, P: 0.1}})
	return all
}
