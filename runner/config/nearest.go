package config

import (
	"regexp"
	"slices"
	"strings"

	"ordo/models/near"
)

// otherNames are what other programs and papers call keys and values: by their name, ours.
var otherNames = map[string]string{
	"learning_rate": "lr", "base_lr": "lr", "num_epochs": "epochs", "max_epochs": "epochs", "n_epochs": "epochs",
	"num_workers": "workers", "n_workers": "workers", "bs": "batch_size", "optim": "optimizer", "wd": "weight_decay",
	"scheduler": "schedule", "lr_scheduler": "schedule", "arch": "backbone", "architecture": "backbone",
	"network": "backbone", "encoder": "backbone", "img_size": "image_size", "input_size": "image_size",
	"resolution": "image_size", "dataset": "source", "random_seed": "seed", "tau": "temperature",

	"imagefolder": "folder", "image_folder": "folder", "mnist": "idx", "fashion_mnist": "idx", "csv": "list",
	"parquet": "list", "cub": "cub200", "cub_200_2011": "cub200", "bccd": "bloodcells", "cifar": "cifar10",

	"simclr": "ntxent", "infonce": "ntxent", "info_nce": "ntxent", "nt_xent": "ntxent", "contrastive": "ntxent",

	"rotation": "rotate", "random_rotate": "random_rotation", "rotate90": "quarter_turn", "scale": "zoom",
	"translation": "translate", "shift": "translate", "shear": "shear_x", "gaussian_noise": "noise",
	"flip": "horizontal_flip", "hflip": "horizontal_flip", "random_horizontal_flip": "horizontal_flip",
	"vflip": "vertical_flip", "random_vertical_flip": "vertical_flip", "random_crop": "random_resized_crop",
	"random_grayscale": "grayscale", "random_solarize": "solarize", "random_posterize": "posterize",
	"random_equalize": "equalize",
}

// Nearest returns the key or value among the candidates that the user most likely meant by a path, or "".
func Nearest(path string, candidates []string) string {
	best, least := "", max(2, len(path)/3)+1
	last := lastPart(path)
	if ours, ok := otherNames[strings.ToLower(last)]; ok && !slices.Contains(candidates, path) {
		if same := path[:len(path)-len(last)] + ours; slices.Contains(candidates, same) {
			return same
		}
		if at := slices.IndexFunc(candidates, func(c string) bool { return lastPart(c) == ours }); at >= 0 {
			return candidates[at]
		}
	}
	for _, c := range candidates {
		d := near.Distance(path, c)
		// The right key in the wrong section counts as one slip more than it has.
		if end := lastPart(c); len(last) > 1 {
			if e := near.Distance(last, end) + 1; e <= max(2, len(last)/3) {
				d = min(d, e)
			}
		}
		if d < least {
			best, least = c, d
		}
	}
	return best
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// choice is the end of a fault about a value that must be one of some words.
var choice = regexp.MustCompile(`must be (?:one of )?([\w, ]+), got "([^"]*)"$`)

// suggested is the text of a fault with the nearest of the values that it names, if there is one.
func suggested(text string) string {
	found := choice.FindStringSubmatch(text)
	if found == nil {
		return text
	}
	values := strings.Split(strings.ReplaceAll(found[1], " or ", ", "), ", ")
	if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, " ") }) {
		return text // a sentence, not a list of words
	}
	given := strings.ToLower(found[2])
	if i := slices.IndexFunc(values, func(v string) bool { return strings.HasPrefix(v, given) }); i >= 0 && given != "" {
		return text + meant(values[i])
	}
	return text + meant(Nearest(given, values))
}
