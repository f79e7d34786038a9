package sweep

// Stop is how far a trial came that waits at a rung, or was stopped there.
type Stop struct {
	Epoch int     `json:"epoch"`
	Value float64 `json:"value"` // the metric there
}

// states say how far the trials of the plan are that stand in the sweep's folder, and how many may begin yet.
func (p *Plan) states(dir string) (all []State, more int, err error) {
	j := &journal{}
	if p.searching() {
		if j, _, err = readJournal(dir); err != nil {
			return nil, 0, err
		}
	}
	for i, t := range p.Trials {
		s, err := t.state(dir)
		if err != nil {
			return nil, 0, err
		}
		if i < len(j.trials) && s.Status != Finished && s.Status != Running {
			was := j.trials[i]
			at, ok := was.last()
			if was.state == Paused || was.state == Stopped {
				s.Status, s.Failure = was.state, nil
			}
			if ok {
				s.Stop = &Stop{at.epoch, at.value}
			}
		}
		all = append(all, s)
	}
	if p.tpe && !j.spent && !j.reached {
		more = p.total() - len(p.Trials)
	}
	return all, more, nil
}

// stopped says of a row's trials how far they came, if all were stopped.
func (r Row) stopped() (epoch int, ok bool) {
	if r.stops < r.Trials || r.stops == 0 {
		return 0, false
	}
	return r.epoch, true
}
