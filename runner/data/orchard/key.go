package orchard

// class is everything that a fruit's class decides. Whatever isn't in here is drawn without knowing the class.
type class struct {
	name   string
	shape  *shape
	radius float64 // unit length of the shape, as a share of the image's side
	turn   float64 // how it lies: turns, counter-clockwise, from stem up
	luma   float64 // colour of the skin: see yiq
	chroma float64
	hue    float64
}

// classes are in the order of their labels. Within the first three groups the lines differ in one column only.
var classes = [...]class{
	{"red apple", &apple, 0.27, 0, 0.48, 0.34, 0.045},
	{"golden apple", &apple, 0.27, 0, 0.48, 0.34, 0.92},
	{"green apple", &apple, 0.27, 0, 0.48, 0.34, 0.71},
	{"cherry", &plum, 0.125, 0, 0.28, 0.27, 0.09},
	{"damson", &plum, 0.19, 0, 0.28, 0.27, 0.09},
	{"plum", &plum, 0.29, 0, 0.28, 0.27, 0.09},
	{"pear upright", &pear, 0.25, 0, 0.60, 0.27, 0.84},
	{"pear on its side", &pear, 0.25, 0.25, 0.60, 0.27, 0.84},
	{"pear upside down", &pear, 0.25, 0.5, 0.60, 0.27, 0.84},
	{"banana", &banana, 0.25, 0, 0.70, 0.32, 0.90},
	{"lemon", &lemon, 0.25, 0, 0.70, 0.32, 0.90},
	{"star fruit", &starFruit, 0.28, 0, 0.70, 0.32, 0.90},
}

// Classes is the number of classes.
const Classes = len(classes)

// classNames returns the names of the classes in the order of their labels.
func classNames() []string {
	names := make([]string, len(classes))
	for i, c := range classes {
		names[i] = c.name
	}
	return names
}
