package report

import (
	"fmt"
	"slices"
	"strings"

	"ordo/models/artifacts"
	"ordo/models/inspect"
	"ordo/models/roles"
	"ordo/models/table"
)

// Model is what a network is made of: inputs, outputs, parameters, operators, and the memory of activations by the size
// of the batch.
func Model(r *inspect.Report) string {
	var b strings.Builder
	for _, v := range r.Inputs {
		fmt.Fprintf(&b, "input: %s %s\n", v.Name, v.Type)
	}
	for _, v := range r.Outputs {
		fmt.Fprintf(&b, "output: %s %s\n", v.Name, v.Type)
	}
	frozen := 0
	for _, t := range r.Tensors {
		if t.Frozen {
			frozen++
		}
	}
	fmt.Fprintf(&b, "parameters: %d trained in %d tensors, %d frozen in %d\n",
		r.Parameters, len(r.Tensors)-frozen, r.Frozen, frozen)
	fmt.Fprintf(&b, "multiply-adds: %d an image, forward\n", r.MultiplyAdds)
	fmt.Fprintf(&b, "operators: %s\n", operators(r.Ops))
	if len(r.Training) > 0 {
		fmt.Fprintf(&b, "operators of the training graph: %s\n", operators(r.Training))
	}
	b.WriteString("\n" + activations(r))
	if r.Unknown > 0 {
		fmt.Fprintf(&b, "note: the shapes of %d nodes are not known; they are left out of multiply-adds and memory\n",
			r.Unknown)
	}
	return b.String()
}

func operators(list []inspect.OpCount) string {
	var parts []string
	for _, op := range list {
		parts = append(parts, fmt.Sprintf("%d %s", op.Count, op.Op))
	}
	return strings.Join(parts, ", ")
}

// activations is a table with a row for each size of a batch, and columns for a training where there is one.
func activations(r *inspect.Report) string {
	rows := [][]string{{"activations of a batch of", "forward", "kept", "training"}}
	for _, m := range r.Memory {
		rows = append(rows, []string{fmt.Sprint(m.Batch), mebibytes(m.Forward), mebibytes(m.Kept), mebibytes(m.Peak)})
	}
	if len(r.Training) == 0 {
		for i := range rows {
			rows[i] = rows[i][:2]
		}
	}
	return table.Columns(rows, 0)
}

func mebibytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// Artifacts is what a folder of training artifacts takes, gives and trains.
func Artifacts(d artifacts.Description) string {
	var b strings.Builder
	batch := "batch"
	if d.Input.Batch > 0 {
		batch = fmt.Sprint(d.Input.Batch)
	}
	fmt.Fprintf(&b, "input: %s [%s, %d, %d, %d]\n", d.Input.Name, batch, d.Input.Channels, d.Input.Height, d.Input.Width)
	for _, o := range d.Outputs {
		fmt.Fprintf(&b, "output: %s [%s, %d]\n", o.Name, batch, o.Columns)
	}
	if d.Batch.Views > 0 {
		fmt.Fprintf(&b, "training batches: %v\n", d.Batch)
	}
	var trained, frozen, tensors int64
	for _, p := range d.Parameters {
		count := int64(1)
		for _, n := range p.Shape {
			count *= n
		}
		if p.Trainable {
			trained += count
			tensors++
		} else {
			frozen += count
		}
	}
	fmt.Fprintf(&b, "parameters: %d trained in %d tensors, %d frozen (running statistics included)\n",
		trained, tensors, frozen)
	return b.String()
}

// Tensors is a table of what a network stores and what training does with it, and what was taken apart.
func Tensors(m *artifacts.Manifest) string {
	type key struct {
		state artifacts.State
		kind  roles.Kind
		why   string
	}
	type group struct {
		key
		ops, names []string
		values     int64
	}
	var groups []*group
	at := map[key]*group{}
	for _, t := range m.Tensors {
		k := key{t.State, t.Kind, t.Why}
		g := at[k]
		if g == nil {
			g = &group{key: k}
			at[k] = g
			groups = append(groups, g)
		}
		if !slices.Contains(g.ops, t.Op) {
			g.ops = append(g.ops, t.Op)
		}
		g.names = append(g.names, t.Name)
		values := int64(1)
		for _, n := range t.Shape {
			values *= n
		}
		g.values += values
	}
	order := []artifacts.State{artifacts.Trained, artifacts.Frozen, artifacts.Kept, artifacts.Constant}
	slices.SortStableFunc(groups, func(a, b *group) int {
		return slices.Index(order, a.state) - slices.Index(order, b.state)
	})
	rows := [][]string{{"", "tensors", "values", "what (where): names; why"}}
	for _, g := range groups {
		rows = append(rows, []string{string(g.state), fmt.Sprint(len(g.names)), fmt.Sprint(g.values),
			fmt.Sprintf("%s (%s): %s; %s", g.kind, few(g.ops, 3), few(g.names, 3), g.why)})
	}
	return table.Columns(rows, 0) + untied(m.Untied) + lost(m.Lost)
}

// lost says what the exporter had taken out, and how to export with it.
func lost(l roles.Lost) string {
	text := ""
	if n := l.BatchNorms; n > 0 {
		text += table.Wrap(fmt.Sprintf("warning: the exporter has folded %d batch norms into other layers, so that the "+
			"network is trained without them; export it with optimize=False (dynamo=True), or with training="+
			"TrainingMode.TRAINING and do_constant_folding=False (dynamo=False)", n), 2) + "\n"
	}
	if n := l.Biases; n > 0 {
		text += table.Wrap(fmt.Sprintf("warning: the exporter has left out %d biases, which are 0, so that they are not "+
			"trained; export with optimize=False", n), 2) + "\n"
	}
	return text
}

// untiedLines bounds the list of what was taken apart.
const untiedLines = 8

// untied says what was taken apart.
func untied(list []roles.Untied) string {
	if len(list) == 0 {
		return ""
	}
	total := 0
	var lines []string
	for _, u := range list {
		total += len(u.Names)
		lines = append(lines, fmt.Sprintf("  %s (%s): %s\n", u.Name, u.Kind, few(u.Names, 4)))
	}
	text := fmt.Sprintf("untied: %d tensors, each with one value in all elements and in several norms or biases, as "+
		"exporters merge equal ones, are %d now\n", len(list), total)
	text += strings.Join(lines[:min(untiedLines, len(lines))], "")
	if more := len(lines) - untiedLines; more > 0 {
		text += fmt.Sprintf("  and %d more\n", more)
	}
	return text
}

// few lists the first names and says how many more there are.
func few(names []string, most int) string {
	if len(names) <= most+1 {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
