package augment

import (
	"math"
	"testing"
)

// chiSquare is the statistic of counts against a uniform distribution, in standard deviations from its mean.
func chiSquare(counts []int) float64 {
	total := 0
	for _, n := range counts {
		total += n
	}
	expected, sum := float64(total)/float64(len(counts)), 0.0
	for _, n := range counts {
		sum += (float64(n) - expected) * (float64(n) - expected) / expected
	}
	free := float64(len(counts) - 1)
	return (sum - free) / math.Sqrt(2*free)
}

// Every way of counting on gives uniform numbers, and neighbours in it are independent: along a stream, and over
// each part of the key, small and consecutive as they are in use.
func TestDrawsAreUniformAndIndependent(t *testing.T) {
	plan := mustPlan(t, simclr("rotate"), 32)
	step := plan.operations[0].stream
	for name, draw := range map[string]func(i uint64) float64{
		"draw": func(i uint64) float64 {
			r := rng{key: fold(Key{Seed: 1, Epoch: 2, Sample: 3}.hash(), step), n: i}
			return r.float()
		},
		"seed": func(i uint64) float64 {
			r := rng{key: fold(Key{Seed: i, Epoch: 0, Sample: 0}.hash(), step)}
			return r.float()
		},
		"epoch": func(i uint64) float64 {
			r := rng{key: fold(Key{Seed: 0, Epoch: i, Sample: 0}.hash(), step)}
			return r.float()
		},
		"sample": func(i uint64) float64 {
			r := rng{key: fold(Key{Seed: 0, Epoch: 0, Sample: i}.hash(), step)}
			return r.float()
		},
		"view":   func(i uint64) float64 { r := rng{key: fold(fold(Key{}.hash(), i), step)}; return r.float() },
		"stream": func(i uint64) float64 { r := rng{key: fold(Key{}.hash(), fold(step, i))}; return r.float() },
		"scale":  func(i uint64) float64 { return plan.Scale(Key{Sample: i / 3}, 2+int(i%3)) },
		"direction": func(i uint64) float64 {
			return plan.aspect(Key{Sample: i}, 0).turn()
		},
		// The scale must not tell the direction, which is the same key's draw.
		"scale+direction": func(i uint64) float64 {
			k := Key{Sample: i}
			_, f := math.Modf(plan.Scale(k, 2) + plan.aspect(k, 0).turn())
			return f
		},
	} {
		const n, bins = 1 << 17, 32
		single, pairs := make([]int, bins), make([]int, bins*bins)
		last := draw(0)
		for i := uint64(1); i <= n; i++ {
			v := draw(i)
			if !(v >= 0 && v < 1) {
				t.Fatalf("%s: draw %v", name, v)
			}
			single[int(v*bins)]++
			pairs[int(last*bins)*bins+int(v*bins)]++
			last = v
		}
		// The keys are fixed, so this either always passes or never; 5 deviations are a chance of one in a million.
		if z := chiSquare(single); math.Abs(z) > 5 {
			t.Errorf("%s: values are %.1f deviations from uniform", name, z)
		}
		if z := chiSquare(pairs); math.Abs(z) > 5 {
			t.Errorf("%s: neighbours are %.1f deviations from independent", name, z)
		}
	}
}

func TestEveryKeyBitReachesEveryDrawBit(t *testing.T) {
	for word := range 3 {
		for bit := range 64 {
			flips := [64]int{}
			const n = 512
			for i := range uint64(n) {
				k := [3]uint64{mix(i), mix(i + n), mix(i + 2*n)}
				a := rng{key: Key{Seed: k[0], Epoch: k[1], Sample: k[2]}.hash()}
				k[word] ^= 1 << bit
				b := rng{key: Key{Seed: k[0], Epoch: k[1], Sample: k[2]}.hash()}
				diff := a.uint64() ^ b.uint64()
				for out := range flips {
					flips[out] += int(diff >> out & 1)
				}
			}
			for out, f := range flips {
				if f < n/2-6*12 || f > n/2+6*12 { // 6 standard deviations of a fair coin
					t.Errorf("bit %d of word %d flips bit %d of the draw in %d of %d keys", bit, word, out, f, n)
				}
			}
		}
	}
}

func TestIntn(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 24} {
		counts := make([]int, n)
		r := rng{key: uint64(n)}
		for range 20000 {
			counts[r.intn(n)]++
		}
		if n > 1 && chiSquare(counts) > 5 {
			t.Errorf("intn(%d): %v", n, counts)
		}
	}
}

// The sign of a family is the image's, not the view's; its scale is each level's own.
func TestDrawsOfAnImage(t *testing.T) {
	p := mustPlan(t, simclr("rotate", "hue"), 32)
	k := Key{Seed: 5, Sample: 9}
	seen := map[float64]bool{}
	for view, v := range p.Views() {
		s := p.Scale(k, view)
		if v.Family < 0 {
			if s != 0 {
				t.Errorf("base view %d has scale %v", view, s)
			}
			continue
		}
		if seen[s] {
			t.Errorf("view %d has the scale %v of another", view, s)
		}
		seen[s] = true
	}
	if p.aspect(k, 0).turn() == p.aspect(k, 1).turn() {
		t.Error("both families share a direction")
	}
	// A family added before leaves a family's draws as they are.
	q := mustPlan(t, simclr("hue"), 32)
	if p.Scale(k, 5) != q.Scale(k, 2) || p.aspect(k, 1).turn() != q.aspect(k, 0).turn() {
		t.Error("another family shifts the draws of hue")
	}
}

func TestColorJitterOrders(t *testing.T) {
	// The four come in all 24 orders, equally often.
	const n = 24000
	orders, counts := map[[4]float64]int{}, []int(nil)
	j := ColorJitter{Brightness: 0.9, Contrast: 0.9, Saturation: 0.9, Hue: 0.5, P: 1}
	for k := range uint64(n) {
		var d [8]float64
		j.draw(d[:], &rng{key: mix(k)})
		orders[[4]float64(d[4:])]++
	}
	for _, count := range orders {
		counts = append(counts, count)
	}
	if len(orders) != 24 || chiSquare(counts) > 5 {
		t.Errorf("%d orders: %v", len(orders), orders)
	}
}
