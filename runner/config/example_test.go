package config_test

import (
	"fmt"

	"ordo/runner/config"
)

func ExampleParse() {
	file := []byte(`
augment:
  ordered:
    - {family: rotate, max: 90}
train: {epochs: 10}
`)
	e, err := config.Parse("rotation.yaml", file, []string{"train.epochs=3"}, []string{"ORDO_TRAIN_LR=1e-3"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(e.Name, e.Train.Epochs, e.Train.LR, e.Augment.Ordered[0].Family, e.Augment.Ordered[0].Max)
	// Output: rotation 3 0.001 rotate 90
}

func ExampleParse_faults() {
	_, err := config.Parse("x.yaml", []byte("train:\n  epochs: many\n  batchsize: 64\n"), []string{"seed=-1"}, nil)
	fmt.Println(err)
	// Output:
	// x.yaml:2: train.epochs: must be a whole number, found the text "many"
	// x.yaml:3: train.batchsize: unknown key; did you mean train.batch_size?
	// override seed=-1: seed: must be a whole number, not negative, found the number -1
}
