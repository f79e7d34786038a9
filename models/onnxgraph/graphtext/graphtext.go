package graphtext

import (
	"fmt"
	"io"
	"strings"

	"ordo/models/onnxgraph"
)

// Print writes the graph as text: inputs, initializers, nodes and outputs, one a line, with the types that are declared
// or stored.
func Print(w io.Writer, m *onnxgraph.Model) error {
	out := &strings.Builder{}
	g := m.GetGraph()
	fmt.Fprintf(out, "graph %s (format %d", g.GetName(), m.GetIrVersion())
	for _, o := range m.GetOpsetImport() {
		domain := o.GetDomain()
		if isONNX(domain) {
			domain = "onnx"
		}
		fmt.Fprintf(out, ", %s %d", domain, o.GetVersion())
	}
	fmt.Fprintln(out, ")")
	types := map[string]string{}
	for _, list := range [][]*onnxgraph.ValueInfo{g.GetInput(), g.GetValueInfo(), g.GetOutput()} {
		for _, v := range list {
			types[v.GetName()] = " " + typeText(v)
		}
	}
	for _, v := range g.GetInput() {
		fmt.Fprintf(out, "input %s%s\n", v.GetName(), types[v.GetName()])
	}
	for _, t := range g.GetInitializer() {
		fmt.Fprintf(out, "initializer %s %v\n", t.GetName(), t.Type())
	}
	for _, n := range g.GetNode() {
		op := n.GetOpType()
		if !isONNX(n.GetDomain()) {
			op = n.GetDomain() + "::" + op
		}
		results := make([]string, len(n.GetOutput()))
		for i, o := range n.GetOutput() {
			results[i] = o + types[o]
		}
		fmt.Fprintf(out, "%s = %s(%s)%s\n", strings.Join(results, ", "), op, strings.Join(n.GetInput(), ", "),
			attributesText(n))
	}
	for _, v := range g.GetOutput() {
		fmt.Fprintf(out, "output %s%s\n", v.GetName(), types[v.GetName()])
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func typeText(v *onnxgraph.ValueInfo) string {
	if v.GetType().GetSequenceType() != nil {
		return "sequence"
	}
	t, err := v.TensorType()
	if err != nil {
		return "?"
	}
	return t.String()
}

func attributesText(n *onnxgraph.Node) string {
	if len(n.GetAttribute()) == 0 {
		return ""
	}
	parts := make([]string, len(n.GetAttribute()))
	for i, a := range n.GetAttribute() {
		parts[i] = a.GetName() + "=" + attributeText(a)
	}
	return " {" + strings.Join(parts, ", ") + "}"
}

func attributeText(a *onnxgraph.Attribute) string {
	switch a.GetType() {
	case onnxgraph.Attribute_INT:
		return fmt.Sprint(a.GetI())
	case onnxgraph.Attribute_INTS:
		return fmt.Sprint(a.GetInts())
	case onnxgraph.Attribute_FLOAT:
		return fmt.Sprint(a.GetF())
	case onnxgraph.Attribute_FLOATS:
		return fmt.Sprint(a.GetFloats())
	case onnxgraph.Attribute_STRING:
		return fmt.Sprintf("%q", a.GetS())
	case onnxgraph.Attribute_TENSOR:
		return a.GetT().Type().String()
	}
	return strings.ToLower(a.GetType().String())
}

// isONNX says whether a domain is ONNX's own, in either spelling.
func isONNX(domain string) bool { return domain == "" || domain == "ai.onnx" }
