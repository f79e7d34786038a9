package zoo

import (
	"fmt"
	"math"

	"ordo/models/graph"
	"ordo/models/onnxgraph"
)

// vit says how a vision transformer differs from another.
type vit struct{ dim, depth, heads int }

// vit adds the network up to the layer norm on the class token; returns the number of features.
func (n *network) vit(v vit, patch, imageSize int) int {
	side := imageSize / patch
	tokens := side*side + 1
	x := n.tokens(v.dim, patch, tokens)
	for i := range v.depth {
		x = n.vitBlock(fmt.Sprintf("blocks.%d", i), x, v, tokens)
	}
	// The norm is of each token by itself: only the class token's is needed.
	first := n.b.Initializer(&onnxgraph.Tensor{Name: "first", DataType: onnxgraph.Int64, RawData: make([]byte, 8)})
	x = n.b.Op("Gather", "class", []string{x, first}, onnxgraph.IntAttr("axis", 1))
	n.layerNorm("norm", graph.Features, x, v.dim)
	return v.dim
}

// tokens is the class token and the patches, [batch, tokens, dim], each with its position added.
func (n *network) tokens(dim, patch, tokens int) string {
	d, t := int64(dim), int64(tokens)
	class, position := n.normal("cls_token", 1e-6, 1, 1, d), n.normal("pos_embed", 0.02, 1, t, d)
	const proj = "patch_embed.proj"
	inputs, p := 3*patch*patch, int64(patch)
	weight, bias := n.even(proj+".weight", inputs, d, 3, p, p), n.even(proj+".bias", inputs, d)
	x := n.convolve(proj, []string{graph.Images, weight, bias}, window{kernel: patch, stride: patch})
	x = n.b.Op("Reshape", "patch_embed.flatten", []string{x, n.ints("patch_embed.shape", 0, d, t-1)})
	x = n.transpose("patch_embed", x, 0, 2, 1)
	// The class token is the same for every image: it is added, with its position, to a row of zeros in front of the
	// patches. That spares its expansion to the size of the batch.
	x = n.b.Op("Pad", "tokens", []string{x, n.ints("tokens.pads", 0, 1, 0, 0, 0, 0)})
	class = n.b.Op("Pad", "cls_token.padded", []string{class, n.ints("cls_token.pads", 0, 0, 0, 0, t-1, 0)})
	return n.b.Op("Add", "embedded", []string{x, n.b.Op("Add", "cls_token.pos_embed", []string{class, position})})
}

// vitBlock is x + attention(norm(x)), to which a perceptron of its norm is added.
func (n *network) vitBlock(name, x string, v vit, tokens int) string {
	y := n.attention(name+".attn", n.layerNorm(name+".norm1", name+".norm1", x, v.dim), v, tokens)
	x = n.b.Op("Add", name+".add1", []string{x, y})
	y = n.layerNorm(name+".norm2", name+".norm2", x, v.dim)
	y = n.gelu(name+".mlp.act", n.dense(name+".mlp.fc1", y, v.dim, 4*v.dim))
	return n.b.Op("Add", name, []string{x, n.dense(name+".mlp.fc2", y, 4*v.dim, v.dim)})
}

// attention is softmax(q·kᵀ/√size)·v for each head, where size = dim/heads.
func (n *network) attention(name, x string, v vit, tokens int) string {
	size := v.dim / v.heads
	t, h, d := int64(tokens), int64(v.heads), int64(size)
	x = n.b.Op("Reshape", name+".split_heads", []string{n.dense(name+".qkv", x, v.dim, 3*v.dim),
		n.ints(name+".heads_shape", 0, t, 3, h, d)})
	x = n.transpose(name+".by_head", x, 2, 0, 3, 1, 4) // [3, batch, heads, tokens, size]
	parts := []string{n.b.Unique(name + ".q"), n.b.Unique(name + ".k"), n.b.Unique(name + ".v")}
	n.b.Append(&onnxgraph.Node{
		Name: name + ".split", OpType: "Split", Input: []string{x, n.ints(name+".parts", 1, 1, 1)}, Output: parts,
		Attribute: []*onnxgraph.Attribute{onnxgraph.IntAttr("axis", 0)},
	})
	axis := n.ints(name+".axis", 0)
	part := func(i int) string { return n.b.Op("Squeeze", parts[i]+".squeezed", []string{parts[i], axis}) }
	q, k, values := part(0), n.transpose(name+".k.t", part(1), 0, 1, 3, 2), part(2)
	q = n.b.Op("Mul", name+".q.scaled", []string{q, n.scalar(name+".scale", float32(1/math.Sqrt(float64(size))))})
	weights := n.b.Op("MatMul", name+".scores", []string{q, k})
	weights = n.b.Op("Softmax", name+".softmax", []string{weights}, onnxgraph.IntAttr("axis", -1))
	x = n.transpose(name+".by_token", n.b.Op("MatMul", name+".mixed", []string{weights, values}), 0, 2, 1, 3)
	x = n.b.Op("Reshape", name+".merge_heads", []string{x, n.ints(name+".merged_shape", 0, t, int64(v.dim))})
	return n.dense(name+".proj", x, v.dim, v.dim)
}
