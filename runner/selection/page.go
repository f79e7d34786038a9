package selection

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"image"
	"image/color"
	"image/png"
	"math"

	"ordo/augment"
	"ordo/models/table"
	"ordo/runner/config"
	"ordo/runner/sheet"
	"ordo/runner/style"
	"ordo/runner/views"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{"number": table.Number}).Parse(pageText))

// page is what the template shows.
type page struct {
	Result
	Style     template.CSS
	Families  []pageFamily
	Axis      []pageTick // of the plots of outcomes
	Screens   []pageScreen
	Level     string
	Deviation string
	Reference string // what needs no training
	Plotted   bool   // there are outcomes of trials
	JointText string
}

// pageFamily is a row.
type pageFamily struct {
	Family
	Pictures []pagePicture
	Dots     []pageRole
	Numbers  []pageNumber
}

// pagePicture is an image at a scale.
type pagePicture struct {
	Label string
	Data  template.URL
}

// pageRole is a line of a plot: the seeds' outcomes and their mean, in the plot's units.
type pageRole struct {
	Role, Mean, Kept string
	Base             bool
	Y, At            float64
	Seeds            []float64
}

// pageTick is a mark of the plot's axis.
type pageTick struct {
	At    float64
	Label string
}

// pageNumber is a screen of a family.
type pageNumber struct {
	Name, Value, Beside string
}

// pageScreen says what a screen is, and how far it agreed.
type pageScreen struct {
	Name, Says, Cost, Tau, Gain string
}

// screenSays describes the screens.
var screenSays = map[string]string{
	screenBroken: "how well a linear probe tells transformed images from others: 0.5 means that they look alike at " +
		"every scale",
	screenForgetting: "kNN on features averaged over the scales less kNN on them as they are: below 0, forgetting the " +
		"scale costs",
	screenClass: "how much of the class the scale alone tells, as it is read off an image",
	screenRelevance: "how much better the scale is read where the class is known: R² less R², above 0 the two belong " +
		"together",
	screenAgree: "cosine of the gradients of the family's order and of invariance, mean over the pilot's steps: below 0 " +
		"the two work against each other",
	screenGain: "R² of the scale on the features less the untrained network's",
}

// The plot of outcomes: where its axis begins and ends, and the distance of its lines.
const (
	plotLeft, plotRight = 70., 380.
	plotTop, plotLine   = 16., 24.
)

// page draws the answer as one file that needs no other.
func (s *selection) page(ctx context.Context, r Result) ([]byte, error) {
	pilot, err := s.pilot()
	if err != nil {
		return nil, err
	}
	pictures, err := strips(ctx, pilot)
	if err != nil {
		return nil, err
	}
	p := page{Result: r, Style: style.Sheet(), Level: fmt.Sprintf("%.0f %%", 100*(1-r.Level)),
		Deviation: fmt.Sprintf("%.3f", r.Deviation), Reference: r.Without.text(r.base())}
	p.Plotted = r.Seeds > 0 && r.DecidedBy == byTrials
	low, high := 1., 0.
	for _, f := range r.Families {
		for _, role := range f.Roles {
			for _, y := range role.Seeds {
				low, high = min(low, y), max(high, y)
			}
		}
	}
	at, ticks := scaleOf(low, high)
	p.Axis = ticks
	for _, f := range r.Families {
		row := pageFamily{Family: f, Pictures: pictures[f.Family]}
		for i, role := range f.Roles {
			dots := pageRole{Role: role.Role, Mean: fmt.Sprintf("%.3f", role.Outcome), Base: role.Role == f.Base,
				Y: plotTop + plotLine*float64(i), At: at(role.Outcome)}
			for _, y := range role.Seeds {
				dots.Seeds = append(dots.Seeds, at(y))
			}
			if x, ok := role.Kept["scale_r2"]; ok {
				dots.Kept = fmt.Sprintf("R² %.2f", x)
			}
			if x, ok := role.Kept["rankme"]; ok {
				dots.Kept += fmt.Sprintf(", RankMe %.2f", x)
			}
			if x, ok := role.Kept["knn_transformed"]; ok {
				dots.Kept += fmt.Sprintf(", kNN transformed %.2f", x)
			}
			row.Dots = append(row.Dots, dots)
		}
		for _, name := range screens {
			if x, ok := f.Screens[name]; ok {
				row.Numbers = append(row.Numbers, pageNumber{name, table.Number("%.3f", x.Value), x.beside()})
			}
		}
		for _, c := range keeps {
			if x, ok := f.Comparators[c.name]; ok {
				row.Numbers = append(row.Numbers, pageNumber{c.name, table.Number("%.3f", x.Value), x.beside()})
			}
		}
		p.Families = append(p.Families, row)
	}
	for _, name := range screens {
		p.Screens = append(p.Screens, pageScreen{name, screenSays[name], "the pilot", r.tau(name, withCost),
			r.tau(name, withGain)})
	}
	for _, c := range r.Comparators {
		if c.Name != screenBroken { // it stands there already
			p.Screens = append(p.Screens, pageScreen{c.Name, c.Says, c.cost(), r.tau(c.Name, withCost), r.tau(c.Name, withGain)})
		}
	}
	if g := r.Joint.Gain; g != nil {
		p.JointText = fmt.Sprintf("%s points over the base (from %s to %s)", points(g.Value), points(g.Low),
			points(g.High))
	}
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, p); err != nil {
		return nil, fmt.Errorf("selection: draw the page: %w", err)
	}
	return text.Bytes(), nil
}

