package sweep_test

import (
	"fmt"

	"ordo/runner/sweep"
)

func ExampleParseFile() {
	f, err := sweep.ParseFile("rates.yaml", []byte(`
base: demo.yaml
method: grid
parameters:
  train.lr: {values: [1e-3, 2e-3]}
  seed: {values: [1, 2, 3]}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range f.Parameters {
		fmt.Println(p.Key, p.Values)
	}
	// Output:
	// train.lr [1e-3 2e-3]
	// seed [1 2 3]
}
