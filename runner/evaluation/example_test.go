package evaluation_test

import (
	"context"
	"fmt"

	"ordo/runner/evaluation"
	"ordo/runner/target"
)

// A finished run is evaluated with other limits, and its result kept beside the default one.
func ExampleEvaluate() {
	encoder, err := target.Find("runs/demo")
	if err != nil {
		fmt.Println(err)
		return
	}
	experiment, err := target.Load(encoder, "", []string{"eval.family_images=1000"}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	result, err := evaluation.Evaluate(context.Background(), evaluation.Options{
		Library: "/usr/lib/libonnxruntime.so", Target: encoder, Experiment: experiment, Name: "thorough",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, m := range result.Metrics {
		fmt.Println(m.Name, m.Family, m.Output, m.Value, "untrained:", m.References.Untrained)
	}
	if err := result.Write(evaluation.File("runs/demo", result.Name)); err != nil {
		fmt.Println(err)
	}
}
