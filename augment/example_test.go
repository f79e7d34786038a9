package augment_test

import (
	"fmt"

	"ordo/augment"
)

// A plan with random crops in every view and an ordered rotation: two base views, three rotated ones.
func Example() {
	crop, err := augment.DefaultTransformation("random_resized_crop")
	if err != nil {
		panic(err)
	}
	rotate, err := augment.DefaultFamily("rotate")
	if err != nil {
		panic(err)
	}
	options := augment.DefaultOptions()
	options.Invariant = []augment.Transformation{crop}
	options.Ordered = []augment.Family{rotate}
	plan, err := augment.NewPlan(options, 32)
	if err != nil {
		panic(err)
	}

	image := augment.Image{Width: 48, Height: 40, Pix: make([]uint8, 3*48*40)}
	key := augment.Key{Seed: 1, Epoch: 0, Sample: 7}
	views := plan.Views()
	tensor := make([]float32, len(views)*3*32*32)
	var scratch augment.Scratch // one a worker
	for i, v := range views {
		plan.Render(tensor[i*3*32*32:][:3*32*32], &scratch, image, key, i)
		fmt.Printf("view %d: family %d, level %d, scale %.2f\n", i, v.Family, v.Level, plan.Scale(key, i))
	}
	fmt.Println("framing:", plan.Framing())
	// Output:
	// view 0: family -1, level 0, scale 0.00
	// view 1: family -1, level 1, scale 0.00
	// view 2: family 0, level 0, scale 0.52
	// view 3: family 0, level 1, scale 0.05
	// view 4: family 0, level 2, scale 0.27
	// framing: circle
}

// Roles turn one experiment into a comparison: here hue is randomised in every view instead of ordered.
func ExampleOptions_roles() {
	hue, err := augment.DefaultFamily("hue")
	if err != nil {
		panic(err)
	}
	options := augment.DefaultOptions()
	options.Ordered = []augment.Family{hue}
	for _, role := range []string{augment.RoleOrdered, augment.RoleInvariant, augment.RoleAbsent} {
		options.Roles = map[string]string{"hue": role}
		plan, err := augment.NewPlan(options, 32)
		if err != nil {
			panic(err)
		}
		fmt.Println(role, len(plan.Views()))
	}
	// Output:
	// ordered 5
	// invariant 2
	// absent 2
}

// What a view draws, as numbers: for methods that predict the transformation.
func ExamplePlan_Draws() {
	options := augment.DefaultOptions()
	options.Preset = "weak"
	plan, err := augment.NewPlan(options, 32)
	if err != nil {
		panic(err)
	}
	names := plan.DrawNames()
	values := make([]float32, len(names))
	plan.Draws(values, augment.Key{Seed: 1, Sample: 7}, 0, 48, 40)
	for i, name := range names[:3] {
		fmt.Printf("%s %.4f\n", name, values[i])
	}
	// Output:
	// horizontal_flip.applied 1.0000
	// random_affine.angle 0.0000
	// random_affine.translate_x 0.0625
}
