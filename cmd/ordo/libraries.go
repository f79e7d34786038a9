package main

import (
	"cmp"

	"ordo/models"
	"ordo/models/ort/install"
	"ordo/runner/config"
)

// setup is an experiment and the libraries that it runs with.
type setup struct {
	experiment config.Experiment
	libraries  models.Libraries
}

// prepare reads the experiment that the arguments describe and finds its libraries.
func prepare(g *global, args []string) (setup, error) {
	e, err := g.load(args)
	if err != nil {
		return setup{}, err
	}
	l, err := librariesFor(g, e)
	return setup{e, l}, err
}

// librariesFor finds the libraries that an experiment is run with.
func librariesFor(g *global, e config.Experiment) (models.Libraries, error) {
	at, err := findLibrary(g, e.Model.Execution.Provider == models.CUDA)
	if err != nil {
		return models.Libraries{}, err
	}
	oneDNN, err := findOneDNN(g)
	g.detail("ONNX Runtime: " + at.Path)
	g.detail("oneDNN: " + cmp.Or(oneDNN, "none"))
	return models.Libraries{ONNXRuntime: at.Path, OneDNN: oneDNN}, err
}

// findLibrary finds ONNX Runtime, or the one with CUDA.
func findLibrary(g *global, gpu bool) (install.Location, error) {
	if gpu {
		return install.FindGPU(g.env[install.EnvLibrary], g.env[install.EnvCache])
	}
	return install.Find(g.env[install.EnvLibrary], g.env[install.EnvCache])
}

// findOneDNN returns the file of oneDNN, or "" where there is none: then there are no fast kernels. It is an error if
// ORDO_ONEDNN names one that isn't there.
func findOneDNN(g *global) (string, error) {
	at, err := install.FindOneDNN(g.env[install.EnvOneDNN], g.env[install.EnvCache])
	if err != nil && g.env[install.EnvOneDNN] == "" {
		return "", nil //nolint:nilerr // whoever needs it says so
	}
	return at.Path, err
}

// openTraining loads the ONNX Runtime of this machine, which must be one that trains.
func openTraining(g *global) (*models.Runtime, error) {
	at, err := findLibrary(g, false)
	if err != nil {
		return nil, err
	}
	return models.OpenTraining(at.Path)
}
