package embed

import "ordo/runner/plane"

// fitPlane finds the plane of all rows' first output. Beside a group of rows it holds a matrix of the output's columns
// squared.
func (r *rows) fitPlane() (*plane.Principal, error) {
	m := plane.NewMoments(r.outputs[0].Columns)
	var values []float32
	for i := range r.pages {
		var err error
		if values, err = r.read(i, values[:0]); err != nil {
			return nil, err
		}
		m.Add(values, r.width())
	}
	return m.Principal()
}
