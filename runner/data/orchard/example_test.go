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