// beside says a screen's interval and references.
func (x Screen) beside() string {
	text := ""
	if x.Low != nil && x.High != nil {
		text = table.Number("%.3f", *x.Low) + " to " + table.Number("%.3f", *x.High)
	}
	if x.Steps > 0 {
		text += fmt.Sprintf("; below 0 in %.0f %% of %d steps", 100**x.Negative, x.Steps)
	}
	for _, r := range []struct {
		name  string
		value *float64
	}{{"untrained", x.Untrained}, {"pixels", x.Pixels}, {"chance", x.Chance}} {
		if r.value != nil {
			text += "; " + r.name + " " + table.Number("%.3f", *r.value)
		}
	}
	return text
}

// scaleOf maps outcomes to the plot, with about five ticks at round numbers.
func scaleOf(low, high float64) (func(y float64) float64, []pageTick) {
	if low >= high {
		low, high = low-0.01, low+0.01
	}
	step := 1.
	for _, s := range []float64{0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001} {
		if (high-low)/s <= 5 {
			step = s
		}
	}
	low, high = step*math.Floor(low/step), step*math.Ceil(high/step)
	at := func(y float64) float64 { return plotLeft + (plotRight-plotLeft)*(y-low)/(high-low) }
	var ticks []pageTick
	for i := range int(math.Round((high-low)/step)) + 1 {
		y := low + step*float64(i)
		ticks = append(ticks, pageTick{at(y), fmt.Sprintf("%.3g", y)})
	}
	return at, ticks
}

// stripSteps is how many scales of a family are shown.
const stripSteps = 5

// strips are an image's views from scale 0 to 1, by family.
func strips(ctx context.Context, pilot config.Experiment) (map[string][]pagePicture, error) {
	sheet, err := views.Sheet(ctx, views.Options{Experiment: pilot, Split: views.SplitTrain, Images: 1, Steps: stripSteps})
	if err != nil {
		return nil, err
	}
	groups := sheet.Groups[1:] // after the views of the first epoch
	all := map[string][]pagePicture{}
	for _, f := range pilot.Augment.Ordered {
		if pilot.Augment.Roles[f.Name()] == augment.RoleAbsent {
			continue
		}
		for _, cell := range groups[0].Rows[0].Cells {
			picture, err := dataURL(cell)
			if err != nil {
				return nil, err
			}
			all[f.Name()] = append(all[f.Name()], picture)
		}
		groups = groups[1:]
	}
	return all, nil
}

// dataURL is a picture that a page holds itself.
func dataURL(c sheet.Cell) (pagePicture, error) {
	m := image.NewNRGBA(image.Rect(0, 0, c.Image.Width, c.Image.Height))
	for i := range c.Image.Width * c.Image.Height {
		p := c.Image.Pix[3*i:]
		m.SetNRGBA(i%c.Image.Width, i/c.Image.Width, color.NRGBA{p[0], p[1], p[2], 255})
	}
	var file bytes.Buffer
	if err := png.Encode(&file, m); err != nil {
		return pagePicture{}, fmt.Errorf("selection: draw a picture: %w", err)
	}
	return pagePicture{c.Label, template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(file.Bytes()))},
		nil
}
