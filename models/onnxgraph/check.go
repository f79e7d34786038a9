package onnxgraph

import (
	"errors"
	"fmt"
	"strings"
)

// Check returns every fault of the model, joined: versions, domains that are used but not imported, names that are
// empty, doubly assigned or used before they are made, nodes out of topological order, stored tensors whose data don't
// fit their shape, attributes without a kind, and what ordo doesn't read: graphs inside nodes, weights in files that
// were not read.
func Check(m *Model) error {
	c := &checker{domains: map[string]bool{}, known: map[string]string{}}
	if v := m.GetIrVersion(); v < 3 || v > 13 {
		c.faultf("file format version %d is not one of those known, 3 to 13", v)
	}
	for _, o := range m.GetOpsetImport() {
		if o.GetVersion() < 1 {
			c.faultf("operator set %q has version %d", o.GetDomain(), o.GetVersion())
		}
		c.domains[domainName(o.GetDomain())] = true
	}
	g := m.GetGraph()
	if g == nil {
		c.faultf("the model holds no graph")
		return errors.Join(c.faults...)
	}
	for _, t := range g.GetInitializer() {
		c.define(t.GetName(), "initializer")
		if err := t.Check(); err != nil {
			c.faults = append(c.faults, err)
		}
	}
	seen := map[string]bool{}
	for _, v := range g.GetInput() {
		if seen[v.GetName()] {
			c.faultf("graph input %q is declared twice", v.GetName())
		}
		seen[v.GetName()] = true
		if c.known[v.GetName()] != "initializer" { // up to format version 3 initializers are inputs too
			c.define(v.GetName(), "graph input")
		}
	}
	made := producers(g)
	for i, n := range g.GetNode() {
		c.node(i, n, made)
	}
	for _, v := range g.GetOutput() {
		if c.known[v.GetName()] == "" {
			c.faultf("graph output %q is made by no node", v.GetName())
		}
	}
	if len(g.GetOutput()) == 0 {
		c.faultf("the graph has no output")
	}
	return errors.Join(c.faults...)
}

type checker struct {
	faults  []error
	domains map[string]bool
	known   map[string]string // value → what made it
}

func (c *checker) faultf(format string, a ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, a...))
}

func (c *checker) define(name, by string) {
	switch {
	case name == "":
		c.faultf("%s without a name", by)
	case c.known[name] != "":
		c.faultf("value %q is made twice: by %s and by %s", name, c.known[name], by)
	default:
		c.known[name] = by
	}
}

func (c *checker) node(i int, n *Node, made map[string]int) {
	where := describe(i, n)
	if n.GetOpType() == "" {
		c.faultf("%s has no operator", where)
	}
	if !c.domains[domainName(n.GetDomain())] {
		c.faultf("%s is of the domain %q, which the model doesn't import", where, domainName(n.GetDomain()))
	}
	for _, in := range n.GetInput() {
		if in == "" || c.known[in] != "" {
			continue
		}
		if j, ok := made[in]; ok && j >= i {
			c.faultf("%s uses %q before node %d makes it", where, in, j)
		} else {
			c.faultf("%s uses %q, which nothing makes", where, in)
		}
	}
	names := map[string]bool{}
	var inner []string
	for _, a := range n.GetAttribute() {
		switch {
		case names[a.GetName()]:
			c.faultf("%s has the attribute %q twice", where, a.GetName())
		case a.GetType() == Attribute_UNDEFINED:
			c.faultf("%s: attribute %q has no kind", where, a.GetName())
		case a.GetType() == Attribute_GRAPH || a.GetType() == Attribute_GRAPHS:
			inner = append(inner, a.GetName())
		case a.GetRefAttrName() != "":
			c.faultf("%s: attribute %q refers to a function's attribute outside of a function", where, a.GetName())
		case a.GetType() == Attribute_TENSOR:
			if err := a.GetT().Check(); err != nil {
				c.faultf("%s: attribute %q: %w", where, a.GetName(), err)
			}
		}
		names[a.GetName()] = true
	}
	if len(inner) > 0 {
		c.faultf("%s decides at run time what is computed, in graphs of its own (%s): control flow (If, Loop, Scan) is "+
			"not supported, export the network with fixed sizes, which an exporter can decide by", where,
			strings.Join(inner, ", "))
	}
	for _, out := range n.GetOutput() {
		if out != "" {
			c.define(out, where)
		}
	}
}

// producers maps each value to the index of the node that makes it.
func producers(g *Graph) map[string]int {
	made := map[string]int{}
	for i, n := range g.GetNode() {
		for _, out := range n.GetOutput() {
			made[out] = i
		}
	}
	return made
}

// domainName gives the two spellings of ONNX's own domain one form.
func domainName(d string) string {
	if d == "ai.onnx" {
		return ""
	}
	return d
}

// describe names a node in an error.
func describe(i int, n *Node) string {
	if n.GetName() == "" {
		return fmt.Sprintf("node %d (%s)", i, n.GetOpType())
	}
	return fmt.Sprintf("node %q (%s)", n.GetName(), n.GetOpType())
}
