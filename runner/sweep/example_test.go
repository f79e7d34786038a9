package sweep_test

import (
	"fmt"
	"os"
	"path/filepath"

	"ordo/runner/sweep"
)

func ExampleNewPlan() {
	dir, err := os.MkdirTemp("", "rates")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{
		"demo.yaml": "augment: {ordered: [{family: rotate}]}",
		"rates.yaml": `
base: demo.yaml
method: grid
parameters:
  train.lr: {values: [1e-3, 2e-3]}
  seed: {values: [1, 2]}
`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			fmt.Println(err)
			return
		}
	}
	plan, err := sweep.NewPlan(filepath.Join(dir, "rates.yaml"), []string{"train.epochs=2"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, t := range plan.Trials {
		fmt.Println(t.Folder, t.Overrides)
	}
	// Output:
	// 001-lr-1e-3-seed-1 [train.epochs=2 train.lr=1e-3 seed=1]
	// 002-lr-1e-3-seed-2 [train.epochs=2 train.lr=1e-3 seed=2]
	// 003-lr-2e-3-seed-1 [train.epochs=2 train.lr=2e-3 seed=1]
	// 004-lr-2e-3-seed-2 [train.epochs=2 train.lr=2e-3 seed=2]
}
