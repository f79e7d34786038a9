package page

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"ordo/models/fault"
	"ordo/runner/data"
	"ordo/runner/style"
	"ordo/runner/target"
	"ordo/runner/track"
)

// Options say what the page is about.
type Options struct {
	Runs    []string // run folders, at least one
	Library string   // the file of ONNX Runtime's library
	// Images is how many test images are encoded for maps, ways over scale and neighbours; 0: none, and the page says so.
	Images  int
	Without error   // why nothing can be encoded, in place of what Images says; nil: it can
	Ending  *Ending // of the run, if it is about to end; nil: its folder says all
	Live    *Live   // nil: the page is a file of its own
	Threads int     // ONNX Runtime's; 0 is one a core
	// Progress hears how many views are encoded, after every batch. May be nil.
	Progress func(done, total int)
	Watch    data.Watch // hears how the images are read, and what the page has to do without
}

// shares is how many runs share the room that the page has for pictures.
func (o Options) shares() int { return max(1, len(o.Runs)) }

// Ending is what a run that is about to end knows before its folder does.
type Ending struct {
	Result track.Result
	Target target.Target // its encoder
	Splits data.Splits   // its images
}

// Made is a page.
type Made struct {
	HTML   []byte
	Damage []error // what of the folders can't be read; the page shows the rest
}

// FileName is the page's in a run folder.
const FileName = "report.html"

// Make makes the page. Errors: a folder that holds no run (fault.Data), and fault.Interrupted.
func Make(ctx context.Context, o Options) (Made, error) {
	var runs []*folder
	var made Made
	for _, dir := range o.Runs {
		f, err := read(filepath.Clean(dir), o.Ending)
		if err != nil {
			return made, err
		}
		runs = append(runs, f)
		made.Damage = append(made.Damage, f.damage...)
	}
	label(runs)
	p := &content{Title: title(runs), Lead: lead(runs)}
	for _, f := range runs {
		p.notes(f, len(runs) > 1)
	}
	p.told(runs)
	if o.Live != nil {
		p.Live, p.Up, p.Whole = true, o.Live.Up, o.Live.Whole
	} else if err := o.pictured(ctx, p, runs); err != nil {
		return made, err
	}
	p.rest(runs)
	var err error
	made.HTML, err = p.html()
	return made, err
}

// Write writes the page, whole or not at all.
func (m Made) Write(path string) error {
	return fault.Writing(path, renameio.WriteFile(path, m.HTML, 0o644, renameio.WithTempDir(filepath.Dir(path))))
}

func title(runs []*folder) string {
	if len(runs) > 1 {
		return fmt.Sprintf("%d runs side by side", len(runs))
	}
	return cmp.Or(runs[0].Name, filepath.Base(runs[0].Folder))
}

func lead(runs []*folder) string {
	f := runs[0]
	if len(runs) > 1 {
		return "Every run has a colour of its own, in all charts."
	}
	text := fmt.Sprintf("Run %s, seed %d, %s, epoch %s.", f.Hash, f.Seed, f.Status, f.progress())
	if r := f.result; r != nil {
		text += fmt.Sprintf(" %d steps in %.0f s, %.0f images/s, loss %.4f; %d parameters.", r.Steps, r.Seconds,
			r.ImagesPerSecond, r.Loss, r.Parameters)
	}
	if f.end != nil {
		d := f.end.Data
		text += fmt.Sprintf(" %d training and %d test images of %d classes.", d.Train, d.Test, d.Classes)
	}
	return text
}

// notes are what is to be said before all numbers of a run.
func (p *content) notes(f *folder, several bool) {
	add := func(text string) {
		if several {
			text = f.label + ": " + text
		}
		p.Notes = append(p.Notes, text)
	}
	if f.result == nil {
		add(fmt.Sprintf("the run is not finished (%s): this is what there is so far", f.Status))
	}
	for _, err := range f.damage {
		add(err.Error())
	}
	if r := f.result; r != nil {
		for _, c := range r.Collapse {
			add(fmt.Sprintf("collapsed since epoch %d: the %s’s %v", c.Since, c.Output, c))
		}
		for _, w := range r.Warnings {
			add("warning: " + w)
		}
	}
}

// section adds a section that has something to show.
func (p *content) section(id, title, text string, blocks ...block) {
	if len(blocks) > 0 {
		p.Sections = append(p.Sections, section{id, title, text, blocks})
	}
}

// told are the sections that need no images.
func (p *content) told(runs []*folder) {
	var labels []string
	var training, order, robustness []curve
	for i, f := range runs {
		labels = append(labels, f.label)
		training = append(training, f.training(i)...)
		order = append(order, f.order(i)...)
		robustness = append(robustness, f.robustness(i)...)
	}
	if len(runs) > 1 {
		numbers := compare(runs)
		p.section("runs", "Runs", "", overview(runs), differing(runs))
		if len(numbers) > 0 {
			p.section("numbers", "Numbers side by side", "", append([]block{sideBySide(runs, numbers)},
				differences(runs, numbers)...)...)
		}
	} else {
		p.section("summary", "Numbers", "", runs[0].summary()...)
	}
	blocksOf := blocks(training, labels)
	for i := range blocksOf {
		if blocksOf[i].Title == blockDiagnostics {
			blocksOf[i].Fold = blockDiagnostics
		}
	}
	p.section("training", "Training", "", blocksOf...)
	p.section("order", "Order of scale", "How far a view lies from the untouched image, over the scale of its family. "+
		"A network that keeps the order has rising curves; an untrained one may, too.", blocks(order, labels)...)
	p.section("robustness", "Classes of transformed images", "The share of test images whose class is told from a view, "+
		"over the scale of its family.", blocks(robustness, labels)...)
}

