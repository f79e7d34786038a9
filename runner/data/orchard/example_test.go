package orchard_test

import (
	"fmt"
	"log"

	"ordo/runner/data/orchard"
)

func Example() {
	set, err := orchard.New(orchard.Options{Split: orchard.Test, ImageSize: 32, Images: 3})
	if err != nil {
		log.Fatal(err)
	}
	m, err := set.Image(0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(m.Width, m.Height, len(m.Pix))
	for i := range set.Len() {
		fmt.Println(set.ID(i), set.Classes()[set.Label(i)])
	}
	// Output:
	// 32 32 3072
	// test/000000 cherry
	// test/000001 star fruit
	// test/000002 pear on its side
}

func ExampleAnswerKey() {
	for _, g := range orchard.AnswerKey() {
		var names []string
		for _, label := range g.Classes {
			names = append(names, orchard.Classes()[label])
		}
		fmt.Printf("%q differ in %s, family %q\n", names, g.Difference, g.Family)
	}
	// Output:
	// ["red apple" "golden apple" "green apple"] differ in hue, family "hue"
	// ["cherry" "damson" "plum"] differ in size, family "zoom"
	// ["pear upright" "pear on its side" "pear upside down"] differ in orientation, family "rotate"
	// ["banana" "lemon" "star fruit"] differ in shape, family ""
}