// pictured are the sections that need images and the encoder.
func (o Options) pictured(ctx context.Context, p *content, runs []*folder) error {
	var maps, paths, near, views []block
	for _, f := range runs {
		whose := ""
		if len(runs) > 1 {
			whose = f.label
		}
		before := len(p.sprites)
		made, err := o.picturesOf(ctx, p, f, whose)
		if errors.Is(err, fault.Interrupted) || ctx.Err() != nil {
			return fault.New(fault.Interrupted, "interrupted: no page was written")
		}
		if err != nil {
			text := "maps, ways over scale and neighbours are left out: " + err.Error()
			if whose != "" {
				text = whose + ": " + text
			}
			p.Notes, p.sprites = append(p.Notes, text), p.sprites[:before]
			if o.Watch.Note != nil {
				o.Watch.Note(text)
			}
			continue
		}
		maps, paths = append(maps, made.maps...), append(paths, made.paths...)
		near, views = append(near, made.near...), append(views, made.views...)
	}
	p.section("maps", "Maps", "Test images on a plane. PCA shows the two directions in which they are spread furthest; "+
		"t-SNE keeps neighbours together, and its distances mean little. Point at an image to see it; over the scales of "+
		"a family its way appears.", maps...)
	p.section("paths", "One image over scale", "Views as the network sees them; below each its scale and its distance "+
		"from the untouched image, 1 − cosine, on the features (f) and the embedding (e).", paths...)
	p.section("neighbours", "Nearest neighbours", "Some test images and those nearest to them among the test images that "+
		"were encoded, with 1 − cosine and class.", near...)
	p.section("views", "Views of the training", "What the experiment does to images.", views...)
	return nil
}

// rest are the sections of what is looked up.
func (p *content) rest(runs []*folder) {
	var all []block
	for _, f := range runs {
		for _, r := range f.evaluationsMade() {
			b := evaluated(r)
			if len(runs) > 1 {
				b.Fold = f.label + ": " + b.Fold
			}
			all = append(all, b)
			if c, ok := byClass(r); ok && len(runs) == 1 {
				all = append(all, c)
			}
		}
	}
	p.section("evaluations", "Evaluations", "", all...)
	var settings []block
	for _, f := range runs {
		settings = append(settings, f.settings(len(runs) > 1)...)
	}
	p.section("settings", "Settings", "", settings...)
}

//go:embed page.html
var pageText string

//go:embed page.css
var pageStyle string

//go:embed page.js
var script string

//go:embed uplot/uPlot.iife.min.js
var plotScript string

//go:embed uplot/uPlot.min.css
var plotStyle string

// licence is uPlot's, which every copy must have.
//
//go:embed uplot/LICENSE
var licence string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// policy lets only the page's own scripts run, and nothing be fetched, but a live page from where it came.
func policy(live bool) string {
	var hashes []string
	for _, s := range []string{plotScript, script} {
		sum := sha256.Sum256([]byte(s))
		hashes = append(hashes, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	all := "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src " + strings.Join(hashes, " ")
	if live {
		all += "; connect-src 'self'"
	}
	return all
}

// html is the whole file.
func (p *content) html() ([]byte, error) {
	var data struct {
		Charts []*chart     `json:"charts"`
		Maps   [][]*mapSet  `json:"maps"`
		Sides  []spriteSize `json:"sprites"`
	}
	for _, s := range p.Sections {
		for _, b := range s.Blocks {
			for _, c := range b.Charts {
				c.ID = len(data.Charts)
				data.Charts = append(data.Charts, c)
			}
			if b.Maps != nil {
				b.Maps.ID = len(data.Maps)
				data.Maps = append(data.Maps, b.Maps.Sets)
			}
		}
	}
	pictures := template.CSS("")
	for _, s := range p.sprites {
		rule, err := s.rule()
		if err != nil {
			return nil, err
		}
		pictures += rule
		data.Sides = append(data.Sides, spriteSize{s.side, s.columns})
	}
	text, err := json.Marshal(data) // which writes <, > and & as \u003c and so on
	if err != nil {
		return nil, fmt.Errorf("page: write JSON: %w", err)
	}
	var b bytes.Buffer
	err = pageTemplate.Execute(&b, map[string]any{
		"Page": p, "Policy": policy(p.Live), "Data": template.JS(text), "Pictures": pictures,
		"Style":  style.Sheet() + template.CSS(plotStyle+pageStyle),
		"Script": template.JS(script), "PlotScript": template.JS(plotScript), "Licence": licence,
	})
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	return b.Bytes(), nil
}

// spriteSize is what the script must know of a sprite.
type spriteSize struct {
	Side    int `json:"side"`
	Columns int `json:"columns"`
}
